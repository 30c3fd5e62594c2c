"""The LSTM on paper, in NumPy: description, weights, forward pass, reading."""
