"""The flow ``sweep``, as ``prefect deploy`` finds it in a clone; its code is that of the installed package."""

from logoingest_flows.sweep import sweep

__all__ = ["sweep"]
