"""Class maps that grow: from pairs, and by aliases from packs of names."""
