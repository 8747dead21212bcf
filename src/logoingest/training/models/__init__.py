"""Networks: any torchvision classifier with a head of our own, and the trained one on disk."""
