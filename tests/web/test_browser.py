"""The pages in a real browser, by keyboard: every page, every key, several tabs, a server that is killed, and axe-core on all of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders.reviews import MAP
from builders.serving import QuietHandler, serve_http
from builders.web.served_pages import PICTURES, add_pictures, add_suspect, name_picture, open_pages, write_dataset
from logoingest.config import load_config
from logoingest.report.environment import load_script

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium")]

NAMES = MAP.replace('aliases.de = ["Zitrön"]', 'aliases = ["Ситроен", "シトロエン", "سيتروين"]')
PAGES = [
    "/queue",
    "/suspects",
    "/pairs",
    "/gallery",
    "/classes",
    "/run",
    "/written",
    f"/picture/{name_picture(0)}",
    f"/pair/{name_picture(0)}/{name_picture(1)}",
    "/label?raw=pmua",
    "/url?trail=1&u=http%3A%2F%2Fpictures.test%2F0.jpg",
    "/row/1",
    "/nothing",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, made once."""
    made = tmp_path_factory.mktemp("origin")
    config = write_dataset(made, class_map=NAMES)
    add_pictures(config, PICTURES, ["puma", "citroen", "puma", "puma"])
    add_suspect(config, 1, "citroen", "puma")
    return made


@pytest.fixture
def folder(origin: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(origin, tmp_path / "dataset"))


class Seat:
    """A browser that has come in, and what went wrong in its pages."""

    def __init__(self, browser: Any, link: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(90_000)
        expect.set_options(timeout=40_000)
        self.base = link.partition("/enter")[0]
        self.faults: list[str] = []
        self.page = self.open_tab()
        self.page.goto(link)

    def open_tab(self) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if "Content Security" in message.text else None)
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    def wait_card(self, text: str) -> None:
        expect(self.page.locator("#card:not([aria-busy]) h2").first).to_contain_text(text)

    def open_card(self, text: str) -> None:
        self.page.click(f'a[data-key]:has-text("{text}")')
        self.wait_card(text)

    def leave_card(self, text: str) -> None:
        """The next one is shown, and what was decided of this one is written."""
        expect(self.page.locator("#card[aria-busy]")).to_have_count(0)
        expect(self.page.locator("#writing")).to_be_empty()
        expect(self.page.locator("#card h2").first).not_to_contain_text(text)

    def find_class(self, class_id: str) -> None:
        expect(self.page.locator("#found [aria-selected=true]")).to_have_attribute("data-class-id", class_id)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def hear(self, text: str) -> None:
        expect(self.page.locator("#said")).to_contain_text(text)


@pytest.fixture
def seat(browser: Any, folder: Path) -> Iterator[Seat]:
    with open_pages(load_config(folder / "dataset.toml")) as pages:
        taken = Seat(browser, pages.links[-1])
        yield taken
        assert taken.faults == []
        taken.context.close()


def test_a_queue_is_decided_by_keys_alone(seat, folder):
    """Candidates, typed classes in any script, splitting off, noise, undo; then written."""
    page = seat.page
    seat.wait_card("pmua")
    page.wait_for_selector("#preview h3")
    assert "would change" in page.locator("#preview").text_content()
    page.wait_for_selector("#effects:not(:has-text('Looking'))")
    assert "other answer" in page.locator("#effects").text_content()
    seat.press("x")
    page.keyboard.type("3")
    seat.press("Enter")
    seat.hear("by itself")
    seat.wait_card("pmua")
    seat.press("1")
    seat.leave_card("pmua")
    seat.open_card("asdf")
    for typed in ("ситр", "シトロ", "سيترو"):
        seat.press("/")
        page.keyboard.insert_text(typed)
        seat.find_class("citroen")
        seat.press("Escape")
    seat.press("/")
    page.keyboard.insert_text("ситроен")
    seat.find_class("citroen")
    seat.press("Enter")
    seat.leave_card("asdf")
    seat.press("u")
    seat.hear("taken back")
    seat.open_card("asdf")
    seat.press("d")
    seat.leave_card("asdf")
    seat.open_card("anta")
    seat.press("n")
    page.keyboard.type("Fanta")
    seat.press("Enter")
    seat.leave_card("anta")
    seat.press("q")
    expect(page.locator("#card h2").first).to_have_text("Written")
    classes = tomllib.loads((folder / "map.toml").read_text())["classes"]
    assert "Fanta" in classes
    assert [alias["text"] for alias in classes["answers thrown away"]["aliases"]] == ["asdf"]


