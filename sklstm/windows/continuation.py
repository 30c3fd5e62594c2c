"""How rows lie in time to those of `fit`: by their index, or by the user's word."""

import weakref

import numpy as np

from sklstm._warnings import warn
from sklstm.windows.grid import check_index, count_steps, has_grid, place_rows, read_step
from sklstm.windows.history import COUNT, name_series
from sklstm.windows.index import counts_from_zero, in_zone, is_time, pack_index, pack_labels
from sklstm.windows.layout import Span


def find_spans(rows, panel, pasts, freq, history):
    """Return the span of each series, and whether something says what comes before all of them.

    `freq` is the one found in `fit`. With `history="always"` rows follow those of `fit` where no
    index says how they lie to them, unless they begin with them.
    """
    if history == "always" and not has_grid(freq):
        freq = "rows"
    of_fit, times = next(iter(pasts.values())), panel[0].times  # all series have the same kind
    comparable = is_comparable(of_fit, times)
    step = read_step(freq, times) if comparable and has_grid(freq) else None
    spans, all_said = [], True
    for series in panel:
        members, times = (
            series.members,
            in_zone(series.times, of_fit["kind"]) if comparable else None,
        )
        past = pasts.get(name_series(series.label)) if history else None
        places, distance = _place(times, len(members), past, step)
        if past is not None:
            first = rows[np.asarray(members[: len(past["first"])], dtype=np.int64)]
            if times is None or (counts_from_zero(times) and past["kind"] == COUNT):
                distance, said = _go_by_rows(past, first, history)
                all_said &= said
            elif step is None:
                distance = _find_distance(past, times, freq, first)
        whole = slice(None) if isinstance(members, range) else members
        spans.append(Span(whole, places, *_take_before(past, distance, rows)))
    return spans, all_said


def is_comparable(past, times):
    """Tell whether an index is of the kind of the remembered one, so that both can be compared."""
    if not is_time(times) or not len(past["labels"]):
        return False
    given = pack_index(times[:1])
    kinds = {past["labels"].dtype.kind, given["labels"].dtype.kind}
    if len(kinds) > 1 and kinds != {"i", "u"}:
        return False
    if "period" in (past["kind"], given["kind"]):
        units = {index["freq"].lstrip("0123456789") for index in (past, given)}
        return past["kind"] == given["kind"] and len(units) == 1
    zones = [bool(index["kind"]) for index in (past, given)]
    return kinds != {"M"} or zones[0] == zones[1]


def check_comparable(panel, pasts, freq):
    """Refuse an index on which the `freq` that the user gave finds no places."""
    for series in panel:
        check_index(series.times, freq)
    times = panel[0].times
    past = next(iter(pasts.values()))
    if not is_comparable(past, times):
        raise ValueError(
            f"The index of X must be of the kind of that in fit for freq={freq!r}, got a "
            f"{type(times).__name__} of {times.dtype} after {_describe(past)}. "
            'Stamps without a time zone get one by X.tz_localize("UTC").'
        )


def _describe(past):
    """Describe the index of fit."""
    kind = past["kind"] or "no time zone"
    names = {"M": f"stamps with {kind}", "m": "spans", "i": "integers", "u": "integers"}
    return "periods" if kind == "period" else names[past["labels"].dtype.kind]


def warn_if_none_is_complete(panel, freq, n_steps, dilation):
    """Warn in `fit` if windows are longer than all series."""
    reach = (int(n_steps) - 1) * int(dilation) + 1
    if max(len(series.members) for series in panel) >= reach:
        return
    longest = max(place_rows(series, freq)[-1] + 1 for series in panel)
    if reach > longest:
        warn(
            f"No window is complete: with n_steps={n_steps}, dilation={dilation} they reach over "
            f"{reach} steps, and the longest series has {longest}. Make windows shorter, or fit to "
            "more rows."
        )


