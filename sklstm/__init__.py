"""A real LSTM, real windows, in the stock scikit-learn Pipeline and GridSearchCV."""

import sklstm._random  # noqa: F401 - before anything else imports rich
from sklstm._version import __version__ as __version__
from sklstm.estimators.regressor import LSTMRegressor
from sklstm.forecasting.backtest import backtest
from sklstm.forecasting.conformal import ConformalForecaster
from sklstm.forecasting.forecast import forecast
from sklstm.plotting.forecast import ForecastDisplay
from sklstm.plotting.horizon_error import HorizonErrorDisplay
from sklstm.plotting.loss_curve import LossCurveDisplay
from sklstm.training.program import clear_programs
from sklstm.windows.splitter import PanelTimeSeriesSplit
from sklstm.windows.supervised import make_supervised, make_windows
from sklstm.windows.transformer import SlidingWindowTransformer

__all__ = [
    "ConformalForecaster",
    "ForecastDisplay",
    "HorizonErrorDisplay",
    "LSTMRegressor",
    "LossCurveDisplay",
    "PanelTimeSeriesSplit",
    "SlidingWindowTransformer",
    "backtest",
    "clear_programs",
    "forecast",
    "make_supervised",
    "make_windows",
]
