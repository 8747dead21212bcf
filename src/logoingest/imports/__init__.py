"""How the package imports: names when they are first used, and without what no process of ours needs."""
