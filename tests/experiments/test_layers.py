"""The kinds of layers differ in what their names say and in nothing else."""

from typing import Any

import numpy as np
import pytest
import torch

from experiments.layers import KINDS, layer, look
from experiments.training import fit, parameters, seeded

N, M, RANK, OMEGA = 24, 40, 2, 80.0
LOW_RANK = [kind for kind in KINDS if kind != "full"]


def made(kind, omega=OMEGA, seed=0) -> Any:
    with seeded(seed):
        return layer(kind, N, M, rank=RANK, omega=omega)


def test_all_kinds_draw_the_same_factors_up_to_their_size():
    sine = made("sine")
    for kind in LOW_RANK:
        other = made(kind)
        for name in ("B", "A"):
            ratio = (getattr(other, name) / getattr(sine, name)).detach()
            assert float(ratio.std()) < 1e-6 * float(ratio.mean())
        assert parameters(other) == parameters(sine) == RANK * (M + N) + M
        assert not other.bias.any()


@pytest.mark.parametrize("kind", ["matched", "matched twin"])
@pytest.mark.parametrize("omega", [1e-2, 5.0, 500.0])
def test_a_matched_start_has_the_sines_norm(kind, omega):
    assert float(made(kind, omega).weight.norm()) == pytest.approx(float(made("sine", omega).weight.norm()), rel=1e-5)


def test_a_twin_is_the_sine_while_the_phase_is_small_and_another_layer_later():
    x = torch.randn(7, N, generator=torch.Generator().manual_seed(1))
    apart = []
    for omega in (1e-2, 1e-1, OMEGA):
        sine, twin = made("sine", omega)(x), made("twin", omega)(x)
        apart.append(float((sine - twin).norm() / sine.norm()))
    assert apart[0] < 1e-4
    assert apart[1] == pytest.approx(100 * apart[0], rel=0.3)  # the cube of the phase comes first
    assert apart[2] > 5


def test_a_twins_first_step_is_the_sines_while_the_phase_is_small():
    x = torch.randn(7, N, generator=torch.Generator().manual_seed(1))
    slopes = []
    for kind in ("sine", "twin"):
        one = made(kind, 1e-2)
        one(x).square().sum().backward()
        slopes.append(torch.cat([one.B.grad.flatten(), one.A.grad.flatten()]))
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-3, atol=1e-3 * float(slopes[0].abs().max()))


def test_low_rank_starts_as_two_linear_layers_do():
    drawn = [made("low rank", seed=seed) for seed in range(50)]
    assert max(float(one.A.abs().max()) for one in drawn) == pytest.approx(N**-0.5, rel=1e-2)
    assert max(float(one.B.abs().max()) for one in drawn) == pytest.approx(RANK**-0.5, rel=1e-2)


def test_a_frozen_sine_keeps_its_factors():
    frozen, sine = made("frozen"), made("sine")
    torch.testing.assert_close(frozen.weight, sine.weight)
    x = torch.randn(50, N, generator=torch.Generator().manual_seed(1))
    for one in (frozen, sine):
        fit(one, lambda step, one=one: (one(x) - 1).square().mean(), steps=3, rate=1e-2)
    start = made("sine")
    assert torch.equal(frozen.B, start.B)
    assert torch.equal(frozen.A, start.A)
    assert frozen.bias.any()
    assert not torch.equal(sine.B, start.B)


def test_what_is_seen_of_a_layer():
    rows = {kind: look(torch.nn.Sequential(made(kind)), ["0"], "start")[0] for kind in KINDS}
    for kind, row in rows.items():
        weight = made(kind).weight.detach().double()
        values = np.linalg.svd(weight.numpy(), compute_uv=False)
        assert row["frobenius_norm"] == pytest.approx(float(weight.norm()), rel=1e-5)
        assert row["stable_rank"] == pytest.approx((values**2).sum() / values[0] ** 2, rel=1e-4)
        assert (row["m"], row["n"], row["when"]) == (M, N, "start")
    assert {rows[kind]["numerical_rank"] for kind in ("low rank", "matched", "twin", "matched twin")} == {RANK}
    assert rows["sine"]["numerical_rank"] == N
    sine = made("sine")
    phase = OMEGA * (sine.B @ sine.A).detach()
    assert rows["sine"]["rms_phase"] == pytest.approx(float(phase.square().mean() ** 0.5), rel=1e-5)
    assert np.isnan(rows["twin"]["rms_phase"])


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(ValueError, match="kind must be one of full, low rank"):
        layer("cosine", 2, 2, rank=1, omega=1.0)


def test_a_seed_leaves_torch_as_it_was():
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    threads, first = torch.get_num_threads(), torch.rand(1)
    with seeded(3):
        inner = torch.rand(1)
        assert torch.get_num_threads() == 1
    with seeded(3):
        assert torch.equal(inner, torch.rand(1))
    assert torch.equal(torch.cat([first, torch.rand(1)]), wanted)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_rate_falls_to_zero_in_a_line():
    """With a constant slope, each of Adam's steps is as long as the learning rate."""
    place = torch.nn.Linear(1, 1, bias=False)
    start = float(place.weight.detach())
    fit(place, lambda step: place.weight.sum(), steps=4, rate=0.1)
    assert start - float(place.weight.detach()) == pytest.approx(0.1 * (1 + 3 / 4 + 2 / 4 + 1 / 4), rel=1e-4)
