"""The pages: routes, templates (everything escaped), and scripts and styles of their own; no logic."""
