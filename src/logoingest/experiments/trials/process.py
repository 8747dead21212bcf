"""A trial's own process: ``python -m logoingest.experiments.trials.process FOLDER``, with the number of threads in its environment.

It ends with the process that started it, whatever ended that: its standard input is then closed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

from logoingest.experiments.trials.orders import TrialOrder
from logoingest.imports.lean import let_threads_sleep


def main(arguments: Sequence[str]) -> int:
    """Do the order in a folder, and leave the result there."""
    let_threads_sleep()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s")
    folder = Path(arguments[0])
    from logoingest.experiments.trials.work import do_order

    do_order(TrialOrder.read(folder), folder).write(folder)
    return 0


def _end_with_parent() -> None:
    while os.read(0, 4096):  # not by sys.stdin: a thread that waits in it is in the way of an ordinary ending
        pass
    os._exit(1)


if __name__ == "__main__":
    code = 1
    try:
        code = main(sys.argv[1:])
    except Exception:  # noqa: BLE001  whatever it is: its last line is what the coordinator quotes
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # torch's own ending takes half a second, and nothing is left to write
