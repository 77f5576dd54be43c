"""What the process of each notebook begins with: slow imports, and what Numba reads for a kernel"""

import accelerate  # noqa: F401
import diffusers.models.unets.unet_2d_condition  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import nbdev.test  # noqa: F401
import pandas  # noqa: F401
import papermill  # noqa: F401
import peft  # noqa: F401
import scipy.stats  # noqa: F401
import torch  # noqa: F401
import trimesh  # noqa: F401
from numba import njit


@njit
def first_kernel():
    return 1


first_kernel()
