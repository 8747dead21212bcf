"""``python -m logoingest``. Whoever starts it may hold SIGINT back until it can be heard: an interpreter that begins ends with any code."""

import signal
import sys

try:
    from logoingest.cli.main import main

    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
except KeyboardInterrupt:  # before anything was begun
    sys.exit(128 + signal.SIGINT)

sys.exit(main())
