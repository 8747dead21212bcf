"""The gates a finished run must pass. Read from what is stored, so they hold on every run."""

from __future__ import annotations

from collections.abc import Sequence

from logoingest.errors import GateError
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages import find_stage


def check_gates(run: Run, stages: Sequence[str]) -> None:
    """Check the gates of the stages that were to run.

    Raises:
        GateError: too few released images, or the baseline verdict failed; both are named, and the failed URLs beside them.
        TooManyFailuresError: a larger share of URLs failed than ``dataset.max_failed_share``.
    """
    faults = [fault for name in stages if (fault := find_stage(name).find_fault(run)) is not None]
    if any(isinstance(fault, GateError) for fault in faults):
        raise GateError([problem for fault in faults for problem in fault.problems])
    for fault in faults:
        raise fault
