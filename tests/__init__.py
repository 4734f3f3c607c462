"""The tests. One thread a test process: pytest-xdist runs one process per core."""

import os

# torch's and BLAS's own threads would wait for each other's cores: some tests took twenty times as long
os.environ.setdefault("OMP_NUM_THREADS", "1")
