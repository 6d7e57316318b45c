"""Output layers: which rows, which labels."""
