"""What the pages show and what their keys do, as typed answers over ``review`` and ``pipeline``; no HTML, no HTTP."""
