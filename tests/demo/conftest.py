from __future__ import annotations

import pytest

from logoingest.demo.site import DemoPlan, build_demo, serve_demo


@pytest.fixture(scope="session")
def demo_plan(tmp_path_factory) -> DemoPlan:
    """A small demo (all faults, fewer pictures), built once for all of these tests."""
    return build_demo(tmp_path_factory.mktemp("demo"), pictures_per_class=9)


@pytest.fixture(scope="session")
def demo_proxy(demo_plan):
    """The URL of its site, as a proxy."""
    with serve_demo(demo_plan) as url:
        yield url
