"""Class maps that grow: a first draft from the answers, from pairs, and aliases from packs of names."""
