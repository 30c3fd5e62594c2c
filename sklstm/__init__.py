"""A real LSTM, real windows, in the stock scikit-learn Pipeline and GridSearchCV."""

from sklstm._backtest import backtest
from sklstm._conformal import ConformalForecaster
from sklstm._forecast import forecast
from sklstm._plot import ForecastDisplay, HorizonErrorDisplay, LossCurveDisplay
from sklstm._program import clear_programs
from sklstm._regressor import LSTMRegressor
from sklstm._supervised import make_supervised, make_windows
from sklstm._version import __version__ as __version__
from sklstm._windows import SlidingWindowTransformer

__all__ = [
    "ConformalForecaster",
    "ForecastDisplay",
    "HorizonErrorDisplay",
    "LSTMRegressor",
    "LossCurveDisplay",
    "SlidingWindowTransformer",
    "backtest",
    "clear_programs",
    "forecast",
    "make_supervised",
    "make_windows",
]
