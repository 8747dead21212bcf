"""Releases over time: earlier versions, what changed, publishing at another place."""
