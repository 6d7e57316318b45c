"""The compiled arithmetic of training: arrays in, arrays changed."""
