"""A source file opened safely: lines of bounded length, JSON item by item, XML element by element."""
