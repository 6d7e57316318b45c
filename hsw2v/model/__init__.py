"""The model, its file, and the formats of other programs."""
