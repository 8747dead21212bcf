"""What votes come to: one class an item and the workers' skills, with a confidence. Numbers in, numbers out; no table, no picture."""
