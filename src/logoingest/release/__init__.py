"""The release: samples and splits → Parquet that any reader loads, its card and manifest; opened, verified. torch only on request."""

from logoingest.release.form.features import SEVERAL, SPLITS, ReleaseRow
from logoingest.release.keeping.opening import open_release
from logoingest.release.laws.verification import verify_release
from logoingest.release.laws.violations import Violation
from logoingest.release.reading.loader import Release
from logoingest.release.writing.assembly import write_release

__all__ = ["SEVERAL", "SPLITS", "Release", "ReleaseRow", "Violation", "open_release", "verify_release", "write_release"]
