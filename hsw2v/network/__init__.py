"""What is trained: word vectors, an output layer, and the parameters of both."""
