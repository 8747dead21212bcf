"""What one picture tells: its measures, quality, fingerprint and the text on it."""
