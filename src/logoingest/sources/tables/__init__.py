"""Rows of files that are tables: csv and its kin, JSON lines, JSON, Parquet."""
