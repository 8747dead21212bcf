"""Where shards are fetched: lanes on this machine, tasks on many."""
