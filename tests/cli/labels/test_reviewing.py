"""``labels suggest`` and ``labels review`` as they are called: by sheet, by pipe and at a real terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from builders.places import ROOT
from builders.reviews import MAP
from builders.web.served_pages import CONFIG
from logoingest.cli.labels.review_terminal import Style
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.errors import WorkspaceError
from logoingest.pipeline import Run
from logoingest.review import Journal, read_journals
from logoingest.review.sheets.sheet import COLUMNS

ANSWERS = [
    ("puma", "w1"), ("Puma", "w2"), ("pmua", "w1"), ("pmua", "w2"), ("PMUA", "w3"), ("puam", "w1"), ("fanta", "w1"), ("Fanta", "w2"),
    ("asdf", "w4"), ("asdf", "w4"), ("asdf", "w4"), ("a\x1b[2Jx", "w1"), ("none", "w1"), ("the logo", "w2"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset whose labels stage has run; no network is needed for that."""
    with (tmp_path / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "brand", "worker"])
        writer.writerows([f"http://pictures.test/{number}.jpg", label, worker] for number, (label, worker) in enumerate(ANSWERS))
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "dataset.toml").write_text(CONFIG, encoding="utf-8")
    assert main(["run", str(tmp_path / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    return tmp_path


def call(capsys, command: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["labels", command, str(folder / "dataset.toml"), *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def decide(folder: Path, capsys, **decisions: str) -> Path:
    """A sheet with decisions on some labels (or on clusters, by their first label)."""
    sheet = folder / "review.csv"
    assert call(capsys, "review", folder, "--export", str(sheet))[0] == 0
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"), newline="")))
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "decision": decisions.get(row["label"], "") if row["row"] == "label" else ""} for row in rows)
    return sheet


def read_aliases(folder: Path, class_id: str) -> list[object]:
    return tomllib.loads((folder / "map.toml").read_text("utf-8"))["classes"][class_id]["aliases"]


def test_suggest_shows_clusters_with_counts_candidates_and_lines_to_paste(folder, capsys):
    """Most answers first; who stands behind them; noise words left out and said; nothing that moves a cursor."""
    code, out, _ = call(capsys, "suggest", folder)
    assert code == 0
    assert "3 answers, 1 spelling, 1 worker, 3 URLs" in out
    assert "! one worker alone typed it, 3 times" in out
    assert '"pmua" ×2  "PMUA"' in out
    assert "aliases.any = [" in out
    assert "left out: 1 answer of 1 spelling made of noise words" in out
    assert "\x1b" not in out
    assert "\\x1b" in out


def test_suggest_as_json_counts_everything(folder, capsys):
    """Every undecided answer is in one cluster; the proposed lines are TOML."""
    found = json.loads(call(capsys, "suggest", folder, "--json")[1])
    assert found["undecided"] == {"labels": 7, "answers": 10}
    assert sum(cluster["answers"] for cluster in found["clusters"]) == 10
    assert all(tomllib.loads(cluster["toml"]) is not None for cluster in found["clusters"])
    assert all(
        {"class_id", "score", "reason"} <= set(candidate) for cluster in found["clusters"] for candidate in cluster["candidates"]
    )


def test_suggest_takes_a_member_out_of_its_cluster(folder, capsys):
    """``--drop``, as often as wanted; a label that is not there is a mistake."""
    clusters = json.loads(call(capsys, "suggest", folder, "--json", "--drop", "PMUA")[1])["clusters"]
    assert ["PMUA"] in [[label["label"] for label in cluster["labels"]] for cluster in clusters]
    code, _, err = call(capsys, "suggest", folder, "--drop", "nobody")
    assert code == 2
    assert "is no answer in review or unknown" in err


def test_suggest_keeps_to_its_limits(folder, capsys):
    """``--limit`` and ``--min-count``."""
    assert len(json.loads(call(capsys, "suggest", folder, "--json", "--limit", "1")[1])["clusters"]) == 1
    assert {
        cluster["answers"] >= 2
        for cluster in json.loads(call(capsys, "suggest", folder, "--json", "--min-count", "2")[1])["clusters"]
    } == {True}


def test_before_the_labels_stage_ran_there_is_a_clear_message(tmp_path, capsys):
    """Exit code 2, and what to do."""
    (tmp_path / "answers.csv").write_text("url,brand,worker\nhttp://x.test/1.jpg,a,b\n")
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "dataset.toml").write_text(CONFIG, encoding="utf-8")
    code, _, err = call(capsys, "suggest", tmp_path)
    assert code == 2
    assert "the labels stage has not run here; first: logoingest run" in err


def test_the_round_trip_by_sheet(folder, capsys):
    """Out, filled in, applied: each decision is in the map with who and when, and decides from then on; applying again is nothing."""
    sheet = decide(folder, capsys, pmua="1", PMUA="puma", puam="Puma", fanta="new: Fanta", Fanta="fanta", asdf="drop")
    code, out, _ = call(capsys, "review", folder, "--apply", str(sheet), "--by", "ada", "--on", "2025-10-09")
    assert code == 0
    assert "6 spellings decided" in out
    assert [entry["by"] for entry in read_aliases(folder, "puma")[1:]] == ["ada"] * 2
    before = (folder / "map.toml").read_bytes()
    assert call(capsys, "review", folder, "--apply", str(sheet), "--by", "bob")[1].startswith(
        "0 spellings decided, 6 decided so before"
    )
    assert (folder / "map.toml").read_bytes() == before
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    left = json.loads(call(capsys, "suggest", folder, "--json")[1])
    assert left["undecided"] == {"labels": 1, "answers": 1}
    code, out, _ = call(capsys, "suggest", folder, "--json")
    assert json.loads(out)["note"] == ""


def test_a_stale_sheet_is_said_and_not_lost(folder, capsys):
    """Answers decided otherwise meanwhile, and answers that are gone, are listed; the others are written."""
    sheet = decide(folder, capsys, pmua="bmw", puam="puma")
    (folder / "map.toml").write_text(MAP.replace('["pumma"]', '["pumma", "pmua"]'), encoding="utf-8")
    gone = {"row": "label", "label_id": "L0000000000", "label": "long gone", "decision": "puma"}
    with sheet.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, COLUMNS, delimiter=";").writerow(gone)
    code, out, _ = call(capsys, "review", folder, "--apply", str(sheet), "--by", "ada")
    assert code == 0
    assert "too late: 1 decision" in out
    assert '"pmua" as "class: bmw" is puma (alias "pmua")' in out
    assert '"long gone" is not among the answers' in out
    assert read_aliases(folder, "puma")[2]["text"] == "puam"


def test_faults_of_a_sheet_are_all_told_and_nothing_is_written(folder, capsys):
    """Exit code 2; the sound decision beside them waits."""
    sheet = decide(folder, capsys, pmua="pumaa", puam="7", fanta="new: Fanta")
    code, out, err = call(capsys, "review", folder, "--apply", str(sheet))
    assert (code, out) == (2, "")
    assert 'did you mean "Puma"?' in err
    assert "there is no candidate 7" in err
    assert (folder / "map.toml").read_text("utf-8") == MAP


def test_an_export_never_overwrites_decisions(folder, capsys):
    """A sheet that is there may be filled in."""
    decide(folder, capsys)
    code, _, err = call(capsys, "review", folder, "--export", str(folder / "review.csv"))
    assert code == 2
    assert "is there already" in err


def test_an_alias_that_would_draw_others_away_counts_only_as_the_whole_answer(folder, capsys):
    """What had a class keeps it: the side effects are looked at before anything is written."""
    path = folder / "answers.csv"
    path.write_text(
        path.read_text("utf-8") + "http://pictures.test/90.jpg,FdeEx,w1\nhttp://pictures.test/91.jpg,fdex,w1\n", encoding="utf-8"
    )
    (folder / "map.toml").write_text(MAP + "[classes.fedex]\nname = 'FedEx'\n", encoding="utf-8")
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    sheet = decide(folder, capsys, fdex="fedex")
    found = json.loads(call(capsys, "review", folder, "--apply", str(sheet), "--json", "--by", "ada")[1])
    assert not [effect for effect in found["side_effects"] if effect["is_reversal"]]


def talk(folder: Path, capsys, monkeypatch, *lines: str) -> str:
    """A review by pipe, to its end."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    code, out, err = call(capsys, "review", folder, "--by", "ada")
    assert code == 0, err
    return out


def test_a_review_by_pipe_decides_undoes_and_writes(folder, capsys, monkeypatch):
    """One command a line; hostile answers are shown escaped, and no colour codes go into a pipe."""
    out = talk(folder, capsys, monkeypatch, "?", "d", "u", "/ pu", "1", "d", "n Fanta", "q")
    assert "\x1b" not in out
    assert '"asdf"' in out
    assert "one worker alone typed it, 3 times" in out
    data = tomllib.loads((folder / "map.toml").read_text("utf-8"))
    assert data["classes"]["answers thrown away"]["aliases"][0]["text"] == "asdf"
    assert "Fanta" in data["classes"]
    assert any(entry["by"] == "ada" for entry in data["classes"]["puma"]["aliases"][1:])


def test_the_end_of_the_pipe_is_the_end_of_the_review(folder, capsys, monkeypatch):
    """What was decided is written; with nothing decided the map is left as it is."""
    assert "no decisions were made" in talk(folder, capsys, monkeypatch)
    assert (folder / "map.toml").read_text("utf-8") == MAP
    talk(folder, capsys, monkeypatch, "= puma")
    assert len(read_aliases(folder, "puma")) > 1


def test_what_cannot_be_written_is_said_and_the_rest_is_written(folder, capsys, monkeypatch):
    """Exit code 2; the answer is still open the next time."""
    path = folder / "answers.csv"
    path.write_text(path.read_text("utf-8") + "http://pictures.test/90.jpg,\u202eamup,w1\n" * 9, encoding="utf-8")
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("= puma\n= puma\nq\n"))
    code, out, _ = call(capsys, "review", folder, "--by", "ada")
    assert code == 2
    assert "not written: " in out
    assert "reverses the writing direction" in out
    assert len(read_aliases(folder, "puma")) > 1
    assert json.loads(call(capsys, "suggest", folder, "--json")[1])["clusters"][0]["labels"][0]["label"].startswith("\u202e")


@pytest.mark.slow
def test_a_killed_review_loses_nothing(folder, capsys, monkeypatch):
    """kill -9 after two decisions; the next session takes them up and writes them."""
    command = [sys.executable, "-m", "logoingest", "labels", "review", str(folder / "dataset.toml"), "--by", "ada"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        process.stdin.write("= puma\nd\n")
        process.stdin.flush()
        wait_for(lambda: any(len(json.loads(file.read_text())["steps"]) == 2 for file in (folder / "work/review").glob("*.json")))
        process.send_signal(signal.SIGKILL)
    assert (folder / "map.toml").read_text("utf-8") == MAP
    assert "resumed: 4 decisions" in talk(folder, capsys, monkeypatch, "q")
    assert read_aliases(folder, "answers thrown away")[0]["text"] == "asdf"
    assert not list((folder / "work/review").glob("*.json"))


def test_two_sessions_of_one_person_do_not_overwrite_each_other(folder):
    """The second to write is told."""
    first, second = (Journal(Run(load_config(folder / "dataset.toml")), "ada") for _ in range(2))
    first.save([{"rulings": [["asdf", "drop"]]}])
    with pytest.raises(WorkspaceError, match="another review session"):
        second.save([{"rulings": [["asdf", "ignore"]]}])
    Journal(Run(load_config(folder / "dataset.toml")), "bob").save([])
    assert [step["rulings"] for step in first.load()] == [[["asdf", "drop"]]]


def test_everybodys_open_decisions_can_be_read_with_who_and_when(folder):
    """A step keeps the time at which it was first written; a damaged journal is left out."""
    run = Run(load_config(folder / "dataset.toml"))
    journal = Journal(run, "ada")
    journal.save([{"rulings": [["asdf", "drop"]]}])
    first = read_journals(run)[0].steps[0]["at"]
    journal.save([{"rulings": [["asdf", "drop"]]}, {"rulings": [["nikee", "ignore"]]}])
    (folder / "work/review/damaged.json").write_text("[")
    [entries] = read_journals(run)
    assert (entries.by, [step["rulings"] for step in entries.steps]) == ("ada", [[["asdf", "drop"]], [["nikee", "ignore"]]])
    assert entries.steps[0]["at"] == first


def test_what_was_decided_of_pictures_elsewhere_outlives_a_session_at_the_terminal(folder, capsys, monkeypatch):
    """The terminal asks about answers only: it writes those, and keeps the rest."""
    run = Run(load_config(folder / "dataset.toml"))
    Journal(run, "ada").save([{"rows": [["g0123456789", "both"]]}, {"rulings": [["asdf", "drop"]]}])
    assert "resumed: 1 decisions" in talk(folder, capsys, monkeypatch, "q")
    assert [step["rows"] for step in Journal(run, "ada").load()] == [[["g0123456789", "both"]]]


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.02)


class Terminal:
    """A review on a pseudo-terminal."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._master, slave = pty.openpty()
        command = [sys.executable, "-m", "logoingest", "labels", "review", str(folder / "dataset.toml"), "--by", "ada"]
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", **environment}
        )
        os.close(slave)
        self.shown = ""

    def expect(self, text: str) -> None:
        """Read until a text was shown after what was expected before."""
        start = len(self.shown)
        deadline = time.monotonic() + 60
        while text not in self.shown[start:]:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._master], [], [], 0.2)[0]:
                self.shown += os.read(self._master, 65_536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def close(self) -> int:
        try:
            while data := os.read(self._master, 65_536):
                self.shown += data.decode("utf-8", "replace")
        except OSError:  # the other side is closed
            pass
        os.close(self._master)
        return self._process.wait(60)


@pytest.mark.slow
def test_a_review_at_a_terminal_takes_single_keys(folder):
    """No Enter after a key; the search shows what it finds as one types; cursor keys and Esc do nothing."""
    terminal = Terminal(folder)
    terminal.expect("u q ?] ")
    terminal.press("d")
    terminal.expect("u q ?] ")
    terminal.press("\x1b[A")
    terminal.expect("u q ?] ")
    terminal.press("/")
    terminal.expect("search: ")
    terminal.press("pumx\x7f")
    terminal.expect("1 Puma")
    terminal.press("\r")
    terminal.expect("u q ?] ")
    terminal.press("1")
    terminal.expect("u q ?] ")
    terminal.press("n")
    terminal.expect("new class: ")
    terminal.press("Fänta\r")
    terminal.expect("u q ?] ")
    terminal.press("q")
    assert terminal.close() == 0
    assert "\x1b[1m" in terminal.shown
    assert "\x1b[2J" not in terminal.shown
    data = tomllib.loads((folder / "map.toml").read_text("utf-8"))
    assert {"answers thrown away", "Fänta"} <= set(data["classes"])
    assert len(data["classes"]["puma"]["aliases"]) > 1


@pytest.mark.slow
def test_the_scripted_review_of_the_example_settles_the_real_answers(tmp_path, shared_data, capsys):
    """All real answers of flickrlogos27 but a handful are decided after one round, and each decision is in force."""
    example = ROOT / "examples/flickrlogos27"
    (tmp_path / "map.toml").write_bytes((example / "../../label_maps/flickrlogos27.toml").read_bytes())
    settings = [f"--set=sources.0.path={shared_data}/flickrlogos27/mturk_results.csv", f"--set=dataset.workspace={tmp_path}/work", f"--set=labels.class_map={tmp_path}/map.toml"]  # fmt: skip
    config = str(example / "dataset.toml")
    assert main(["run", config, "--until", "normalise", "--quiet", *settings]) == 0
    capsys.readouterr()
    assert main(["labels", "suggest", config, "--json", *settings]) == 0
    before = json.loads(capsys.readouterr().out)["undecided"]["answers"]
    sheet = str(example / "review_decisions.csv")
    assert main(["labels", "review", config, "--apply", sheet, "--by", "ada", "--json", *settings]) == 0
    applied = json.loads(capsys.readouterr().out)
    assert not applied["gone"]
    assert not applied["overruled"]
    assert not [effect for effect in applied["side_effects"] if effect["is_reversal"]]
    assert main(["labels", "suggest", config, "--json", *settings]) == 0
    after = json.loads(capsys.readouterr().out)["undecided"]["answers"]
    assert before > 100
    assert after < 10


class FakeTerminal(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_colour_is_shown_only_where_it_is_wanted(monkeypatch):
    """Neither with NO_COLOR, nor on a dumb terminal, nor in a pipe."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Style(FakeTerminal()).bold("x") == "\x1b[1mx\x1b[0m"
    assert Style(io.StringIO()).bold("x") == "x"
    monkeypatch.setenv("TERM", "dumb")
    assert Style(FakeTerminal()).bold("x") == "x"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert Style(FakeTerminal()).bold("x") == "x"
