"""Rows or columns: a rank that no trainer chooses turns no module, whoever names it."""

import numpy as np
import pytest

import rankkit as rk
from tests.checkpoints.conftest import dense

RNG = np.random.default_rng(7)


def test_a_named_rank_above_both_outer_sizes_turns_no_square_module():
    B, A = RNG.standard_normal((16, 4)), RNG.standard_normal((4, 16))
    state = {"lora_unet_q.lora_up.weight": B, "lora_unet_q.lora_down.weight": A}
    config = {"r": 16, "lora_alpha": 8}  # 16 is also the rank of a 4 x 4 module stored transposed
    (got,) = rk.audit(state, config=config, progress=False).table.itertuples()
    assert (got.m, got.n, got.r, got.status) == (16, 16, 4, "assumed")
    assert got.spectral_norm == pytest.approx(8 / 4 * dense(B @ A)[0])
