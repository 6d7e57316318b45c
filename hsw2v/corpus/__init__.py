"""The corpus: bytes to ids, once."""
