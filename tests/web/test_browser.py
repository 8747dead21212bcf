"""The pages in a real browser, by keyboard: every page, every key, several tabs, a server that is killed, and axe-core on all of it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders.reviews import MAP
from builders.web.served_pages import PICTURES, add_pictures, name_picture, open_pages, write_dataset
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_pictures(write_dataset(tmp_path, class_map=NAMES), PICTURES, ["puma", "citroen", "puma", "puma"])
    return tmp_path


class Seat:
    """A browser that has come in, and what went wrong in its pages."""

    def __init__(self, browser: Any, link: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        expect.set_options(timeout=20_000)
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
        expect(self.page.locator("#card[aria-busy]")).to_have_count(0)
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
    [journal] = (folder / "work/review").glob("*.json")
    step = json.loads(journal.read_text())["steps"][-1]
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
    [journal] = (folder / "work/review").glob("*.json")
    assert json.loads(journal.read_text())["steps"][-1]["rows"][0][1] == "both"


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


REPORT = """<!doctype html><html lang="en"><title>report</title><form id="search" hidden><label for="wanted">Find</label><input id="wanted">
<span id="found"></span><a id="queue" hidden>Queue</a></form><details class="page" open><summary>Labels</summary><table><tbody><tr><td><code data-raw="pmua &amp; co">pmua</code></td></tr>
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
