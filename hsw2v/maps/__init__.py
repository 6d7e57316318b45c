"""Maps of words: positions in the plane, neighbours, and branches of the tree."""
