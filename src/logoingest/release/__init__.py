"""The release: samples and splits → Parquet that any reader loads, its card and manifest; opened, verified. torch only on request."""

from logoingest.release.assembly import write_release
from logoingest.release.features import SEVERAL, SPLITS, ReleaseRow
from logoingest.release.laws.verification import verify_release
from logoingest.release.laws.violations import Violation
from logoingest.release.loader import Release
from logoingest.release.opening import open_release

__all__ = ["SEVERAL", "SPLITS", "Release", "ReleaseRow", "Violation", "open_release", "verify_release", "write_release"]