def warn_if_split_by_series(panel, pasts, n_steps):
    """Warn where a panel seems to be split by series, as `TimeSeriesSplit` does if it is sorted so.

    That is where a series goes on, while a window or more of the rows of one are no later than rows
    of `fit`. Fewer may be of a series that is reported late, or of a date that is cut in two. Where
    there are no dates, each series may have a time of its own.
    """
    past = next(iter(pasts.values()))
    dated = past["kind"] == "period" or past["labels"].dtype.kind == "M"
    if len(pasts) == 1 or not dated or not is_comparable(past, panel[0].times):
        return
    last = max(past["labels"][-1] for past in pasts.values())
    goes_on, n_early = False, 0
    for series in panel:
        past, labels = pasts.get(name_series(series.label)), pack_labels(series.times)
        later = past is not None and labels[0] > past["labels"][-1]
        goes_on |= later
        early = np.count_nonzero(labels <= last)
        # A new series may bring its past, and one that was reported late may catch up.
        if (past is None and early == len(labels)) or (later and early > len(labels) // 2):
            n_early = max(n_early, early)
    if goes_on and n_early >= max(n_steps, 2):
        warn(
            f"{n_early} of these rows are of one series and no later than rows of another in fit. "
            "So the panel seems to be split by series, and training rows are of the future. Split "
            "all series at the same times by PanelTimeSeriesSplit, or sort the rows by time for "
            "TimeSeriesSplit: X.sort_index(level=-1)."
        )


_told = weakref.WeakSet()  # transformers, each warned once after a fit


def warn_of_spans(transformer, spans, said, n_before):
    """Warn, once for a fitted transformer, where windows lack rows that may well exist.

    That is where nothing has `said` what comes before rows, or they begin long after those of fit.
    """
    if transformer in _told or not n_before:
        return
    if not said:
        _told.add(transformer)
        warn(
            "Nothing says whether these rows follow those of fit: they have no index of times, or "
            "one that cannot be compared with that of fit. So they are taken for the beginning of "
            "a series, and their first windows are short. Pass pandas with its index, with "
            'set_output(transform="pandas") on the steps before, such as a scaler; or say '
            'SlidingWindowTransformer(history="always") if rows directly follow those of fit, '
            "history=False if they do not."
        )
    elif any(_is_far(span, n_before) for span in spans):
        _told.add(transformer)
        warn(
            "These rows begin long after those of fit, so most steps of their windows are missing. "
            f"If there are rows in between, pass them, too, {n_before + 1} in all, or fit the "
            "transformer to them, such as model[:-1].fit(rows) in a Pipeline."
        )


def _is_far(span, n_before):
    """Tell whether rows come so long after those of `fit` that their windows are mostly empty."""
    gap = -1 - span.before_places[-1] if len(span.before_places) else 0
    return gap > max(1, n_before // 2) and span.places[-1] < n_before


def allow_warning(transformer):
    """Let a transformer that is fitted again warn again."""
    _told.discard(transformer)


def _place(times, n_rows, past, step):
    """Return the places of rows from the first one on, and how far it is from the remembered ones.

    That is the number of steps after the last of these, 0 or less if rows overlap them, or None.
    """
    if step is None or not times.is_monotonic_increasing:
        return range(n_rows), None
    if past is None:
        return count_steps(times, step), None
    counts = count_steps(times, step, past["labels"][-1])
    return range(n_rows) if isinstance(counts, range) else counts - counts[0], counts[0]


def _go_by_rows(past, first, history):
    """Return the distance of rows whose index says nothing, and whether something else says it.

    That is the user, or that the `first` rows are those of `fit`.
    """
    begins = np.array_equal(first, past["first"][: len(first)], equal_nan=True)
    if history != "always":
        return None, begins
    return None if begins and len(first) == len(past["first"]) else 1, True


def _find_distance(past, times, freq, rows):
    """Return the distance of rows where rows are counted, or None if they do not follow."""
    labels = past["labels"]
    if not (times.is_monotonic_increasing and (labels[1:] >= labels[:-1]).all()):
        return None
    first = pack_labels(times[:1])[0]
    if first > labels[-1]:
        return 1 if freq == "rows" or np.array_equal(past["following"], [first]) else None
    places = np.flatnonzero(labels == first) + 1 - len(labels)
    if len(places) == 0 or (len(places) == 1 and first < labels[-1]):
        return places[0] if len(places) else None
    # Several rows may share a time: those of fit are known by their values.
    for place in places[places > -len(past["rows"])]:
        if np.array_equal(past["rows"][place - 1], rows[0], equal_nan=True):
            return place
    return 1 if freq == "rows" and first == labels[-1] else places[0]


def _take_before(past, distance, rows):
    """Return the remembered rows before rows at a distance, and their places before these."""
    if distance is None:
        return rows[:0], np.zeros(0, dtype=np.int64)
    earlier = past["places"] < distance
    return past["rows"][earlier], past["places"][earlier] - distance