@pytest.mark.parametrize(
    ("key", "typed", "ruling"),
    [
        ("w", "", "noise"),
        ("Shift+W", "as", "noise: as"),
        ("i", "", "ignore"),
        ("o", "drop", "override: drop"),
        ("!", "puma", "not: puma"),
        ("s", "", ""),
    ],
)
def test_every_key_decides_as_the_terminals_would(seat, folder, key, typed, ruling):
    """What is kept is the session's own step."""
    seat.open_card("asdf")
    seat.press(key)
    if typed:
        seat.page.keyboard.type(typed)
        if key == "!":
            seat.find_class("puma")
        seat.press("Enter")
    seat.leave_card("asdf")
    step = read_step(folder)
    assert (step["rulings"], step["skipped"]) == ([["asdf", ruling]] if ruling else [], [] if ruling else ["asdf"])


def test_two_tabs_and_a_phone_share_a_session(seat):
    """What the one tab decided, the other says is decided."""
    other = seat.open_tab()
    other.set_viewport_size({"width": 320, "height": 640})
    other.goto(f"{seat.base}/queue")
    other.wait_for_selector("#card article")
    seat.wait_card("pmua")
    seat.press("d")
    seat.leave_card("pmua")
    other.keyboard.press("i")
    expect(other.locator("#said")).to_contain_text("decide")
    assert other.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_pictures_are_chosen_and_marked_by_keys(seat, folder):
    """Arrows, Space, Shift, all; a class by typing; taken back."""
    page = seat.page
    page.goto(f"{seat.base}/gallery")
    seat.press("ArrowRight", "ArrowRight", "Space")
    assert "1 chosen" in page.locator("#chosen").text_content()
    page.locator("#gallery li").nth(3).locator("input").click(modifiers=["Shift"])
    seat.press("a")
    assert "4 chosen" in page.locator("#chosen").text_content()
    seat.press("c")
    page.keyboard.insert_text("ситр")
    seat.find_class("citroen")
    seat.press("Enter")
    seat.hear("4 pictures: class: citroen")
    seat.press("u")
    seat.hear("taken back")
    assert not (folder / "rulings.toml").exists()
    page.goto(f"{seat.base}/picture/{name_picture(0)}")
    page.wait_for_selector("#votes table")
    seat.press("z", "b", "ArrowRight")
    page.wait_for_url(f"**/picture/{name_picture(1)}")


def test_pictures_of_two_minds_are_compared_and_ruled_on(seat, folder):
    """Flicker by hand, difference; a key rules."""
    page = seat.page
    page.goto(f"{seat.base}/pair/{name_picture(0)}/{name_picture(1)}")
    seat.press("f", "x", "s")
    page.goto(f"{seat.base}/pairs")
    page.wait_for_selector("article.row-card")
    seat.press("ArrowDown", "b")
    seat.hear("both")
    assert read_step(folder)["rows"][0][1] == "both"


def read_step(folder: Path) -> dict[str, Any]:
    """The last step of the one session there is."""
    [journal] = (folder / "work/review").glob("*.json")
    return dict(json.loads(journal.read_text())["steps"][-1])


def test_every_key_of_a_pair_and_of_a_suspect_decides(seat, folder):
    """In the rows of two pages and where two pictures are compared; each is taken back by a key."""
    page = seat.page
    rows = [("/pairs", [("1", "class: puma"), ("m", "same"), ("n", "not same"), ("d", "drop"), ("/", "class: citroen")])]
    rows += [("/suspects", [("1", "class: puma"), ("k", "class: citroen")])]
    for path, keys in rows:
        for key, said in keys:
            page.goto(seat.base + path)
            seat.press("ArrowDown", key)
            if key == "/":
                page.keyboard.insert_text("ситр")
                expect(page.locator("form.prompt [aria-selected=true]")).to_have_attribute("data-class-id", "citroen")
                seat.press("Enter")
            seat.hear(said)
            assert read_step(folder)["rows"][0][1] == said
            seat.press("u")
            page.wait_for_selector("article.row-card")
    page.goto(f"{seat.base}/pair/{name_picture(2)}/{name_picture(3)}")
    for key, said in (("m", "same"), ("1", "class: puma"), ("d", "drop")):
        seat.press(key)
        seat.hear(said)
        seat.press("u")
        seat.hear("taken back")
    seat.press("f", " ")
    assert "second" in page.locator("#pair").get_attribute("class")


