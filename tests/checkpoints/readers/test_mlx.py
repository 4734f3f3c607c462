"""MLX: experts, which are stored the other way round, and the two meanings of its scale."""

import numpy as np
import pytest

import rankkit as rk
from tests.checkpoints.conftest import dense

RNG = np.random.default_rng(5)
E, R, M, N = 3, 2, 10, 8
SCALE = 20.0
CONFIG = {"fine_tune_type": "lora", "lora_parameters": {"rank": R, "scale": SCALE}}
NAME = "model.layers.0.mlp.switch_mlp.up_proj"


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("n", [N, M])
def test_experts_are_one_row_each(folded, n):
    a, b = RNG.standard_normal((E, R, n)), RNG.standard_normal((E, M, R))
    state = {f"{NAME}.lora_a": a.reshape(E * R, n) if folded else a, f"{NAME}.lora_b": b}
    report = rk.audit(state, config=CONFIG, progress=False)
    assert set(report.table["status"]) == {"ok"}
    for expert in range(E):
        exact = dense(SCALE * b[expert] @ a[expert])
        np.testing.assert_allclose(report.spectra[f"{NAME}[{expert}]"], exact[:R], atol=1e-9 * exact[0])


@pytest.mark.parametrize(
    ("alpha", "more", "status"),
    [(None, {}, "ok"), (R, {}, "ok"), (8 * R, {}, "assumed"), (8 * R, {"fine_tune_type": "lora"}, "ok")],
)
def test_an_alpha_beside_the_scale_is_multiplied_by_old_versions_alone(alpha, more, status):
    state = {"q.lora_a": RNG.standard_normal((N, R)), "q.lora_b": RNG.standard_normal((R, M))}
    parameters = CONFIG["lora_parameters"] | ({} if alpha is None else {"alpha": alpha})
    (got,) = rk.audit(state, config={"lora_parameters": parameters, **more}, progress=False).table.itertuples()
    assert got.status == status
    assert got.scale == SCALE
    assert got.stable_rank == pytest.approx((s := dense(state["q.lora_a"] @ state["q.lora_b"])) @ s / s[0] ** 2)
