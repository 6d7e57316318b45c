"""Graphs, and walks over them: files to arrays, arrays to ids."""
