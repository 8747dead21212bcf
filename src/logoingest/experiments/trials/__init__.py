"""One trial: what is asked of it, and the process that does it."""
