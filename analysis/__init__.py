"""Studies: each module answers a question with the package's public functions. `python -m analysis.NAME` reruns one.

BLAS gets one thread, so that sums are taken in one order; it reads this when NumPy is first imported.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
