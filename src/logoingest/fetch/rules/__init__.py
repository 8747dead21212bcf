"""What is decided without doing anything: how a URL is read, what of an answer's head counts.

Nothing here opens a socket, waits, or knows the HTTP client; the import contract "Fetch's rules decide and do nothing" holds it to that.
"""
