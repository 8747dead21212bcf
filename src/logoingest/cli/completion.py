"""``logoingest completion bash``: a script that completes commands, options and their choices; made from the parser, so it knows them all."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

#: The command line → how its shell is told.
SHELLS = ("bash", "zsh", "fish")
_BASH = """\
# eval "$(logoingest completion {shell})"
{init}_logoingest_words() {{
  case "$1" in
{cases}
    *) return 1 ;;
  esac
}}
_logoingest() {{
  local key="" word i cur="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="$key${{key:+ }}${{COMP_WORDS[i]}}"
    [[ "${{COMP_WORDS[i]}}" != -* ]] && _logoingest_words "$word" >/dev/null && key="$word"
  done
  if [[ "$before" == -* ]] && _logoingest_words "$key $before" >/dev/null; then key="$key $before"; fi
  COMPREPLY=($(compgen -W "$(_logoingest_words "$key")" -- "$cur"))
}}
complete -o bashdefault -o default -F _logoingest logoingest
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


class CompletedWord(NamedTuple):
    """What may stand behind the words of a command, or behind an option that takes a value."""

    words: Sequence[str]
    """Of the command line so far: ``("labels", "review")``, or ``("run", "--until")``."""
    followers: Sequence[str]
    """Commands and options, or choices; empty where only a file or a free text can stand."""


def add_completion_command(commands: Any, parser: argparse.ArgumentParser, groups: Mapping[str, Sequence[str]]) -> None:
    """Add the command to the subparsers of ``parser``; ``groups`` as ``join_group_word`` takes them."""
    text = 'print what completes commands and options: eval "$(logoingest completion bash)"'
    completion = commands.add_parser("completion", help=text, description=text[:1].upper() + text[1:] + ".")
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(command=partial(_command_completion, parser, groups), quiet=False, verbose=False)


def _command_completion(parser: argparse.ArgumentParser, groups: Mapping[str, Sequence[str]], options: argparse.Namespace) -> int:
    found = list(list_completions(parser, groups))
    print(_write_fish(found) if options.shell == "fish" else _write_bash(found, options.shell), end="")
    return 0


def list_completions(
    parser: argparse.ArgumentParser, groups: Mapping[str, Sequence[str]], words: tuple[str, ...] = ()
) -> Iterator[CompletedWord]:
    """Every command of a parser and every option of it that takes a value, with what may come next."""
    options = [action for action in parser._actions if action.option_strings]  # noqa: SLF001  (argparse has no public way to list them)
    followers = [name for action in options for name in action.option_strings if name.startswith("--")]
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, child in action.choices.items():
                inner = _divide_name(name, groups)
                followers += [inner[0]] if len(inner) == 1 else []
                yield from list_completions(child, groups, (*words, *inner))
        elif not action.option_strings and action.choices:
            followers += map(str, action.choices)
        if action.option_strings and action.nargs != 0:
            for name in action.option_strings:
                yield CompletedWord((*words, name), [str(choice) for choice in action.choices or ()])
    grouped = groups.get(words[0], ()) if len(words) == 1 else ()
    yield CompletedWord(words, list(dict.fromkeys([*followers, *grouped])))


def _divide_name(name: str, groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """``splits-explain`` → ``splits``, ``explain``, as it is typed."""
    head, _, rest = name.partition("-")
    return (head, rest) if rest in groups.get(head, ()) else (name,)


def _write_bash(found: Sequence[CompletedWord], shell: str) -> str:
    cases = [f"    {shlex.quote(' '.join(one.words))}) echo {shlex.quote(' '.join(one.followers))} ;;" for one in found]
    return _BASH.format(shell=shell, init=_ZSH if shell == "zsh" else "", cases="\n".join(cases))


def _write_fish(found: Sequence[CompletedWord]) -> str:
    lines = ["# logoingest completion fish | source"]
    for one in found:
        *commands, last = one.words or ("",)
        is_option = last.startswith("-")
        seen = commands if is_option else [word for word in one.words if word]
        condition = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in seen) or "__fish_use_subcommand"
        head = f"complete -c logoingest -n {shlex.quote(condition)}"
        if is_option:
            lines += [f"{head} -l {last[2:]} -r" + (f" -f -a {shlex.quote(' '.join(one.followers))}" if one.followers else "")]
        else:
            lines += [f"{head} -a {word}" if word[0] != "-" else f"{head} -l {word[2:]}" for word in one.followers]
    return "\n".join(lines) + "\n"
