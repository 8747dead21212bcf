"""The formats, a reader each: a generator of records. No reader imports another."""
