"""What the crowd teaches about words: who wrote what beside whom, of the same pictures. ``docs/crowd.md`` tells it to people."""
