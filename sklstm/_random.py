"""The import of rich, without the number that it draws from Python's global `random`.

scikit-learn's callbacks, Keras and the progress bar import rich. Here it comes first, and the draw,
which is in `rich.style` alone, is put back at once.
"""

import random

_state = random.getstate()
import rich.style  # noqa: E402, F401 - see above

random.setstate(_state)
