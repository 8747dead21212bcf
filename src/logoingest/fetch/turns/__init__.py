"""Whose turn it is: hosts, retries, robots.txt, fallbacks, and how each URL's pursuit ends."""
