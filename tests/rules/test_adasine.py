"""AdaSine: a response and a Jacobian, tested against autograd, and no weight update."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import testing as laws
from rankkit.rules import AdaSine, Sine

M, N, R = 9, 7, 3


def setting(seed=0, **options):
    rng = np.random.default_rng(seed)
    factors = rk.initializers.KaimingUniform()(M, N, R, seed=seed)
    return factors, AdaSine(omega0=rng.uniform(1, 50), W=rng.standard_normal(N), **options), rng.standard_normal(N)


def torch_response(rule, factors, x):
    """The paper's formula, written down in torch."""
    inside = 1 / math.sqrt(N) if rule.scale_inside else 1.0
    gain = math.sqrt(M) if rule.gain is None else rule.gain
    B, A, W = (torch.as_tensor(np.asarray(v)) for v in (factors.B, factors.A, rule.W))
    return torch.sin(rule.omega0 * torch.sigmoid(W @ x) * inside * (B @ (A @ x))) / gain


@given(laws.seeds, st.booleans(), st.sampled_from([None, 3.0]))
def test_response_and_jacobian_agree_with_autograd(seed, scale_inside, gain):
    factors, rule, x = setting(seed, scale_inside=scale_inside, gain=gain)
    f = lambda t: torch_response(rule, factors, t)
    np.testing.assert_allclose(rule.response(factors, x), f(torch.as_tensor(x)), rtol=1e-10, atol=1e-13)
    theirs = torch.autograd.functional.jacobian(f, torch.as_tensor(x)).numpy()
    ours = rule.jacobian(factors, x)
    np.testing.assert_allclose(ours.product(), theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())
    np.testing.assert_allclose(
        rk.spectrum_of(ours).values, np.linalg.svd(theirs, compute_uv=False)[:R], atol=1e-9 * np.abs(theirs).max()
    )


@given(laws.seeds)
def test_the_jacobian_has_rank_r_whatever_the_frequency(seed):
    factors, rule, x = setting(seed)
    assert rk.metrics.numerical_rank(rk.spectrum_of(rule.jacobian(factors, x)), rtol=1e-9) <= R


def test_a_planted_fault_in_the_jacobian_is_seen():
    """Without the frequency's own gradient the Jacobian is another matrix."""
    factors, rule, x = setting(1)
    frozen = AdaSine(omega0=2 * float(rule.frequency(x)), W=np.zeros(N)).jacobian(factors, x)
    assert np.abs(frozen.product() - rule.jacobian(factors, x).product()).max() > 1e-3


def test_batches_of_inputs(asarray):
    factors, rule, _ = setting()
    X = np.random.default_rng(1).standard_normal((4, 5, N))
    there = rk.Factors(asarray(factors.B), asarray(factors.A))
    batch = rule.response(there, asarray(X))
    assert tuple(batch.shape) == (4, 5, M)
    np.testing.assert_allclose(np.asarray(batch[2, 3].cpu() if hasattr(batch, "cpu") else batch[2, 3]),
                               rule.response(factors, X[2, 3]), rtol=1e-12)  # fmt: skip
    jacobian = rule.jacobian(there, asarray(X[2, 3]))
    np.testing.assert_allclose(
        rk.spectrum_of(jacobian).values, rk.spectrum_of(rule.jacobian(factors, X[2, 3])).values, rtol=1e-9
    )


def test_frequencies_stay_below_omega0():
    _, rule, _ = setting()
    frequencies = rule.frequency(np.random.default_rng(0).standard_normal((100, N)) * 3)
    assert np.all((frequencies > 0) & (frequencies < rule.omega0))


@pytest.mark.parametrize("scale_inside", [False, True])
def test_matrix_centric_is_an_ordinary_sine(scale_inside):
    factors, rule, x = setting(scale_inside=scale_inside)
    inside = 1 / math.sqrt(N) if scale_inside else 1.0
    assert rule.at(x) == Sine(float(rule.frequency(x)) * inside)
    assert rule.at(5.0) == Sine(5.0 * inside)
    assert rk.spectrum_of(rule.at(x)(factors)).values.shape == (min(M, N),)


def test_function_and_matrix_centric_are_different_maps():
    factors, rule, x = setting()
    assert np.abs(rule.at(x)(factors) @ x - rule.response(factors, x)).max() > 1e-2


@pytest.mark.parametrize("ask", [lambda r, f: r(f), lambda r, f: r.forming_error(f)])
def test_there_is_no_weight_update_and_it_says_so(ask):
    factors, rule, _ = setting()
    with pytest.raises(TypeError, match="AdaSine has no weight update.*use response"):
        ask(rule, factors)
    with pytest.raises(TypeError, match="AdaSine has no weight update"):
        rk.sweep_frequency(N, R, omegas=[1.0], seeds=1, rule=lambda w: AdaSine(w, np.ones(N)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: AdaSine(0.0, np.ones(3)), "omega0 must be a number that is finite and > 0"),
        (lambda: AdaSine(1.0, np.ones((2, 3))), "W must be one finite row"),
        (lambda: AdaSine(1.0, np.array([np.nan])), "W must be one finite row"),
        (lambda: AdaSine(1.0, np.ones(3), gain=-1.0), "gain must be"),
        (lambda: setting()[1].frequency(np.ones(3)), "inputs must have shape"),
        (lambda: setting()[1].jacobian(setting()[0], np.ones((2, N))), "x must be one input"),
        (
            lambda: setting()[1].response(rk.initializers.Normal()(4, 5, 2), np.ones(N)),
            "factors must be one pair with n = 7",
        ),
    ],
)
def test_bad_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
