"""LoRAN, as its authors' code stores it."""

import numpy as np

import rankkit as rk
from tests.checkpoints.conftest import A, B, R, agrees


def test_loran_is_its_sinter():
    state = {"base_model.model.q.mlora_A": A, "base_model.model.q.mlora_B": B}
    config = {"peft_type": "MLORA", "r": [R, 4096], "mlora_alpha": 16, "mlora_af": "Sin", "mlora_af_sin_A": 0.1, "mlora_af_sin_omega": 30.0}  # fmt: skip
    x = B.astype(float) @ A
    assert agrees(rk.audit(state, config=config), 4 * (x + 0.1 * x * np.sin(30 * x)))["rule"] == "sinter"
