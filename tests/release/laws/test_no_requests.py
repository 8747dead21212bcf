"""verify looks at a stranger's folder and calls nobody, whatever the folder names and the environment allows."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.patients import Patient

#: Names of faults in which something is fetched by readers that believe what they read.
CALLING = ("card", "several", "settings", "croissant", "context", "picture", "script")

VERIFY = """
import sys
from logoingest.release import verify_release

for folder in sys.argv[1:]:
    print(len(verify_release(folder)), flush=True)
"""

BELIEVE = """
import sys
from datasets import load_dataset

load_dataset(sys.argv[1], streaming=True)
"""


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on loopback, and what was sent to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    heard.append(connection.recv(200))
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def plant(patient, kind, address):
    """A release that names an address wherever a reader might follow it."""
    if kind == "card":
        patient.edit_text("README.md", "path: data/train-*", f"path: {address}/train.parquet")
    elif kind == "several":
        patient.edit_text("README.md", "configs:\n", f"configs:\n- config_name: more\n  data_files: {address}/more.parquet\n")
    elif kind == "settings":
        patient.path(".huggingface.yaml").write_text(f"configs:\n- config_name: default\n  data_files: {address}/x.parquet\n")
    elif kind == "croissant":
        patient.edit_text("croissant.json", '"contentUrl": "data/', f'"contentUrl": "{address}/data/', 3)
    elif kind == "context":
        patient.edit_text("croissant.json", '"@context": {', f'"@context": "{address}/context.json", "was": {{')
    elif kind == "picture":
        link = {"image": {"bytes": None, "path": f"{address}/picture.jpg"}}
        patient.edit_rows("data/test-00000-of-00001.parquet", lambda rows: rows[0].update(link))
    else:
        patient.path(f"{patient.folder.name}.py").write_text(f"import urllib.request\nurllib.request.urlopen({address!r})\n")
    patient.seal()


def run(code: str, folders: list[Path], port: int, home: Path) -> list[str]:
    """The lines that the code prints, in a process whose hub, proxy and home are the listener and an empty folder."""
    address = f"http://127.0.0.1:{port}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment = {
        **kept,
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HTTP_PROXY": address,
        "HTTPS_PROXY": address,
        "NO_PROXY": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, folders)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_verify_makes_no_request(written, tmp_path, listener):
    """Releases, whole and hostile, are verified deeply: nobody was called, and every hostile one is named."""
    port, heard = listener
    folders = [written]
    for kind in CALLING:
        patient = Patient(Path(shutil.copytree(written, tmp_path / kind)))
        plant(patient, kind, f"http://127.0.0.1:{port}")
        folders.append(patient.folder)
    counts = [int(line) for line in run(VERIFY, folders, port, tmp_path / "home")]
    assert heard == []
    assert counts[0] == 0
    assert len(counts) == len(folders)
    assert all(counts[1:])


def test_who_believes_the_card_calls(patient, tmp_path, listener):
    """The same folder opened by its card alone asks the address that stands in it: the listener hears what there is to hear."""
    port, heard = listener
    plant(patient, "card", f"http://127.0.0.1:{port}")
    run(BELIEVE, [patient.folder], port, tmp_path / "home")
    assert any(b"train.parquet" in request for request in heard)
