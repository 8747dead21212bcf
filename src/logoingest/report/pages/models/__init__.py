"""Pages about what was trained: the baseline, its safeguards, sweeps, and what a model sees in the pictures."""
