"""From what the readers found to the two tables: checked, with ids of their contents, repeats left out."""
