"""``python -m logoingest``."""

import sys

from logoingest.cli.main import main

sys.exit(main())
