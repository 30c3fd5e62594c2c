"""The estimators: scikit-learn's side of the network and its training."""
