"""Near pictures of a set that is too large for one search: dealt into partitions, searched pair by pair, here or on a Ray cluster."""
