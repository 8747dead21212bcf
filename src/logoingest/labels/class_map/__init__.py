"""The class map: its form, what it means, its endings, and writing it as people keep it."""
