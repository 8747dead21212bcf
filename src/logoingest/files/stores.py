"""Object stores behind fsspec: what they raise where something is wrong."""

from __future__ import annotations

import sys


def list_store_errors() -> tuple[type[Exception], ...]:
    """What a file system raises: missing credentials and unreachable S3 servers are no OSError."""
    botocore = sys.modules.get("botocore.exceptions")  # which can have raised nothing before it is loaded
    return (OSError,) if botocore is None else (OSError, botocore.BotoCoreError)
