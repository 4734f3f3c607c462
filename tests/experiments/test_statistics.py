"""The statistics against cases whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.grid.statistics import corrected_together, differences, holm, mean_interval


def test_holm_gives_the_values_that_r_gives():
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09])
    np.testing.assert_allclose(holm([0.5, 0.9, 0.001]), [1.0, 1.0, 0.003])


def test_two_methods_give_the_paired_t_test():
    luck = np.random.default_rng(0)
    a, b = luck.normal(size=(2, 6))
    [found] = differences({"a": a, "b": b}, [("a", "b")])
    wanted = stats.ttest_rel(a, b)
    low, high = wanted.confidence_interval(0.95)
    np.testing.assert_allclose(np.array([found.p, found.low, found.high]), np.array([wanted.pvalue, low, high], float))
    assert found.p_holm == found.p
    assert found.mean == pytest.approx(np.mean(a - b))


def test_the_interval_of_a_mean_is_students():
    values = [0.61, 0.64, 0.6, 0.63]
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose(np.array(mean_interval(values)), np.array([np.mean(values), low, high], float))
    assert np.isnan(mean_interval([0.5])[1])


def test_what_a_design_can_see_is_seen_four_times_in_five():
    luck = np.random.default_rng(1)
    scores = dict(zip("abc", luck.normal(size=(3, 5)), strict=True))
    found = differences(scores, [("a", "c"), ("b", "c")])[0]
    # the noise is estimated anew in every repetition, as it is in a real one
    error = found.detectable / _shift(degrees=8, level=0.025)
    sigma = error * np.sqrt(5 / 2)
    seen = []
    for _ in range(1000):
        table = luck.normal(scale=sigma, size=(3, 5))
        table[0] += found.detectable
        seen.append(differences(dict(zip("abc", table, strict=True)), [("a", "c")])[0].p < 0.025)
    assert np.mean(seen) == pytest.approx(0.8, abs=0.045)


def _shift(*, degrees, level):
    limit = stats.t.ppf(1 - level / 2, degrees)
    shifts = np.linspace(0, 10, 100_001)
    return shifts[np.searchsorted(stats.nct.sf(limit, degrees, shifts), 0.8)]


def test_intervals_cover_other_seeds_and_other_questions():
    """Noise by seed, by question, and by both: the interval holds the true difference, 0, as often as it says."""
    luck, held, seeds_only = np.random.default_rng(2), [], []
    for _ in range(400):
        hits = {}
        question = luck.normal(size=300)  # how hard a question is, the same for all methods
        for method in "abcd":
            own = 0.8 * luck.normal(size=300) + question  # how hard it is for this method
            seed = 0.1 * luck.normal(size=(4, 1))
            hits[method] = (own + seed + luck.normal(size=(4, 300)) > 0).astype(float)
        scores = {method: answers.mean(1) for method, answers in hits.items()}
        for kept, answers in ((held, hits), (seeds_only, None)):
            found = differences(scores, [("a", "b")], answers=answers)[0]
            kept.append(found.low <= 0 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99
    assert np.mean(seeds_only) < 0.9  # which is what the questions' share is for


def test_methods_that_never_differ_have_no_difference():
    same = np.array([0.5, 0.6, 0.7])
    answers = np.tile([[1.0, 0.0]], (3, 1))
    [found] = differences({"a": same, "b": same}, [("a", "b")], answers={"a": answers, "b": answers})
    assert (found.mean, found.p, found.detectable) == (0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="two seeds"):
        differences({"a": [0.5], "b": [0.6]}, [("a", "b")])


def test_tables_are_corrected_together():
    p = [0.01, 0.02, 0.03, 0.04, 0.05]
    tables = [pd.DataFrame({"p": p[:2], "p_holm": 0.0}), pd.DataFrame(), pd.DataFrame({"p": p[2:]})]
    one, empty, two = corrected_together(tables)
    assert [*one["p_holm"], *two["p_holm"]] == holm(p)
    assert empty.empty


def test_more_comparisons_see_less():
    scores = dict(zip("abc", np.random.default_rng(1).normal(size=(3, 5)), strict=True))
    [one] = differences(scores, [("a", "c")])
    [of_ten] = differences(scores, [("a", "c")], comparisons=10)
    assert of_ten.detectable > one.detectable
    assert (of_ten.low, of_ten.p) == (one.low, one.p)
