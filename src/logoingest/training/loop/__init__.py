"""The training loop: fit, predict, and the figures of what was predicted."""
