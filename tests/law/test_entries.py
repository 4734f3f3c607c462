"""Laws of entries, covariances and given factors: against the laws that are known, draws, and trained adapters."""

import json
import math

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import ndtri
from scipy.stats import laplace

import rankkit as rk
from rankkit.data import sample_adapter
from rankkit.law import EntryLaw

UNIFORM = EntryLaw.of_quantile(lambda u: 2 * u - 1, "uniform")
NORMAL = EntryLaw.of_quantile(ndtri, "normal")
LAPLACE = EntryLaw.of_quantile(laplace.ppf, "Laplace")
TOLERANCES = (1e-1, 1e-2, 1e-3, 3e-5)


def rank(omega, rtol, **about):
    return rk.predict_rank(omega, rtol=rtol, **about)


def trained(every=6):
    """Return some updates of the packaged adapter."""
    state = load_file(sample_adapter() / "adapter_model.safetensors")
    names = sorted(name for name in state if "lora_A" in name)[::every]
    return [
        rk.Factors(state[name.replace("lora_A", "lora_B")].astype(float), state[name].astype(float)) for name in names
    ]


def measured(factors, omega):
    return np.linalg.svd(np.sin(omega * factors.product()), compute_uv=False)


@pytest.mark.parametrize(("m", "n", "r"), [(200, 200, 1), (260, 200, 2), (200, 300, 4), (200, 200, 8)])
@pytest.mark.parametrize("deviations", [0.5, 3.0])
def test_uniform_entries_are_predicted_as_by_their_own_law(m, n, r, deviations):
    omega = deviations * 3 / r**0.5
    known = {"d": m, "n": n, "r": r, "initializer": rk.initializers.Uniform(1.0)}
    given = {"d": m, "n": n, "r": r, "entries": UNIFORM}
    for rtol in TOLERANCES:
        assert rank(omega, rtol, **given).value == pytest.approx(rank(omega, rtol, **known).value, abs=0.005 * m)
    stable = rk.predict_stable_rank(omega, **given)
    assert stable.value == pytest.approx(rk.predict_stable_rank(omega, **known).value, rel=1e-3)


@pytest.mark.parametrize(("m", "n", "r"), [(200, 200, 1), (260, 200, 2), (200, 300, 4), (200, 200, 8)])
@pytest.mark.parametrize("deviations", [0.5, 3.0])
def test_normal_entries_are_predicted_as_by_their_own_law(m, n, r, deviations):
    omega = deviations / r**0.5
    known = {"d": m, "n": n, "r": r, "initializer": rk.initializers.Normal(1.0, 1.0)}
    given = {"d": m, "n": n, "r": r, "entries": NORMAL}
    for rtol in TOLERANCES:
        assert rank(omega, rtol, **given).value == pytest.approx(rank(omega, rtol, **known).value, abs=0.02 * m)
    stable = rk.predict_stable_rank(omega, **given)
    assert stable.value == pytest.approx(rk.predict_stable_rank(omega, **known).value, rel=1e-3)


@pytest.mark.parametrize("omega", [60, 120, 300, 590])
def test_fast_columns_are_predicted_as_by_their_own_law(omega):
    """Nodes that are too far apart for the phase gave a stable rank of 13.8 in place of 16.5 at omega = 120."""
    there = rk.predict_stable_rank(omega, d=256, r=1, initializer=rk.initializers.Uniform(1.0)).value
    assert rk.predict_stable_rank(omega, d=256, r=1, entries=UNIFORM).value == pytest.approx(there, rel=0.01)


@pytest.mark.parametrize(
    ("m", "n", "r", "omega", "rtol"),
    [
        (300, 300, 2, 2.0, 1e-6),  # 246 in place of 140 when all products below a floor were white noise
        (300, 300, 2, 2.0, 1e-9),  # 293 in place of 161
        (250, 300, 3, 1.0, 1e-6),  # more products than are listed: 250 in place of 207, with an error of 1.2
        (205, 213, 4, 0.7, 3e-5),  # 202 in place of 187
    ],
)
def test_small_tolerances_do_not_count_faint_products_as_noise(m, n, r, omega, rtol):
    rng, ranks = np.random.default_rng(3), []
    for _ in range(4):
        sides = laplace.rvs(size=(m, r), random_state=rng), laplace.rvs(size=(r, n), random_state=rng)
        values = np.linalg.svd(np.sin(omega * sides[0] @ sides[1]), compute_uv=False)
        ranks.append(np.sum(values > rtol * values[0]))
    found = rank(omega, rtol, d=m, n=n, r=r, entries=LAPLACE)
    assert found.value == pytest.approx(np.mean(ranks), abs=0.05 * m)
    assert abs(found.value - np.mean(ranks)) <= found.error


