"""What strangers wrote, made harmless: text on terminals and in cells, user names in URLs."""
