"""Train on 2,560 windows of 50 steps with 128 units in batches of 256."""

from _training import compare_training

if __name__ == "__main__":
    compare_training(n_windows=2560, units=128, batch_size=256, keras_bar=1.8, torch_bar=1.4)
