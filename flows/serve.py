"""Serve the flows on one machine, from a clone: ``python -m logoingest_flows.serve`` under its own path."""

from logoingest_flows.serve import main

if __name__ == "__main__":
    main()
