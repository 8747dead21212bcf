"""What is found out while nobody waits for it: what a decision would change elsewhere, what the crowd says of every word."""