def test_further_keys_of_the_queue_the_gallery_and_a_picture(seat, folder):
    """Arrows, help, all first candidates at once, what was written taken back; choosing none, dropping, opening; neighbours."""
    page = seat.page
    seat.wait_card("pmua")
    seat.press("ArrowDown")
    seat.leave_card("pmua")
    seat.press("ArrowUp", "?")
    seat.wait_card("pmua")
    assert page.locator("#help").get_attribute("open") is not None
    seat.press("a")
    page.keyboard.type("0.5")
    seat.press("Enter")
    seat.hear("accepted the first candidate")
    seat.leave_card("pmua")
    seat.press("q")
    expect(page.locator("#card h2").first).to_have_text("Written")
    page.goto(f"{seat.base}/queue")
    page.wait_for_selector("#card article")
    seat.press("U")
    expect(page.locator("#counts")).to_contain_text("decided, not written")
    expect(page.locator("#counts")).not_to_contain_text(" 0 decided")
    page.goto(f"{seat.base}/gallery")
    seat.press("a", "Escape")
    assert "none chosen" in page.locator("#chosen").text_content()
    seat.press("ArrowRight", "Space", "d")
    seat.hear("drop")
    seat.press("ArrowRight", "Enter")
    page.wait_for_url("**/picture/*")
    seat.press("n")
    expect(page.locator("#neighbours")).to_contain_text("could not be found out")


def test_a_class_is_edited_by_keys_and_lint_answers(seat, folder):
    """An alias is written at once."""
    page = seat.page
    page.goto(f"{seat.base}/classes?text=bmw")
    page.locator("li[data-class=bmw] summary", has_text="Edit").focus()
    seat.press("Enter", "Tab", "Tab")
    page.keyboard.type("beamer")
    seat.press("Enter")
    expect(page.locator("#lint")).to_contain_text("bmw: alias beamer")
    assert "beamer" in (folder / "map.toml").read_text()


def test_copies_are_ruled_on_by_keys_and_what_is_written_is_taken_back(seat, folder):
    """Not the same, where the two are looked at; written; taken back from the list of what was written."""
    page = seat.page
    page.goto(f"{seat.base}/pair/{name_picture(1)}/{name_picture(2)}")
    seat.press("n")
    seat.hear("not same")
    page.goto(f"{seat.base}/queue")
    page.wait_for_selector("#card article")
    seat.press("q")
    expect(page.locator("#card h2").first).to_have_text("Written")
    [ruling] = tomllib.loads((folder / "rulings.toml").read_text())["groups"]
    assert (ruling["ruling"], ruling["images"]) == ("not same", [name_picture(1), name_picture(2)])
    page.goto(f"{seat.base}/written")
    page.locator("button[data-name]").focus()
    seat.press("Enter")
    seat.hear("taken back: 1 decision")
    assert not (folder / "rulings.toml").exists()


