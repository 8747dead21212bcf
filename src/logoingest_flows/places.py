"""Where a worker's datasets lie: a pull step for deployments that hold no path of the machine they were made on."""

from __future__ import annotations

import os

from logoingest.errors import Problem, UsageError

#: Set for every worker: the folder that its deployments' paths are relative to.
HOME = "LOGOINGEST_HOME"


def enter_home() -> dict[str, str]:
    """Go into the folder that ``LOGOINGEST_HOME`` names on this machine.

    Returns:
        ``directory``, as Prefect expects it of a pull step.

    Raises:
        UsageError: the variable is not set, or names no folder.
    """
    home = os.environ.get(HOME, "")
    if not os.path.isdir(home):
        said = f'"{home}" is no folder here' if home else "is not set"
        raise UsageError(Problem(HOME, said, "start the worker with it: the folder in which flows.py and the datasets lie"))
    os.chdir(home)
    return {"directory": os.getcwd()}
