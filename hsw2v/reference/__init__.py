"""The arithmetic of training in plain NumPy: what the kernels are tested against."""
