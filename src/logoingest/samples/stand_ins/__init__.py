"""Placeholders: pictures that stand in for photos that are gone, found by what was answered or suspected by their addresses."""
