"""Small grey pictures laid upon each other, and what they have in common then."""
