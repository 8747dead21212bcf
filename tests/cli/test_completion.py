"""``logoingest completion``: what a shell is told is what the parser knows, tried in a real bash."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from logoingest.cli.main import build_parser, main


def complete(script: str, *words: str) -> list[str]:
    """What bash offers behind these words; the last is what was typed of the next."""
    typed = " ".join(f"'{word}'" for word in ("logoingest", *words))
    asked = f"{script}\nCOMP_WORDS=({typed})\nCOMP_CWORD={len(words)}\n_logoingest\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run(["bash", "--norc", "-c", asked], capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_options_and_choices(capsys):
    """At every place of the line; where a file is meant nothing, so that bash offers files."""
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert {"run", "status", "labels", "takedown", "completion"} <= set(complete(script, ""))
    assert complete(script, "tak") == ["takedown"]
    assert complete(script, "status", "d.toml", "--hi") == ["--history"]
    assert "release" in complete(script, "run", "d.toml", "--until", "")
    assert complete(script, "run", "d.toml", "--until", "sa") == ["samples"]
    assert {"review", "lint"} <= set(complete(script, "labels", ""))
    assert "--export" in complete(script, "labels", "review", "--e")
    assert "explain" in complete(script, "splits", "ex")
    assert complete(script, "init", "x", "--from", "") == []
    assert complete(script, "completion", "") == ["--help", "bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shells_script_names_every_command(shell, capsys):
    """And is sound where the shell is there to say so."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    (subparsers,) = (action for action in build_parser()._actions if hasattr(action, "add_parser"))
    assert all(
        name.replace("-", " ") in script or name in script or name.partition("-")[2] in script for name in subparsers.choices
    )
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=True).stderr == ""
