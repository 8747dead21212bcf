"""From an answer to a class: exact lookups, nearest spellings, evidence, and the labels stage over distinct answers."""
