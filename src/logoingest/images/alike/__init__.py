"""Which pictures show the same thing: near pairs, groups, and the pictures of other datasets."""
