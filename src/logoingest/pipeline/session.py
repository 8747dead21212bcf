"""One open run: the config, its workspace, and who is told how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from logoingest.config import Config
from logoingest.labels import ClassMap
from logoingest.pipeline.progress import Progress, choose_progress, ignore_progress
from logoingest.workspace import Workspace
from logoingest.workspace.lease import Lease, hold_lease, join_lease

if TYPE_CHECKING:
    from logoingest.fetch import ShardCounts


@dataclass
class Run:
    """What the functions of the pipeline work on."""

    config: Config
    progress: Progress = ignore_progress
    fetched: Sequence[ShardCounts] = ()
    """Shards that a task runner fetched with ``fetch_shard``: the fetch stage need not read them again to know their hashes."""
    lease: Lease = field(default_factory=Lease)
    """Under which it writes: that of ``open_run``, handed on to whoever works for it elsewhere; "" for one that only reads."""
    is_bounded: bool = True
    """Whether what it may take up is bounded by ``[retention]``: not for what makes room."""
    workspace: Workspace = field(init=False)

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.config.workspace_url)
        join_lease(self.workspace, self.lease.token)

    @cached_property
    def class_map(self) -> ClassMap:
        """The class map the config names, read once.

        Raises:
            ClassMapError: it is missing or wrong.
        """
        return ClassMap.load(self.config.class_map_path)


@contextlib.contextmanager
def open_run(config: Config, progress: Progress | None = None) -> Iterator[Run]:
    """A run that holds its workspace's write lease.

    Args:
        config: the dataset's config.
        progress: told how far a stage is; left out, a notebook shows bars, and nobody is told elsewhere.

    Raises:
        WorkspaceError: another live run holds the workspace.
        LeaseLostError: another run has taken it over meanwhile; raised by whatever is written next, at the latest in the end.
    """
    run = Run(config)
    with hold_lease(run.workspace) as run.lease, choose_progress(progress) as run.progress:
        run.workspace.remove_leftovers()
        yield run
