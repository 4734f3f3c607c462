"""Hypothesis strategies the tests share."""

import numpy as np
from hypothesis import strategies as st

import rankkit as rk

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


@st.composite
def factors(draw, max_size=12, max_rank=5):
    """Random factors of any small shape, r above min(m, n) included, with columns of very different lengths."""
    m, n, r = draw(st.integers(1, max_size)), draw(st.integers(1, max_size)), draw(st.integers(1, max_rank))
    rng = np.random.default_rng(draw(seeds))
    spread = draw(st.sampled_from([0.0, 1.0, 3.0]))
    lengths = 10 ** rng.uniform(-spread, spread, r)
    return rk.Factors(rng.standard_normal((m, r)) * lengths, rng.standard_normal((r, n)))


@st.composite
def matrices(draw, max_size=12):
    """Random dense matrices, low rank and full, well and badly conditioned."""
    m, n = draw(st.integers(1, max_size)), draw(st.integers(1, max_size))
    rng = np.random.default_rng(draw(seeds))
    decades = draw(st.sampled_from([0, 2, 8]))
    scales = 10.0 ** -np.linspace(0, decades, n)
    return rng.standard_normal((m, n)) * scales


def orthogonal(seed, size):
    """Return a random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