def test_laws_without_a_largest_entry_keep_finite_nodes():
    assert np.all(np.isfinite(NORMAL.nodes(700)[0]))


def test_samples_stand_for_the_law_they_were_drawn_from():
    rng = np.random.default_rng(5)
    sampled = EntryLaw.of_samples(laplace.rvs(size=20_000, random_state=rng))
    for rtol in (1e-1, 1e-3):
        exact = rank(2.0, rtol, d=200, r=3, entries=LAPLACE)
        assert rank(2.0, rtol, d=200, r=3, entries=sampled).value == pytest.approx(exact.value, abs=2)


def test_a_covariance_of_equal_columns_is_the_known_law():
    C = 0.25 * np.eye(3)
    same = rk.predict_rank(3.0, d=150, r=3, rtol=1e-3, covariance=(C, C))
    assert same.value == rank(3.0, 1e-3, d=150, r=3, initializer=rk.initializers.Normal(0.5, 0.5)).value


def test_aligned_covariances_give_the_same_rank():
    rng = np.random.default_rng(3)
    C_B, C_A = (x @ x.T for x in rng.standard_normal((2, 3, 3)))
    M = rng.standard_normal((3, 3))
    inverse = np.linalg.inv(M)
    moved = M.T @ C_B @ M, inverse @ C_A @ inverse.T  # of the rows of B M and the columns of M^-1 A
    there = {"d": 150, "n": 200, "r": 3}
    for rtol in (1e-1, 1e-4):
        here = rank(1.0, rtol, covariance=(C_B, C_A), **there).value
        assert rank(1.0, rtol, covariance=moved, **there).value == pytest.approx(here, abs=0.05)


def test_the_roles_of_B_and_A_can_be_exchanged():
    one = {"d": 260, "n": 180, "r": 2, "entries": (LAPLACE, UNIFORM)}
    other = {"d": 180, "n": 260, "r": 2, "entries": (UNIFORM, LAPLACE)}
    for rtol in (1e-1, 1e-3):
        assert rank(4.0, rtol, **one).value == pytest.approx(rank(4.0, rtol, **other).value, abs=0.05)


def test_a_larger_scale_is_a_larger_frequency():
    wide = EntryLaw.of_quantile(lambda u: 3 * laplace.ppf(u))
    narrow = rank(6.0, 1e-2, d=150, r=2, entries=(LAPLACE, UNIFORM))
    assert rank(2.0, 1e-2, d=150, r=2, entries=(wide, UNIFORM)).value == pytest.approx(narrow.value, abs=1e-6)


DRAWN = {
    "Laplace": (LAPLACE, LAPLACE),
    "two laws": (UNIFORM, LAPLACE),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("deviations", "r"), [(0.4, 4), (2.0, 2), (8.0, 4)])
def test_draws_agree_within_the_stated_error(name, deviations, r):
    entries = DRAWN[name]
    omega = deviations / (entries[0].std * entries[1].std * r**0.5)
    rng = np.random.default_rng(5)
    drawn: list[np.ndarray] = []
    for _ in range(8):
        sides = [
            law.size(np.abs(u)) * np.sign(u) for law, u in zip(entries, rng.uniform(-1, 1, (2, 200, r)), strict=True)
        ]
        drawn.append(np.linalg.svd(np.sin(omega * sides[0] @ sides[1].T), compute_uv=False))
    for rtol in (1e-1, 1e-2, 1e-3):
        found = rank(omega, rtol, d=200, r=r, entries=entries)
        assert abs(found.value - np.mean([np.sum(s > rtol * s[0]) for s in drawn])) <= found.error_of(8)
    stable = rk.predict_stable_rank(omega, d=200, r=r, entries=entries)
    assert abs(stable.value - np.mean([np.sum(s**2) / s[0] ** 2 for s in drawn])) <= stable.error_of(8)


