"""Every kind of index that tells what follows: at least 8 labels, the first 5 tell the step."""

import numpy as np
import pandas as pd

NEW_YORK = "America/New_York"


def without_freq(index):
    """Return an index whose frequency is left to be inferred."""
    return index[[*range(len(index))]]._with_freq(None)


CONTINUING = {
    "range": pd.RangeIndex(8),
    "range with a step": pd.RangeIndex(0, 40, 5),
    "range from before zero": pd.RangeIndex(-4, 4),
    "integers": pd.Index([3, 5, 7, 9, 11, 13, 15, 17]),
    "integers with a hole": pd.Index([0, 1, 3, 4, 5, 6, 7, 8]),
    "small integers": pd.Index(np.arange(120, 128, dtype="u1")),
    "hours": pd.date_range("2013-01-01", periods=8, freq="h"),
    "hours, inferred": without_freq(pd.date_range("2013-01-01", periods=8, freq="h")),
    "hours with a hole": pd.date_range("2013-01-01", periods=9, freq="h").delete(2),
    "hours in UTC": pd.date_range("2013-01-01", periods=8, freq="h", tz="UTC"),
    "90 minutes": pd.date_range("2013-01-01", periods=8, freq="90min"),
    "hours, clock set forward": pd.date_range("2013-03-09 22:00", periods=8, freq="h", tz=NEW_YORK),
    "hours, clock set back": pd.date_range("2013-11-02 21:00", periods=8, freq="h", tz=NEW_YORK),
    "hours, clock set back, inferred": without_freq(
        pd.date_range("2013-11-02 21:00", periods=8, freq="h", tz=NEW_YORK)
    ),
    "days, clock set forward": pd.date_range("2013-03-06", periods=8, freq="D", tz=NEW_YORK),
    "days, clock set forward, inferred": without_freq(
        pd.date_range("2013-03-06", periods=8, freq="D", tz=NEW_YORK)
    ),
    "days, clock set back": pd.date_range("2013-10-30", periods=8, freq="D", tz=NEW_YORK),
    "days with a hole, clock set": pd.date_range(
        "2013-03-05", periods=9, freq="D", tz=NEW_YORK
    ).delete(2),
    "24 hours, clock set forward": pd.date_range("2013-03-06", periods=8, freq="24h", tz=NEW_YORK),
    "business days": pd.bdate_range("2013-01-01", periods=8),
    "business days, inferred": without_freq(pd.bdate_range("2013-01-03", periods=8)),
    "month starts": pd.date_range("2013-01-01", periods=8, freq="MS"),
    "month starts, inferred": without_freq(pd.date_range("2013-01-01", periods=8, freq="MS")),
    "month starts, local": pd.date_range("2012-11-01", periods=8, freq="MS", tz=NEW_YORK),
    "month ends, inferred": without_freq(pd.date_range("2012-11-01", periods=8, freq="ME")),
    "quarters": pd.date_range("2013-01-01", periods=8, freq="QS"),
    "years, inferred": without_freq(pd.date_range("2013-01-01", periods=8, freq="YS")),
    "months as periods": pd.period_range("2013-01", periods=8, freq="M"),
    "hours as periods": pd.period_range("2013-01-01", periods=8, freq="h"),
    "two months as periods": pd.period_range("2013-01", periods=8, freq="2M"),
    "time spans": pd.timedelta_range("0h", periods=8, freq="h"),
    "time spans, inferred": without_freq(pd.timedelta_range("0h", periods=8, freq="7min")),
}
