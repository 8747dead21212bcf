"""What every format reads with: files, cells, columns, tables, times, records."""
