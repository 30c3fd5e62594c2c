"""Train on 950 windows of 50 steps with 50 units in batches of 32."""

from _training import compare_training

if __name__ == "__main__":
    compare_training(n_windows=950, units=50, batch_size=32, keras_bar=4, torch_bar=1.2)
