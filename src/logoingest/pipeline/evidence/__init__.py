"""What a model sees of a workspace's pictures: its vectors, and what looks wrong by them."""
