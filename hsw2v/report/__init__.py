"""Reports: what a model's errors and gradients are like, and the drawing of figures."""