def test_two_people_see_what_the_other_decided(browser, folder):
    """Two browsers, two names, two sessions; what the one decided stands beside the other's card and is not overwritten."""
    with open_pages(load_config(folder / "dataset.toml")) as pages:
        ada, bob = (Seat(browser, pages.links[-1]) for _ in range(2))
        bob.page.evaluate("send('/name', { text: 'Bob' })")
        bob.hear("you are Bob")
        ada.open_card("asdf")
        ada.press("d")
        ada.leave_card("asdf")
        bob.page.goto(f"{bob.base}/queue")
        bob.open_card("asdf")
        expect(bob.page.locator("#card [role=note]")).to_contain_text("Ada decided “drop”")
        bob.press("i")
        bob.leave_card("asdf")
        journals = [json.loads(path.read_text()) for path in (folder / "work/review").glob("*.json")]
        assert {one["by"]: one["steps"][-1]["rulings"] for one in journals} == {
            "Ada": [["asdf", "drop"]],
            "Bob": [["asdf", "ignore"]],
        }
        assert ada.faults == bob.faults == []
        ada.context.close()
        bob.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_fit_for_everybody(browser, folder, scheme):
    """axe-core finds nothing serious, nothing hangs over a phone's edge, and every page loads without a fault."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with open_pages(load_config(folder / "dataset.toml")) as pages:
        seat = Seat(browser, pages.links[-1], color_scheme=scheme, viewport={"width": 320, "height": 700}, bypass_csp=True)
        for path in PAGES:
            seat.page.goto(seat.base + path)
            if path == "/queue":
                seat.page.wait_for_selector("#preview h3")
            found = axe.run(seat.page).response["violations"]
            bad = [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in {"serious", "critical"}]
            assert bad == [], path
            assert seat.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        assert seat.faults == []
        seat.context.close()


def test_a_server_that_is_killed_loses_nothing(browser, folder):
    """kill -9 in mid-session; the next one goes on where it was, and undo reaches behind it."""
    for round_ in ("first", "second"):
        command = [sys.executable, "-m", "logoingest", "web", str(folder / "dataset.toml"), "--json", "--by", "Ada"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            seat = Seat(browser, json.loads(server.stdout.readline())["link"])
            seat.page.wait_for_selector("#card article")
            if round_ == "first":
                seat.wait_card("pmua")
                seat.press("d")
                seat.leave_card("pmua")
            else:
                assert "pmua" not in seat.page.locator("#lines").text_content()
                seat.press("u")
                seat.page.wait_for_selector('a[data-key]:has-text("pmua")')
            server.send_signal(signal.SIGKILL)
            server.wait(10)
            if round_ == "second":
                seat.page.keyboard.press("d")
                seat.hear("does not answer")
            seat.context.close()
        finally:
            server.kill()
            server.wait(10)
            server.stdout.close()


def test_read_only_pages_take_no_decision(browser, folder):
    """Buttons are disabled, keys do nothing."""
    with open_pages(load_config(folder / "dataset.toml"), is_read_only=True) as pages:
        seat = Seat(browser, pages.links[-1])
        seat.wait_card("pmua")
        seat.press("d", "1", "u")
        seat.wait_card("pmua")
        assert seat.page.locator("#card .actions button:enabled").count() == 0
        seat.context.close()
    assert not (folder / "work/review").exists()


def test_pages_of_the_gallery_are_turned_and_placeholders_listed_by_keys(browser, folder):
    """PageDown, PageUp; p lists what is chosen, u takes it off the list."""
    with (folder / "dataset.toml").open("a") as file:
        file.write('[images]\nplaceholders = "placeholders.txt"\n')
    config = load_config(folder / "dataset.toml")
    add_pictures(config, [*PICTURES] * 16)
    with open_pages(config) as pages:
        seat = Seat(browser, pages.links[-1])
        seat.page.goto(f"{seat.base}/gallery")
        seat.press("PageDown")
        seat.page.wait_for_url("**start=60*")
        seat.press("PageUp")
        seat.page.wait_for_url(lambda address: "start=60" not in address)
        seat.press("ArrowRight", "Space", "p")
        seat.hear("1 pictures are listed as placeholders")
        assert name_picture(0) in (folder / "placeholders.txt").read_text()
        seat.press("u")
        seat.hear("taken back")
        assert name_picture(0) not in read_text(folder / "placeholders.txt")
        assert seat.faults == []
        seat.context.close()


def test_more_pictures_come_as_one_scrolls(browser, folder):
    """They are chosen with those before, by Shift from one to another and all at once; what is shown is counted."""
    config = load_config(folder / "dataset.toml")
    add_pictures(config, [*PICTURES] * 31)
    with open_pages(config) as pages:
        seat = Seat(browser, pages.links[-1], viewport={"width": 1000, "height": 600})
        seat.page.goto(f"{seat.base}/gallery")
        tiles = seat.page.locator("#gallery li")
        expect(tiles).to_have_count(60)
        tiles.nth(2).locator("input").click()
        tiles.nth(59).scroll_into_view_if_needed()
        expect(tiles).to_have_count(120)
        tiles.nth(119).scroll_into_view_if_needed()
        expect(tiles).to_have_count(124)
        expect(seat.page.locator("#to")).to_have_text("124")
        expect(seat.page.locator('a[rel="next"]')).to_have_count(0)
        tiles.nth(121).locator("input").click(modifiers=["Shift"])
        expect(seat.page.locator("#chosen")).to_have_text("120 chosen")
        seat.press("a")
        expect(seat.page.locator("#chosen")).to_have_text("124 chosen")
        seat.press("d")
        seat.hear("124 pictures: drop")
        assert seat.faults == []
        seat.context.close()


def read_text(path: Path) -> str:
    """Empty where there is no such file."""
    return path.read_text() if path.exists() else ""


class HangingSite(QuietHandler):
    """Never answers in time."""

    def do_GET(self) -> None:
        threading.Event().wait(5)


def test_a_run_is_begun_stopped_and_retried_by_keys(browser, tmp_path):
    """The page follows it: at work, stopped, tried again by reason."""
    with serve_http(HangingSite) as site:
        write_dataset(tmp_path)
        answers = (tmp_path / "answers.csv").read_text(encoding="utf-8").replace("http://pictures.test", site)
        (tmp_path / "answers.csv").write_text(answers, encoding="utf-8")
        with (tmp_path / "dataset.toml").open("a") as file:
            file.write('[fetch]\nallowed_networks = ["127.0.0.0/8"]\nrobots = "ignore"\nprocesses = 1\nper_host = 1\n')
        with open_pages(load_config(tmp_path / "dataset.toml")) as pages:
            seat = Seat(browser, pages.links[-1])
            seat.page.goto(f"{seat.base}/run")
            state = seat.page.locator("#state")
            seat.page.focus("#start")
            seat.press("Enter")
            expect(state).to_contain_text("started here is working")
            expect(state).to_contain_text("0 of 16 URLs")
            seat.page.focus("#stop")
            seat.press("Enter")
            seat.hear("it ends after what it is at")
            expect(state).to_contain_text("ended with exit code 130")
            seat.page.focus("#retry input")
            seat.page.keyboard.type("timeout")
            seat.press("Enter")
            seat.hear("started")
            expect(state).to_contain_text(re.compile(r"ended with exit code (?!130)\d"))
            assert seat.faults == []
            seat.context.close()


REPORT = """<!doctype html><html lang="en"><title>report</title><form id="search" hidden><label for="wanted">Find</label><input id="wanted">
<span id="found"></span><span id="queue" hidden>Queue</span></form><details class="page" open><summary>Labels</summary><table><tbody><tr><td><code data-raw="pmua &amp; co">pmua</code></td></tr>
<tr><td>asdf</td></tr></tbody></table></details><details class="page" open><summary>Pictures</summary><figure><img alt="one" data-picture="{picture}"></figure></details><script>{script}</script>"""


def test_the_report_is_filtered_and_leads_to_the_pages(seat, folder):
    """By its own script, which the policy lets through; what it leads to is there."""
    page = seat.page
    (folder / "work/report.html").write_text(REPORT.format(picture=name_picture(0), script=load_script()[0]), encoding="utf-8")
    page.goto(f"{seat.base}/run")
    page.click("text=Report")
    page.fill("#wanted", "ASD")
    expect(page.locator("#found")).to_have_text("1 found")
    assert page.locator("tbody tr:visible").all_text_contents() == ["asdf"]
    page.fill("#wanted", "")
    expect(page.locator("tbody tr:visible")).to_have_count(2)
    page.click("code[data-raw]")
    page.wait_for_url("**/label?raw=pmua%20%26%20co")
    expect(page.locator("#crowd")).to_contain_text("Nothing")
    page.go_back()
    page.click("img[data-picture]", force=True)
    page.wait_for_url(f"**/picture/{name_picture(0)}")
