"""The Prefect flows of logoingest: what ``logoingest.pipeline`` does, scheduled. Needs the extra ``prefect``."""
