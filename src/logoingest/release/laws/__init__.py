"""What every release promises, law by law, checked on the files themselves; nothing is fetched for it."""
