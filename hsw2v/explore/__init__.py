"""Questions to a model in a page of the local machine."""
