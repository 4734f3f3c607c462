"""Counts with thresholds at the edge of the error and the worst rounding injected: no wrong integer."""

import numpy as np

from tests.solvers.worst_counts import case_of, counted


def counted_wrongly(cases, share):
    """Return how many counts are wrong of matrices whose Gram matrix is moved by a share of its error."""
    rng, wrong, tried = np.random.default_rng(1), 0, 0
    while tried < cases:
        case = case_of(rng)
        if case.sure:
            found, tried = counted(case, int(rng.choice([-1, 1])), share=share), tried + 1
            wrong += not found.lower <= case.truth <= found.upper
    return wrong


def test_no_wrong_count_with_a_gram_matrix_that_is_off_by_all_it_may_be():
    """`python -m tests.solvers.worst_counts` tries 10,000. A matrix that is off by far more is counted wrongly."""
    assert counted_wrongly(200, 0.99) == 0
    assert counted_wrongly(100, 30.0) > 0
