"""Pages for browsers: their style, and documents of one file."""
