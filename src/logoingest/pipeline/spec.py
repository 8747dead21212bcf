"""What a stage is, said once: order, staleness, plan, status, gates and the command line are derived from it.

Nothing heavy is imported here nor at the head of a stage's file: the command line reads every declaration before it knows what is
asked of it, and a run that finds everything fresh must say so at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

    from logoingest.config import Config
    from logoingest.errors import LogoingestError
    from logoingest.pipeline.session import Run
    from logoingest.workspace import FileRecord, Manifest, Workspace


#: What was taken down and must not come back: beside the manifest, written by no stage and read by the first.
TAKEDOWNS_FILE = "takedowns.json"


class StageOutput(NamedTuple):
    """What a stage wrote (file → record) and its figures for the log and ``status``."""

    outputs: dict[str, FileRecord]
    counts: dict[str, int]
    inputs: Mapping[str, str] = {}
    """Inputs that the stage wrote anew itself, as ``further_inputs`` will give them from now on."""


def want_always(_config: Config) -> bool:
    """What a whole run asks for whatever the config says."""
    return True


def add_nothing(_run: Run, _manifest: Manifest) -> Mapping[str, str]:
    """No inputs beside the tables and the settings."""
    return {}


def require_nothing(_run: Run) -> None:
    """No extra is needed."""


def pass_gate(_run: Run) -> LogoingestError | None:
    """A gate that is always open."""
    return None


class StageSpec(NamedTuple):
    """A stage's declaration."""

    name: str
    """As in the manifest, in logs and tables."""
    version: int
    """Raised by one when the stage's rules change, so that workspaces of an older version run it again."""
    needs: Sequence[str]
    """The stages that must have run before, in order."""
    reads: Mapping[str, str]
    """File of the workspace → the stage that makes it; a name that ends in / is all files below."""
    make: Callable[[Run], StageOutput]
    """Reads what the stage needs, calls the plain function, writes what it made, and gives its figures."""
    help: str
    """What it does, for the command line."""
    command: str = ""
    """Its command; the stage's name where empty."""
    settings: Callable[[Config], object] | None = None
    """The part of the config on which its result depends, as a JSON-able value."""
    further_inputs: Callable[[Run, Manifest], Mapping[str, str]] = add_nothing
    """Name for people → hash of whatever else its result depends on: files that the config names, the class map."""
    is_wanted: Callable[[Config], bool] = want_always
    """Whether a whole run goes through it; asked for by name it always runs."""
    has_own_memory: bool = False
    """Whether it knows itself what is left to do, so that its own command does not do it all again."""
    check_extras: Callable[[Run], None] = require_nothing
    """Raises a UsageError before hours of other stages where a package is missing that it will need."""
    find_fault: Callable[[Run], LogoingestError | None] = pass_gate
    """Its gate: the error that a finished run ends with; None where the gate is passed."""
    trusts: Sequence[str] = ()
    """The stages whose gates must be passed for it to be worth its time: else a run leaves it out, and ends with their errors."""

    @property
    def word(self) -> str:
        """What the command line calls it."""
        return self.command or self.name


def write_tables(workspace: Workspace, tables: Mapping[str, pa.Table]) -> dict[str, FileRecord]:
    """Write tables of the workspace; the records as ``StageOutput`` takes them."""
    return {f"tables/{name}.parquet": workspace.write_table(name, table) for name, table in tables.items()}
