"""What must not be kept: pictures that were taken down, and bytes that nobody needs any more."""
