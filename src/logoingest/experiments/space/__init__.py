"""What may be tried, and what is tried next."""
