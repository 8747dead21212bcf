"""Processes of ours do without modules that libraries load by the way."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_pyarrow_converts_lists_without_loading_pandas_once_it_is_held_back():
    code = """
import sys
from logoingest.imports.lean import hold_pandas_back
hold_pandas_back()
import pyarrow as pa
print(pa.table({"a": ["x", None]}).to_pydict(), "pandas" in sys.modules)
"""
    assert run_python(code).split("\n")[0] == "{'a': ['x', None]} False"


def test_pandas_that_was_held_back_comes_when_it_is_needed():
    code = """
from logoingest.imports.lean import hold_pandas_back
hold_pandas_back()
import pyarrow as pa
frame = pa.table({"a": [1, None]}).to_pandas()
print(type(frame).__name__, pa.array(frame["a"]).to_pylist(), pa.Table.from_pandas(frame).num_rows)
"""
    assert run_python(code).strip() == "DataFrame [1.0, None] 2"


def test_a_caller_who_has_pandas_keeps_it():
    code = """
import pandas
from logoingest.imports.lean import hold_pandas_back
hold_pandas_back()
import pyarrow as pa
print(pa.array(pandas.Series([1.0, float("nan")])).null_count)
"""
    assert run_python(code).strip() == "1"


def test_a_refused_module_cannot_be_imported_and_others_can():
    code = """
from logoingest.imports.lean import refuse_imports
refuse_imports("colorsys")
import wave
try:
    import colorsys
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert run_python(code).strip() == "colorsys"


def test_the_stages_before_fetch_load_neither_pandas_nor_scipy(tmp_path):
    """They would stay in memory for as long as the lanes work."""
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/a.jpg\n")
    (tmp_path / "map.toml").write_text('[classes.any]\nname = "any"\n')
    (tmp_path / "dataset.toml").write_text(
        '[dataset]\nname = "lean"\nworkspace = "work"\n[[sources]]\npath = "urls.txt"\nformat = "urls"\n[labels]\nclass_map = "map.toml"\n'
    )
    code = f"""
import sys
from logoingest.cli.main import main
code = main(["run", {str(tmp_path / "dataset.toml")!r}, "--until", "normalise", "--quiet", "--json"])
import logoingest.pipeline.downloading
print(code, [name for name in ("pandas", "scipy") if name in sys.modules])
"""
    assert run_python(code).strip().endswith("0 []")


def test_the_command_line_has_its_threads_sleep_before_numpy_is_looked_for(make_dataset):
    """Numpy and, after it, torch read how their threads wait when they are loaded; whoever has set it otherwise keeps it."""
    config = make_dataset().folder / "dataset.toml"
    code = """
import os, sys
names = ("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT")
for name, given in zip(names, sys.argv[2:] or (None, None)):
    os.environ.pop(name, None)
    if given:
        os.environ[name] = given

class Numpy:
    def find_spec(self, name, path=None, target=None):
        if name in ("numpy", "torch"):
            print(*(os.environ[name] for name in names), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Numpy())
from logoingest.cli.main import main
main(["train", sys.argv[1]])
"""
    for given, expected in ((), ["PASSIVE", "4"]), (("ACTIVE", "20"), ["ACTIVE", "20"]):
        command = [sys.executable, "-c", code, str(config), *given]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.split() == expected


@pytest.mark.slow
def test_torch_learns_without_its_compiler_and_compiles_with_it():
    """A step of an optimizer loads nothing; ``torch.compile``, as a network of one's own may use it, works as ever."""
    code = """
import sys
from logoingest.imports.compiler import hold_compiler_back
hold_compiler_back()
import torch, torchvision
network = torch.nn.Linear(2, 1)
optimizer = torch.optim.AdamW(network.parameters())
def step(network):
    optimizer.zero_grad()
    network(torch.ones(1, 2)).sum().backward()
    before = [*map(torch.clone, network.parameters())]
    optimizer.step()
    return all((a != b).any() for a, b in zip(before, network.parameters()))
print(step(network), "torch._dynamo.eval_frame" in sys.modules)
print(step(torch.compile(network, backend="eager")), "torch._dynamo.eval_frame" in sys.modules)
from torchvision.ops.roi_align import is_compile_supported
import torch._dynamo
print(is_compile_supported("cpu"), hasattr(torch._dynamo, "optimize"))
"""
    assert run_python(code).split("\n")[:3] == ["True False", "True True", "True True"]


def test_a_fetch_process_begins_without_arrows_compute_functions():
    """8 MB a process, for nothing that it does."""
    code = """
import sys
import logoingest.fetch.executors.lane, logoingest.images.looking.inspection
print(sorted({"pyarrow.lib", "pyarrow.compute"} & sys.modules.keys()))
"""
    assert run_python(code).strip() == "['pyarrow.lib']"


def test_pyarrow_takes_pages_as_it_fills_them():
    """Said once by way of the environment; what that says already stays."""
    code = """
import os
from logoingest.imports.lean import take_pages_as_needed
take_pages_as_needed()
print(os.environ["MIMALLOC_ARENA_EAGER_COMMIT"])
os.environ["MIMALLOC_ARENA_EAGER_COMMIT"] = "1"
take_pages_as_needed()
print(os.environ["MIMALLOC_ARENA_EAGER_COMMIT"])
"""
    assert run_python(code).split() == ["0", "1"]
