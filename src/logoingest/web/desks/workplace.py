"""Everything the pages of one workspace are made from."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from functools import cached_property

from logoingest.config import Config
from logoingest.errors import LogoingestError
from logoingest.pipeline.session import Run
from logoingest.web.background.memory import release_memory
from logoingest.web.background.quiet import Quiet
from logoingest.web.desks.classes import Classes
from logoingest.web.desks.gallery import Gallery
from logoingest.web.desks.gathering import GatheredDecisions
from logoingest.web.desks.pairs import Pairs
from logoingest.web.desks.picture import PictureDesk
from logoingest.web.desks.queue import Queue
from logoingest.web.desks.runs import Runs
from logoingest.web.desks.views import PictureViews
from logoingest.web.desks.written import WrittenDesk
from logoingest.web.indexes.answers import IndexedAnswers
from logoingest.web.indexes.pictures import IndexedPictures
from logoingest.workspace import Workspace


class Workplace:
    """The desks of a workspace; nothing of it is read before it is asked for."""

    def __init__(self, config: Config, command: Sequence[str] = (), *, is_read_only: bool = False) -> None:
        """``command`` are the config and its overrides, as the command line takes them."""
        self.config, self.command, self.is_read_only = config, command, is_read_only
        self.workspace = Workspace(config.workspace_url)
        self.quiet = Quiet()
        self.gathered = GatheredDecisions(config, self.quiet)
        self.pictures, self.answers = IndexedPictures(self.workspace), IndexedAnswers(self.workspace)

    def prepare(self) -> None:
        """Index the pictures, and gather what is open, in the background, one after the other: before anybody asks."""
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()

    def _prepare(self) -> None:
        with contextlib.suppress(LogoingestError):  # whoever asks for a picture is told
            self.answers.read(self.pictures.read())
        release_memory()
        self.gathered.start()

    @cached_property
    def written(self) -> WrittenDesk:
        """What was written."""
        return WrittenDesk(self.config, self.gathered)

    @cached_property
    def queue(self) -> Queue:
        """What is open."""
        return Queue(self.config, self.gathered, self.pictures, self.written)

    @cached_property
    def gallery(self) -> Gallery:
        """Pictures by what is said of them."""
        return Gallery(self.config, self.pictures, self.answers, self.gathered, self.written)

    @cached_property
    def picture(self) -> PictureDesk:
        """Pictures one by one."""
        return PictureDesk(self.config, self.workspace, self.pictures, self.answers)

    @cached_property
    def pairs(self) -> Pairs:
        """Two pictures side by side."""
        return Pairs(self.workspace, self.pictures, self.gathered)

    @cached_property
    def classes(self) -> Classes:
        """The class map."""
        return Classes(self.config, self.pictures, self.written)

    @cached_property
    def runs(self) -> Runs:
        """How the stages stand."""
        return Runs(Run(self.config), self.command)

    @cached_property
    def views(self) -> PictureViews:
        """Pictures to look at."""
        return PictureViews(self.workspace, self.pictures, self.config.images.max_pixels)
