"""Trees over words."""
