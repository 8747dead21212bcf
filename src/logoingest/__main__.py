"""``python -m logoingest``."""

import sys

from logoingest.cli import main

sys.exit(main())
