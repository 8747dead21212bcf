"""The unit of work: which URL is in which shard, one shard fetched, and its file."""
