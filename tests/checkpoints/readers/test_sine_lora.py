"""sine-LoRA, as its authors' code and as the pull request to PEFT store it."""

import math

import numpy as np

import rankkit as rk
from tests.checkpoints.conftest import A, B, M, N, R, agrees


def test_sine_lora_of_the_authors_code_is_its_sine_and_not_b_a():
    state = {"base_model.model.q.lora_A.weight": A, "base_model.model.q.lora_B.weight": B}
    config = {"peft_type": "SINLORA", "r": R, "lora_alpha": 8, "freq": 200.0, "s": 3.0}
    row = agrees(rk.audit(state, config=config), 2 * np.sin(200.0 * (B.astype(float) @ A)) / math.sqrt(N))
    assert row["rule"] == "sine"
    assert "s = 3" in row["note"]
    assert row["numerical_rank"] == min(M, N)
    pull = {
        "peft_type": "LORA",
        "r": R,
        "lora_alpha": 8,
        "use_sinelora": True,
        "sinelora_frequency": 50.0,
        "sinelora_scaling": 7.0,
    }
    agrees(rk.audit(state, config=pull), 2 * np.sin(50.0 * (B.astype(float) @ A)) / 7)
