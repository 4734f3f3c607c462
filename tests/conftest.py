"""Fixtures every test may use: both array libraries, real adapters, a quiet Hypothesis."""

import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import settings
from safetensors.numpy import save_file

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


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with an adapter of two modules in it, where the snippets of README and site run."""
    rng = np.random.default_rng(0)
    state = {
        f"base_model.model.{module}.lora_{part}.weight": rng.standard_normal(shape).astype(np.float32)
        for module in ("layers.0.self_attn.q_proj", "layers.1.mlp.up_proj")
        for part, shape in (("A", (4, 10)), ("B", (12, 4)))
    }
    (tmp_path / "adapter").mkdir()
    save_file(state, tmp_path / "adapter" / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


def pytest_runtest_setup(item):
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not pytest.importorskip("torch").cuda.is_available():
        pytest.skip("needs a CUDA device")
