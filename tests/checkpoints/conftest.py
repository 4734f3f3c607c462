"""What the tests of every family share: one update in every spelling, and its singular values by numpy."""

from typing import Any

import numpy as np

M, N, R = 24, 18, 4
RNG = np.random.default_rng(5)


def normal(*shape, dtype: Any = np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def only(report):
    assert len(report.table) == 1
    return report.table.iloc[0], next(iter(report.spectra.values()))


def dense(delta):
    return np.linalg.svd(np.asarray(delta, dtype=np.float64), compute_uv=False)


def agrees(report, delta, rel=1e-9, status="ok"):
    row, sigma = only(report)
    assert row["status"] == status, row["note"]
    assert {row["m"], row["n"]} == set(delta.shape)
    exact = dense(delta)
    np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=rel * exact[0])
    assert np.all(exact[sigma.size :] <= 1e-12 * exact[0])
    return row


B, A = normal(M, R), normal(R, N)
ALPHA = 8.0
SPELLINGS = {
    "peft": (
        {"base_model.model.layers.0.q_proj.lora_A.weight": A, "base_model.model.layers.0.q_proj.lora_B.weight": B},
        {"peft_type": "LORA", "r": R, "lora_alpha": ALPHA},
    ),
    "kohya": (
        {"lora_unet_q.lora_down.weight": A, "lora_unet_q.lora_up.weight": B, "lora_unet_q.alpha": np.array([ALPHA], np.float32)},
        None,
    ),
    "diffusers": ({"unet.q.lora_A.weight": A, "unet.q.lora_B.weight": B, "unet.q.alpha": np.array([ALPHA])}, None),
    "diffusers old": (
        {"mid.attn1.processor.to_q_lora.down.weight": A, "mid.attn1.processor.to_q_lora.up.weight": B,
         "mid.attn1.processor.to_q_lora.alpha": np.array([ALPHA])},
        None,
    ),
    "mlx": (
        {"layers.0.q_proj.lora_a": np.ascontiguousarray(A.T), "layers.0.q_proj.lora_b": np.ascontiguousarray(B.T)},
        {"fine_tune_type": "lora", "lora_parameters": {"scale": ALPHA / R, "alpha": 999, "rank": R}},
    ),
    "loralib": ({"layers.0.q.lora_A": A, "layers.0.q.lora_B": B}, {"lora_alpha": ALPHA}),
}  # fmt: skip
