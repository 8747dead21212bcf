"""Everything the pages of one workspace are made from."""

from __future__ import annotations

from functools import cached_property

from logoingest.config import Config
from logoingest.web.desks.gallery import Gallery
from logoingest.web.desks.open_decisions import GatheredDecisions
from logoingest.web.desks.picture import PictureDesk
from logoingest.web.desks.picture_index import IndexedPictures
from logoingest.web.desks.queue import Queue
from logoingest.web.desks.views import PictureViews
from logoingest.workspace import Workspace


class Workplace:
    """The desks of a workspace; nothing of it is read before it is asked for."""

    def __init__(self, config: Config, *, is_read_only: bool = False) -> None:
        self.config, self.is_read_only = config, is_read_only
        self.workspace = Workspace(config.workspace_url)
        self.gathered = GatheredDecisions(config)
        self.pictures = IndexedPictures(self.workspace)

    @cached_property
    def queue(self) -> Queue:
        """What is open."""
        return Queue(self.config, self.gathered)

    @cached_property
    def gallery(self) -> Gallery:
        """Pictures by what is said of them."""
        return Gallery(self.config, self.workspace, self.pictures)

    @cached_property
    def picture(self) -> PictureDesk:
        """Pictures one by one."""
        return PictureDesk(self.config, self.workspace, self.pictures)

    @cached_property
    def views(self) -> PictureViews:
        """Pictures to look at."""
        return PictureViews(self.workspace, self.pictures, self.config.images.max_pixels)
