"""Whether torch and torchvision are there and belong together. Imports them only when asked."""

from __future__ import annotations

import importlib

from logoingest.errors import Problem, UsageError, quote_first_line

COMMAND = 'pip install "logoingest[train]"'


def check_installation() -> None:
    """See to it that torch, torchvision and safetensors can be imported and fit together.

    Raises:
        UsageError: one is missing, or torch and torchvision are of different builds; says what to install.
    """
    for name in ("torch", "torchvision", "safetensors"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = (error.name or name).split(".")[0]
            raise UsageError(
                Problem("train", f"the package {missing} is not installed", f"the baseline needs {COMMAND}")
            ) from error
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            raise UsageError(_explain_mismatch(name, error)) from error


def _explain_mismatch(name: str, error: BaseException) -> Problem:
    """Torchvision of another build than torch fails at import: ``operator torchvision::nms does not exist`` and the like."""
    line = quote_first_line(error)
    what = f"{name} cannot be imported ({line}): torch and torchvision are of different builds"
    hint = f"install both from the same place in one command: {COMMAND} --force-reinstall -c constraints.txt"
    return Problem("train", what, hint)
