"""The command line: exit codes, messages, and what goes to stdout."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest

from logoingest.cli.main import main
from logoingest.workspace import Workspace
from logoingest.workspace.lease import hold_lease


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, stdout, stderr."""
    code = main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_help_costs_little_and_imports_neither_torch_nor_prefect():
    """--help answers in under half a second of CPU time, since it imports nothing heavy."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import sys; from logoingest.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(sorted(m for m in ('torch', 'prefect', 'pandas', 'pyarrow') if m in sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shown.stdout.endswith("[]\n")
    assert "exit codes:" in shown.stdout
    assert after.ru_utime - before.ru_utime < 5  # a bound against accidents, not a timing


@pytest.mark.slow
def test_importing_the_library_imports_neither_torch_nor_prefect():
    """Every public name but the torch datasets is usable without them."""
    code = "import sys, logoingest\nfor name in logoingest.__all__: getattr(logoingest, name)\nassert not {'torch', 'prefect'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_whole_route_by_command(make_dataset, capsys):
    """run, status, verify, explain and plan over one dataset, results on stdout only."""
    dataset = make_dataset()
    code, out, _ = call(capsys, "run", dataset.config)
    assert code == 0
    assert "release" in out
    code, out, err = call(capsys, "run", dataset.config)
    assert (code, out.strip()) == (0, "small: everything is fresh, nothing to do")
    code, out, err = call(capsys, "status", dataset.config, "--json")
    assert json.loads(out)["law"]["holds"]
    assert err == ""
    code, out, _ = call(capsys, "status", dataset.config)
    assert "109 source rows = 97 voted + 12 rejected: the law holds" in out
    assert call(capsys, "verify", dataset.config)[0] == 0
    assert call(capsys, "verify", dataset.release)[0] == 0
    assert "something nobody knows" in call(capsys, "explain", dataset.config, "--label", "something nobody knows")[1]
    assert "everything" not in call(capsys, "plan", dataset.config)[1]
    code, out, _ = call(capsys, "retry", dataset.config, "--reason", "http_4xx")
    assert (code, out) == (0, "tried 1 URLs again: 0 healed, 1 still failing\n")


@pytest.mark.slow
def test_init_writes_what_run_can_use(make_dataset, capsys, tmp_path):
    """From a bare CSV to a first release without writing a line."""
    dataset = make_dataset()
    code, out, _ = call(capsys, "init", tmp_path / "fresh", "--from", dataset.folder / "answers.csv")
    assert code == 0
    assert "next: logoingest plan" in out
    config = tmp_path / "fresh/dataset.toml"
    assert 'url_column = "image_url"' in config.read_text()
    code, out, _ = call(capsys, "run", config, "--set", 'fetch.allowed_networks=["127.0.0.0/8"]', "--set", "train.enabled=false")
    assert code == 0
    assert json.loads(call(capsys, "status", config, "--json")[1])["law"]["voted"] > 80
    code, _, err = call(capsys, "init", tmp_path / "fresh", "--from", dataset.folder / "answers.csv")
    assert code == 2
    assert "is there already" in err


def test_terminal_escapes_in_answers_are_shown_not_obeyed(make_dataset, capsys):
    """A worker cannot repaint your terminal."""
    dataset = make_dataset(pictures=1)
    dataset.add_row("/acme/0.jpg", "\x1b[2Jevil\u202e[bold]", "w9")
    dataset.write()
    call(capsys, "run", dataset.config, "--quiet")
    out = call(capsys, "explain", dataset.config, "--label", "\x1b[2Jevil\u202e[bold]")[1]
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2Jevil\\u202e[bold]" in out


def spoil_missing_source(dataset) -> None:
    (dataset.folder / "answers.csv").unlink()


def spoil_empty_source(dataset) -> None:
    (dataset.folder / "answers.csv").write_bytes(b"")


def spoil_binary_source(dataset) -> None:
    (dataset.folder / "answers.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")


def spoil_encoding(dataset) -> None:
    (dataset.folder / "answers.csv").write_bytes("image_url,brand,worker\nhttp://h/1.jpg,Citroën,w\n".encode("latin-1"))


def spoil_column(dataset) -> None:
    dataset.config.write_text(dataset.config.read_text().replace('"image_url"', '"image_ulr"'))


def spoil_key(dataset) -> None:
    dataset.config.write_text(dataset.config.read_text() + "\n[fetsh]\nx = 1\n")


def spoil_map_conflict(dataset) -> None:
    (dataset.folder / "map.toml").write_text(
        '[classes.a]\nname="A-One"\naliases=["same"]\n[classes.b]\nname="B-Two"\naliases=["Same"]\n'
    )


def spoil_missing_map(dataset) -> None:
    (dataset.folder / "map.toml").unlink()


def spoil_workspace_file(dataset) -> None:
    (dataset.folder / "work").write_text("I am a file")


def spoil_proxy(dataset) -> None:
    dataset.config.write_text(dataset.config.read_text().replace("[fetch]", '[fetch]\nproxy = "ftp://nowhere"'))


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (spoil_missing_source, ["answers.csv", "no such file"]),
        (spoil_empty_source, ["answers.csv", "empty"]),
        (spoil_binary_source, ["answers.csv", "PNG"]),
        (spoil_encoding, ["answers.csv", "utf-8", "encoding"]),
        (spoil_column, ["answers.csv", "image_ulr", 'did you mean "image_url"']),
        (spoil_key, ["fetsh", "unknown key", 'did you mean "fetch"']),
        (spoil_map_conflict, ["map.toml", "same", "classes.a", "classes.b"]),
        (spoil_missing_map, ["map.toml", "no such file"]),
        (spoil_workspace_file, ["work", "folder"]),
        (spoil_proxy, ["fetch.proxy", "is no proxy URL"]),
    ],
)
def test_bad_input_is_one_clear_message_and_exit_code_2(make_dataset, capsys, spoil, parts):
    """Where, what, what to do; never a traceback; nothing on stdout."""
    dataset = make_dataset(pictures=1)
    spoil(dataset)
    code, out, err = call(capsys, "run", dataset.config, "--quiet")
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    for part in parts:
        assert part.lower() in err.lower()


def test_bad_urls_are_rows_not_errors(make_dataset, capsys):
    """A malformed URL, a local file and a private address cost their rows and nothing else."""
    dataset = make_dataset(pictures=2)
    for url in ("http://", "http://[::1", "http://10.0.0.7/x.jpg", "javascript:alert(1)", "http://user:secret@127.0.0.1:1/x.jpg"):
        dataset.rows.append({"image_url": url, "brand": "Acme", "worker": "w1"})
    dataset.write()
    assert call(capsys, "run", dataset.config, "--quiet")[0] == 0
    status = json.loads(call(capsys, "status", dataset.config, "--json")[1])
    reasons = next(row["reasons"] for row in status["funnel"] if row["stage"] == "fetch")
    assert reasons == {"bad_url": 4, "private_address": 2, "connect": 1, "http_4xx": 1}
    for file in (dataset.folder / "work").rglob("*"):
        if file.name == "rejected.parquet" or file.suffix == ".html":
            assert b"root:" not in file.read_bytes()


def test_a_workspace_in_use_is_exit_code_2(make_dataset, capsys):
    """The second writer is told who is first."""
    dataset = make_dataset(pictures=1)
    with hold_lease(Workspace(dataset.folder / "work")):
        code, _, err = call(capsys, "run", dataset.config, "--quiet")
    assert code == 2
    assert f"in use by process {os.getpid()}" in err


def test_an_edited_release_is_exit_code_3(make_dataset, capsys):
    """verify names every broken law."""
    dataset = make_dataset(pictures=3)
    call(capsys, "run", dataset.config, "--quiet")
    card = dataset.release / "README.md"
    card.write_text(card.read_text() + "edited")
    code, out, _ = call(capsys, "verify", dataset.config)
    assert code == 3
    assert "README.md" in out


@pytest.fixture
def full_disk(tmp_path: Path):
    """A file system of 300 kB, mounted for one test."""
    folder = tmp_path / "small_disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_explained_and_the_next_run_finishes(make_dataset, capsys, full_disk):
    """What is done is kept; with room the same command goes on."""
    dataset = make_dataset(pictures=60)
    workspace = ("--set", f"dataset.workspace={full_disk / 'work'}", "--set", "retention.min_free_bytes=0")
    code, _, err = call(capsys, "run", dataset.config, "--quiet", *workspace)
    assert code == 6
    assert "the disk is full" in err
    assert "what is done is kept" in err
    subprocess.run(["mount", "-o", "remount,size=64m", str(full_disk)], check=True)
    kept = [file for file in (full_disk / "work/downloads").glob("shard-*") if file.suffix in {".parquet", ".begun"}]
    paths = {urlsplit(url).path for file in kept for url in pq.read_table(file, columns=["url"])["url"].to_pylist()}
    asked = Counter(dataset.site.requests)
    assert call(capsys, "run", dataset.config, "--quiet", *workspace)[0] == 0
    assert [path for path in paths if dataset.site.requests[path] > asked[path]] == []


def test_a_read_only_workspace_is_explained(make_dataset, capsys, full_disk):
    """The message names the folder and the way out."""
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    dataset = make_dataset(pictures=1)
    code, _, err = call(capsys, "run", dataset.config, "--quiet", "--set", f"dataset.workspace={full_disk / 'work'}")
    assert code == 2
    assert "read-only" in err


@pytest.mark.parametrize(
    "command", [["example", "flickrlogos27"], ["init", "--from", "{file}"], ["demo", "--no-baseline", "--workspace"]]
)
def test_a_place_that_cannot_be_written_is_explained_in_one_line(command, tmp_path, capsys):
    """A file stands where the folder would be: which, what is wrong, what to do; no traceback."""
    file = tmp_path / "urls.csv"
    file.write_text("url,label\nhttp://pictures.test/a.jpg,adidas\n")
    code, _, err = call(capsys, *(word.format(file=file) for word in command), file / "new")
    assert code == 2
    assert re.fullmatch(
        rf"logoingest: {re.escape(str(file))}\S*: a file stands where a folder is needed; choose another path\n", err
    )


def test_a_command_that_does_not_exist_is_told_with_those_that_do(capsys):
    """As they are typed, the stages among them."""
    with pytest.raises(SystemExit):
        main(["anotations", "x.toml"])
    assert "'run', 'annotations', 'normalise', 'fetch'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("statsu x.toml", "status"),
        ("labels explian map.toml nike", "explain"),
        ("plan x.toml --jsn", "--json"),
        ("diff a b --limt=3", "--limit"),
        ("release dif a b", "diff"),
        ("splits explan x.toml 1f", "explain"),
        ("release export a --format cocoo --out b", "coco"),
    ],
)
def test_what_is_misspelled_is_told_with_what_was_meant(typed, meant, capsys):
    """Commands, those behind another's word, options and choices."""
    with pytest.raises(SystemExit) as stopped:
        main(typed.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(f'; did you mean "{meant}"?')


def test_a_store_without_credentials_is_one_message(make_dataset, capsys, monkeypatch):
    """Nothing of boto's is shown but its first line."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    code, out, err = call(capsys, "plan", make_dataset(pictures=1).config, "--set", "dataset.workspace=s3://bucket/prefix")
    assert (code, out) == (2, "")
    assert (
        err == "logoingest: an object store cannot be used (Unable to locate credentials); check the address and its credentials\n"
    )


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run"], ["run", "x.toml", "--until", "nonsense"], ["explain", "x.toml"]])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    """argparse's own messages."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_stage_goes_by_its_name_in_the_tables_as_well(tmp_path, capsys):
    """``--until labels`` is ``--until normalise``: it is the config that is missing; a wrong word is told with those that are typed."""
    assert main(["plan", str(tmp_path / "none.toml"), "--until", "labels"]) == 2
    assert "none.toml" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["plan", str(tmp_path / "none.toml"), "--until", "lables"])
    assert "'annotations', 'normalise'" in capsys.readouterr().err
