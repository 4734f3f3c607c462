"""Fixtures every test may use: both array libraries, real adapters, a quiet Hypothesis."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import settings
from safetensors.numpy import save_file as save_numpy

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


CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}


def module(name, m=12, n=10, r=4, seed=0, dtype: Any = np.float32):
    rng = np.random.default_rng(seed)
    key = f"base_model.model.{name}"
    return {
        f"{key}.lora_A.weight": rng.standard_normal((r, n)).astype(dtype),
        f"{key}.lora_B.weight": rng.standard_normal((m, r)).astype(dtype),
    }


def save(folder, state, config=CONFIG):
    folder.mkdir(exist_ok=True, parents=True)
    save_numpy({key: np.ascontiguousarray(value) for key, value in state.items()}, folder / "adapter_model.safetensors")
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def row(report, name) -> Any:
    table = report.table.set_index("module")
    return table.loc[name]


def check_against_dense(got, delta):
    """Compare a row with numpy's SVD of the dense update."""
    sigma = np.linalg.svd(np.asarray(delta, dtype=float), compute_uv=False)
    p, q = sigma / sigma.sum(), sigma**2 / np.sum(sigma**2)
    p, q = p[p > 1e-13], q[q > 1e-26]
    assert got["spectral_norm"] == pytest.approx(sigma[0], rel=1e-6)
    assert got["frobenius_norm"] == pytest.approx(np.linalg.norm(sigma), rel=1e-6)
    assert got["stable_rank"] == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=1e-6)
    assert got["effective_rank"] == pytest.approx(np.exp(-np.sum(p * np.log(p))), rel=1e-5)
    assert got["effective_rank_energy"] == pytest.approx(np.exp(-np.sum(q * np.log(q))), rel=1e-5)
    assert got["participation_ratio"] == pytest.approx(1 / np.sum(q**2), rel=1e-6)
    assert got["energy_rank_90"] == np.argmax(np.cumsum(q) >= 0.9) + 1
    assert got["utilization"] == pytest.approx(got["stable_rank"] / got["r"])
