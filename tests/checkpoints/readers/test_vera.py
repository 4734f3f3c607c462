"""VeRA and RandLoRA: what they share must be in the file. Their updates are held against PEFT's in test_peft."""

import pytest

import rankkit as rk
from tests.checkpoints.conftest import M, R, normal


def test_vera_without_its_projections_is_refused():
    state = {"base_model.model.q.vera_lambda_b": normal(M), "base_model.model.q.vera_lambda_d": normal(R)}
    with pytest.raises(ValueError, match=r"holds no vera_A and vera_B: its projections are drawn from a seed"):
        rk.audit(state, config={"peft_type": "VERA"})
