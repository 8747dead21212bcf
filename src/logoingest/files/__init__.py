"""Files: those that appear whole or not at all, those that are Parquet, those that lie on this machine."""
