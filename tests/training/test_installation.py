"""The extra's packages: imported late, missed clearly."""

from __future__ import annotations

import subprocess
import sys

CALL = "from pathlib import Path; from logoingest.training import train_baseline; from logoingest.config import TrainConfig; "
TRAIN = CALL + "train_baseline(Path('r'), TrainConfig(), Path('o'))"


def run(code, path=None):
    prefix = "" if path is None else f"import sys; sys.path.insert(0, {str(path)!r}); "
    return subprocess.run([sys.executable, "-c", prefix + code], capture_output=True, text=True, check=False)


def test_importing_the_package_imports_no_torch():
    """Whoever only wants the verdict's form pays for nothing."""
    result = run(
        "import sys, logoingest.training; print(sorted({'torch', 'torchvision', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    assert result.stdout.strip() == "[]"


def test_a_missing_torch_names_the_extra():
    """No torch: one message with the command."""
    result = run("import sys; sys.modules['torch'] = None; " + TRAIN)
    assert (
        'UsageError: train: the package torch is not installed; the baseline needs pip install "logoingest[train]"' in result.stderr
    )


def test_a_mismatched_torchvision_is_explained(tmp_path):
    """torchvision of another build fails at import: the message says what that means."""
    for name, content in {"torch": "", "torchvision": "raise RuntimeError('operator torchvision::nms does not exist')"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(content)
    result = run(TRAIN, tmp_path)
    assert "nms does not exist): torch and torchvision are of different builds; install both from the same place" in result.stderr
