"""A small release that all tests read, and copies of it to plant faults in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from builders.patients import Patient

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when datasets is imported


from builders.releases import Ingredients, collect, draw_picture, make_ingredients


@pytest.fixture(scope="session")
def making() -> SimpleNamespace:
    """The functions of this file, for tests that make releases of their own."""
    return SimpleNamespace(collect=collect, draw_picture=draw_picture, ingredients=make_ingredients)


@pytest.fixture(scope="session")
def ingredients() -> Ingredients:
    return make_ingredients()


@pytest.fixture(scope="session")
def written(ingredients: Ingredients, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that no test may change; copy it first."""
    folder = tmp_path_factory.mktemp("written") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture
def patient(written: Path, tmp_path: Path) -> Patient:
    """A copy of it to plant faults in."""
    return Patient(Path(shutil.copytree(written, tmp_path / "patient")))


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 server with one bucket."""
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    running = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="us-east-1",
                          aws_access_key_id="test", aws_secret_access_key="test")  # fmt: skip
    client.create_bucket(Bucket="logos")
    yield environment
    running.stop()
