"""What a release is: its columns, manifest, card and Croissant description, and its representation in a notebook."""
