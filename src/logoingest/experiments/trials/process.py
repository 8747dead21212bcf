"""A trial's own process: ``python -m logoingest.experiments.trials.process FOLDER``, with the number of threads in its environment.

It ends with the process that started it, whatever ended that: its standard input is then closed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from pathlib import Path

from logoingest.experiments.trials.orders import TrialOrder
from logoingest.imports.compiler import hold_compiler_back
from logoingest.imports.lean import let_threads_sleep


def do_folder(folder: Path) -> int:
    """Do the order in a folder, and leave the result there; the exit code."""
    try:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s")
        from logoingest.experiments.trials.work import do_order

        do_order(TrialOrder.read(folder), folder).write(folder)
        code = 0
    except BaseException:  # noqa: BLE001  whatever it is: its last line is what the coordinator quotes
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _end_with_parent() -> None:
    while os.read(0, 4096):  # not by sys.stdin: a thread that waits in it is in the way of an ordinary ending
        pass
    os._exit(1)


if __name__ == "__main__":
    let_threads_sleep()
    hold_compiler_back()
    os._exit(do_folder(Path(sys.argv[1])))  # torch's own ending takes half a second, and nothing is left to write
