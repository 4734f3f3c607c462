"""Draws that predictions are held against."""

import numpy as np

import rankkit as rk

KAIMING, NORMAL = rk.initializers.KaimingUniform(), rk.initializers.Normal(0.3, 0.2)


def sine_spectra(omega, m, n, r, law, seeds=6):
    """Return the singular values of sin(omega B A) of fresh draws."""
    return [
        np.linalg.svd(np.sin(omega * law(m, n, r, seed=s).product()), compute_uv=False) for s in range(100, 100 + seeds)
    ]