def test_correlated_columns_agree_with_draws():
    C = np.array([[4.0, 1.9], [1.9, 1.0]])  # nearly one direction
    root, rng = np.linalg.cholesky(C), np.random.default_rng(2)
    drawn = [
        np.linalg.svd(
            np.sin(1.5 * rng.standard_normal((200, 2)) @ root.T @ rng.standard_normal((2, 200))), compute_uv=False
        )
        for _ in range(4)
    ]
    for rtol in (1e-1, 1e-3):
        found = rank(1.5, rtol, d=200, r=2, covariance=(C, np.eye(2)))
        mean = np.mean([np.sum(s > rtol * s[0]) for s in drawn])
        assert abs(found.value - mean) <= found.error
        apart = rank(1.5, rtol, d=200, r=2, covariance=(np.diag(np.diag(C)), np.eye(2)))
        assert abs(apart.value - mean) > apart.error  # without the correlation it is wrong


@pytest.mark.parametrize("deviations", [0.5, 3.0, 10.0, 30.0])
def test_trained_factors_have_the_predicted_stable_rank(deviations):
    for factors in trained():
        omega = deviations / float(factors.entry_std())
        values = measured(factors, omega)
        exact = np.sum(values**2) / values[0] ** 2
        found = rk.predict_stable_rank(omega, factors=factors)
        assert found.value == pytest.approx(exact, rel=0.15)
        assert abs(found.value - exact) <= found.error
        assert found.scatter == 0


@pytest.mark.parametrize("deviations", [1.0, 5.0, 14.0])
def test_trained_factors_have_the_predicted_rank(deviations):
    for factors in trained(every=8):
        omega = deviations / float(factors.entry_std())
        values = measured(factors, omega)
        for rtol in (1e-1, 1e-3):
            found = rank(omega, rtol, factors=factors)
            assert abs(found.value - np.sum(values > rtol * values[0])) <= found.error


def test_factors_that_make_the_same_update_have_the_same_prediction():
    factors = trained(every=24)[0]
    M = np.random.default_rng(1).standard_normal((factors.r, factors.r))
    moved = rk.Factors(factors.B @ M, np.linalg.solve(M, factors.A))
    omega = 3 / float(factors.entry_std())
    half = rk.Factors(2 * factors.B, factors.A)
    for predicted in (rk.predict_stable_rank, rk.predict_rank):
        here = predicted(omega, factors=factors).value
        assert predicted(omega, factors=moved).value == pytest.approx(here, rel=1e-4)
        assert predicted(omega / 2, factors=half).value == pytest.approx(here, rel=1e-9)


def test_rows_that_are_large_together_are_seen():
    """The same columns with their entries shuffled have another stable rank, which the prediction follows."""
    factors = trained(every=24)[0]
    rng = np.random.default_rng(4)
    joint = rk.Factors(factors.B * np.exp(rng.standard_normal((factors.m, 1))), factors.A)
    shuffled = rk.Factors(rng.permuted(joint.B, axis=0), joint.A)
    ranks: list[float] = []
    for one in (joint, shuffled):
        omega = 10 / float(joint.entry_std())
        values = measured(one, omega)
        exact = np.sum(values**2) / values[0] ** 2
        assert rk.predict_stable_rank(omega, factors=one).value == pytest.approx(exact, rel=0.15)
        ranks.append(float(exact))
    assert abs(ranks[0] / ranks[1] - 1) > 0.15


def test_rows_that_are_large_together_are_counted():
    """Rows of very different lengths make fewer values than independent columns of the same entries."""
    rng = np.random.default_rng(4)
    B = rng.standard_normal((400, 4)) * np.exp(rng.standard_normal((400, 1)))
    joint = rk.Factors(B, rng.standard_normal((4, 400)))
    shuffled = rk.Factors(rng.permuted(B, axis=0), joint.A)
    ranks: list[float] = []
    for one in (joint, shuffled):
        omega = 3 / float(joint.entry_std())
        values = measured(one, omega)
        ranks.append(float(np.sum(values > 1e-2 * values[0])))
        found = rank(omega, 1e-2, factors=one)
        assert found.value == pytest.approx(ranks[-1], abs=0.02 * 400)
        assert abs(found.value - ranks[-1]) <= found.error
    assert ranks[1] - ranks[0] > 0.03 * 400


