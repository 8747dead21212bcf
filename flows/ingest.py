"""The flow ``ingest``, as ``prefect deploy`` finds it in a clone; its code is that of the installed package."""

from logoingest_flows.ingest import ingest

__all__ = ["ingest"]
