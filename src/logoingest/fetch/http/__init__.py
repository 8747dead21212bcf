"""What goes over the wire, and how: the one place that knows how aiohttp is told."""