def test_a_curve_of_given_factors():
    factors = trained(every=24)[0]
    std = float(factors.entry_std())
    curve = rk.predict_curve([0.01 / std, 1 / std, 100 / std], factors=factors).columns
    assert curve["omega_std"] == pytest.approx([0.01, 1, 100], rel=0.02)
    assert [curve["regime"][0], curve["regime"][2]] == ["linear", "saturated"]
    assert all(math.isnan(c) for c in curve["c"])
    with pytest.raises(ValueError, match="measure must be one of numerical_rank, stable_rank for given factors"):
        rk.predict_curve([1.0], factors=factors, measures=["effective_rank"])


def test_real_adapters_have_the_predicted_stable_rank(adapters):
    """Adapters on which the prediction itself, which has no constant, was not made."""
    folder = adapters / "peft-roberta-mrpc-two-checkpoints"
    file = sorted(folder.rglob("*.safetensors"))[0]
    state = load_file(file)
    names = sorted(name for name in state if "lora_A" in name)[::12]
    assert names
    assert json.loads((file.parent / "adapter_config.json").read_text())["peft_type"] == "LORA"
    for name in names:
        factors = rk.Factors(state[name.replace("lora_A", "lora_B")].astype(float), state[name].astype(float))
        for deviations in (1.0, 10.0):
            omega = deviations / float(factors.entry_std())
            values = measured(factors, omega)
            found = rk.predict_stable_rank(omega, factors=factors)
            assert found.value == pytest.approx(np.sum(values**2) / values[0] ** 2, rel=0.15)


SMALL = rk.initializers.KaimingUniform()(32, 32, 2, seed=0)
REFUSED = [
    ({"factors": SMALL}, "at least 64 rows and columns"),
    ({"factors": SMALL, "d": 32}, "give factors alone"),
    ({"factors": rk.Factors(np.ones((100, 1)), np.ones((1, 100)))}, "product that is not constant"),
    ({}, "d and r must be given"),
    (
        {"d": 64, "r": 2, "entries": UNIFORM, "initializer": rk.initializers.Uniform(1.0)},
        "give initializer, or entries and covariance, not both",
    ),
    ({"d": 64, "r": 2, "covariance": (np.eye(3), np.eye(2))}, r"shape \(2, 2\)"),
    ({"d": 64, "r": 2, "covariance": (-np.eye(2), np.eye(2))}, "symmetric and positive"),
    ({"d": 64, "r": 2, "covariance": (np.ones((2, 2)), np.eye(2)), "entries": UNIFORM}, "must be diagonal"),
    ({"d": 64, "r": 2, "covariance": (np.zeros((2, 2)), np.eye(2))}, "some entries that are not zero"),
]


@pytest.mark.parametrize(("how", "message"), REFUSED)
def test_what_cannot_be_predicted_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        rk.predict_rank(10.0, **how)


def test_entries_that_are_no_law_are_refused():
    with pytest.raises(TypeError, match=r"must be a law\.EntryLaw"):
        rk.predict_rank(10.0, d=64, r=2, entries="uniform")  # pyright: ignore[reportArgumentType]


def test_a_rank_is_unavailable_where_the_law_does_not_hold():
    signs = EntryLaw.of_quantile(lambda u: np.where(u < 0.5, -1.0, 1.0))
    with pytest.raises(ValueError, match="entries that take some values often"):
        rk.predict_rank(1.0, d=64, r=2, entries=signs)
    cauchy = EntryLaw.of_quantile(lambda u: -1 / np.tan(np.pi * u))
    with pytest.raises(ValueError, match="times as large as most"):
        rk.predict_rank(0.1, d=64, r=2, entries=cauchy)
    with pytest.raises(ValueError, match="omega must be at most"):
        rk.predict_rank(3e3, d=4096, r=1, entries=UNIFORM)


@pytest.mark.parametrize(
    ("quantile", "message"),
    [(lambda u: u, "symmetric"), (lambda u: 0 * u, "not zero"), (lambda u: 1 - 2 * u, "do not fall"), (lambda u: np.inf * u, "finite")],
)  # fmt: skip
def test_a_quantile_function_of_no_symmetric_law_is_refused(quantile, message):
    with pytest.raises(ValueError, match=message):
        EntryLaw.of_quantile(quantile)


def test_samples_that_make_no_law_are_refused():
    with pytest.raises(ValueError, match="at least 8"):
        EntryLaw.of_samples([1.0, 2.0])
