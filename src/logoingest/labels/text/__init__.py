"""Answers as text: folding, noise words, words people know, other scripts in Latin letters. Knows no class map."""
