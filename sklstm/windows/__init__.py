"""Windows: rows, series, their time index, the transformer, supervised targets."""
