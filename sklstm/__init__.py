"""A real LSTM, real windows, in the stock scikit-learn Pipeline and GridSearchCV."""

__version__ = "0.1.0"
__all__ = []
