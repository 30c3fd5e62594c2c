"""Axes to draw on, and the labels of the time axis."""

from sklstm.plotting.times import as_numbers


def make_axes(ax):
    """Return the axes to draw on."""
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def label_times(ax, times):
    """Label the time axis; dates are in their own time zone and do not overlap."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if as_numbers(times).dtype.kind == "M":
        zone = getattr(times, "tz", None)
        locator = AutoDateLocator(minticks=3, maxticks=8, tz=zone)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    else:
        name = getattr(times, "name", None) or "Row"
        ax.set_xlabel("Seconds" if hasattr(times, "total_seconds") else name)
