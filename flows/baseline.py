"""The flow ``baseline``, as ``prefect deploy`` finds it in a clone; its code is that of the installed package."""

from logoingest_flows.baseline import baseline

__all__ = ["baseline"]
