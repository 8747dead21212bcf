"""What a training must show before its dataset may be called train-ready: controls, leaks, the verdict."""
