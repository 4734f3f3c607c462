"""Numbers of eight bits: every code means what torch says it means, from any kind of file."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import rankkit as rk
from rankkit.checkpoints.files.float8 import FLOAT8, float8
from tests.checkpoints.conftest import SPELLINGS, A, B, agrees

TORCH = {
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz, "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOAT8)
def test_every_code_is_exact(dtype):
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(float8(codes, dtype), torch.as_tensor(codes).view(TORCH[dtype]).float().numpy())


@pytest.mark.parametrize("kind", ["safetensors", "bin", "state dict"])
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_factors_of_eight_bits_are_measured_exactly(tmp_path, dtype, kind):
    names = SPELLINGS["peft"][0]
    a, b = (torch.as_tensor(x).to(dtype) for x in (A, B))
    state = dict(zip(names, (a, b), strict=True))
    source = tmp_path / f"adapter_model.{kind}"
    if kind == "state dict":
        source = state
    elif kind == "bin":
        torch.save(state, source)
    else:
        save_file(state, source)
    agrees(rk.audit(source, config=SPELLINGS["peft"][1]), 2.0 * b.double().numpy() @ a.double().numpy())


@pytest.mark.parametrize("scale", ["scale", "weight_scale", "weight_scale_inv", "weight.absmax", "SCB"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, "float8"])
def test_codes_with_a_scale_beside_them_are_refused_by_name(dtype, scale):
    one = torch.ones(4, 18).to(torch.float8_e4m3fn) if dtype == "float8" else np.ones((4, 18), dtype)
    state = {"m.q.lora_A.weight": one, f"m.q.lora_A.{scale}": np.ones(4, np.float32), "m.q.lora_B.weight": B,
             "m.v.lora_A.weight": A, "m.v.lora_B.weight": B}  # fmt: skip
    report = rk.audit(state, config=SPELLINGS["peft"][1])
    assert report.table["status"].tolist() == ["unsupported", "ok"]
    assert f"m.q.lora_A.{scale} turns into numbers" in report.table["note"][0]
    assert str(np.dtype(dtype) if dtype != "float8" else "float8_e4m3fn") in report.table["note"][0]
    assert [entry.key for entry in report.skipped] == [f"m.q.lora_A.{scale}"]


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float16])
def test_an_alpha_may_be_an_integer(dtype):
    state, _ = SPELLINGS["kohya"]
    row = agrees(rk.audit(state | {"lora_unet_q.alpha": np.array(8, dtype)}), 2.0 * B.astype(float) @ A.astype(float))
    assert row["scale"] == 2
