"""What `checks.py` does once, in the server that is forked for each notebook."""

from numba import njit


@njit
def _next(x):
    return x + 1


_next(1.0)  # numba sets its compiler up at the first call
