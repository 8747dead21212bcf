"""What a network eats: a release's pictures, decoded once, and the random changes they are shown with."""
