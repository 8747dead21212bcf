"""The flow ``maintain``, as ``prefect deploy`` finds it in a clone; its code is that of the installed package."""

from logoingest_flows.maintain import maintain

__all__ = ["maintain"]
