"""Settings of the whole suite."""

import os

# Each worker of pytest-xdist has a core to itself, and so have the examples it runs: two threads
# in each of two workers took a fifth more of both cores. Read when TensorFlow is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
