"""The package's version, for whoever writes it into a file; on the lowest floor, since the package's own name would lead everywhere."""

from __future__ import annotations

__version__ = "0.2.0"
