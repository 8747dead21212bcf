"""The whole route on an embedded site: drawn logos, simulated workers, and a server with every fault of the web. No network."""

from logoingest.demo.tour import Tour, run_demo

__all__ = ["Tour", "run_demo"]
