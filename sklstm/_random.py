"""rich imported without a trace in Python's global random numbers."""

import random
import sys


def import_rich():
    """Import rich, whose import draws a number from `random`, and put that back.

    To be called before anything that imports rich. Measured: the draw is in `rich.style` alone,
    whose import takes 4 milliseconds; what other threads draw meanwhile, they draw again.
    """
    if "rich.style" not in sys.modules:
        state = random.getstate()
        import rich.style  # noqa: F401

        random.setstate(state)
