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


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("experts", [1, 2, 5])
@pytest.mark.parametrize("m", [1, 2, 5, 7])
@pytest.mark.parametrize("r", [1, 2])
def test_experts_of_any_rank_and_number_are_told_apart(folded, experts, m, r):
    """Also where B (E, m, 1) beside A (E, n) would multiply as one matrix: MLX stores nothing else with three axes."""
    a, b = RNG.standard_normal((experts, r, N)), RNG.standard_normal((experts, m, r))
    state = {f"{NAME}.lora_a": a.reshape(experts * r, N) if folded else a, f"{NAME}.lora_b": b}
    report = rk.audit(state, config=CONFIG, progress=False)
    assert report.columns["module"] == [f"{NAME}[{e}]" for e in range(experts)]
    assert list(zip(*(report.columns[name] for name in "mnr"), strict=True)) == [(m, N, r)] * experts
    for expert in range(experts):
        exact = dense(SCALE * b[expert] @ a[expert])
        np.testing.assert_allclose(report.spectra[f"{NAME}[{expert}]"], exact[: min(r, m)], atol=1e-9 * exact[0])


def test_factors_that_multiply_for_no_expert_are_refused_with_their_shapes():
    state = {f"{NAME}.lora_a": RNG.standard_normal((7, N)), f"{NAME}.lora_b": RNG.standard_normal((E, M, R))}
    (note,) = rk.audit(state, config=CONFIG, progress=False).columns["note"]
    assert note == f"shapes do not fit together: lora_b ({E}, {M}, {R}), lora_a (7, {N})"


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
