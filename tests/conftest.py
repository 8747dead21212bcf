"""What the tests of the whole route share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from builders.datasets import CLASSES, Dataset, Site, draw_picture, serve_site
from builders.places import REAL_DATA
from builders.ray_clusters import RayCluster, settle_ray_authentication, start_ray_cluster
from builders.serving import serve_s3
from builders.side_by_side import FileByFile, hold_threads, put_long_ones_first
from logoingest.imports.compiler import hold_compiler_back

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
hold_threads()
hold_compiler_back()
settle_ray_authentication()

# Who starts the tests in the background of a shell hands Ctrl-C down as ignored; what the tests start is to hear it all the same.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadlines: the machines that run this are shared. The same examples every time, so that a failure is the change's own;
# EXPLORE=1 draws new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("explore" if os.environ.get("EXPLORE") else "same")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait, for a server, a kill, a slow host."""
    return len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileByFile | None:
    return FileByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        put_long_ones_first(items)


@pytest.fixture
def site() -> Iterator[Site]:
    """A fresh site on loopback."""
    with serve_site() as served:
        yield served


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 server, one for all; a test makes a bucket of its own."""
    with serve_s3() as environment:
        yield environment


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[RayCluster]:
    """A head and two machines, one for all; who kills a machine puts another one in its place."""
    with start_ray_cluster() as cluster:
        yield cluster


@pytest.fixture
def make_dataset(tmp_path: Path, site: Site) -> Callable[..., Dataset]:
    """``make_dataset(pictures=n)``: n pictures of each of four classes, and one of each common fault."""

    def make(pictures: int = 8, folder: str = "data") -> Dataset:
        (tmp_path / folder).mkdir()
        dataset = Dataset(tmp_path / folder, site)
        for class_number, class_id in enumerate(CLASSES):
            for number in range(pictures):
                dataset.add_picture(class_id, 100 * class_number + number)
        site.pages["/copy.jpg"] = site.pages["/acme/0.jpg"]
        dataset.add_row("/copy.jpg", "Acme", "w1")
        site.pages["/page.jpg"] = (200, "image/jpeg", b"<!DOCTYPE html><html><body>moved</body></html>")
        dataset.add_row("/page.jpg", "Bolt", "w2")
        site.pages["/cut.jpg"] = (200, "image/jpeg", draw_picture(999)[:1500])
        dataset.add_row("/cut.jpg", "Bolt", "w2")
        site.pages["/nobrand.jpg"] = (200, "image/jpeg", draw_picture(998))
        for worker in ("w0", "w1", "w2"):
            dataset.add_row("/nobrand.jpg", "none", worker)
        site.pages["/disputed.jpg"] = (200, "image/jpeg", draw_picture(997))
        dataset.add_row("/disputed.jpg", "Acme", "w3")
        dataset.add_row("/disputed.jpg", "Dune", "w4")
        dataset.add_row("/gone.jpg", "Acme", "w1")
        dataset.add_row("file:///etc/passwd", "Acme", "w1")
        dataset.add_row("http://169.254.169.254/latest/meta-data", "Acme", "w1")
        dataset.add_row("/acme/0.jpg", "something nobody knows", "w4")
        dataset.add_row("", "Acme", "w1")
        dataset.write()
        return dataset

    return make


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data, which is not part of the project; tests that need it are skipped without it."""
    if not REAL_DATA.is_dir():
        pytest.skip("the shared real data is not here")
    return REAL_DATA
