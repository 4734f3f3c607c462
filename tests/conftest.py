"""Fixtures every test may use: both array libraries, real adapters, a quiet Hypothesis."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import settings

mpl.use("Agg")
settings.register_profile("rankkit", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("rankkit")

ADAPTERS = Path(__file__).resolve().parents[2] / "shared" / "adapters"


def _torch(x):
    return pytest.importorskip("torch").as_tensor(np.asarray(x))


def _cuda(x):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.as_tensor(np.asarray(x), device="cuda")


@pytest.fixture(params=["numpy", "torch", pytest.param("cuda", marks=pytest.mark.gpu)])
def asarray(request):
    """Make an array of each library in turn from a numpy array."""
    return {"numpy": np.asarray, "torch": _torch, "cuda": _cuda}[request.param]


@pytest.fixture
def adapters():
    """The folder of real trained adapters, where there is one."""
    if not ADAPTERS.is_dir():
        pytest.skip("no real adapters beside this checkout")
    return ADAPTERS


def pytest_runtest_setup(item):
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not pytest.importorskip("torch").cuda.is_available():
        pytest.skip("needs a CUDA device")
