"""The training: the only wing that imports TensorFlow."""
