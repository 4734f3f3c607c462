"""Intruder dimensions: leading singular vectors of an adapted weight that the weight before did not have."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["count_intruders"]

SIMILAR = 0.5  # cosine from which a singular vector counts as one the base already had (Shuttleworth et al. 2024)


def count_intruders(W: Any, adapted: Any, k: int) -> int:
    """Return how many of the k leading left singular vectors of `adapted` have no cosine >= 0.5 with any of W's.

    These are the intruder dimensions of Shuttleworth et al. (arXiv 2410.21228).

    Parameters
    ----------
    W, adapted : array, shape (m, n)
        The weight before and after the update is added.
    k : int
        How many singular vectors to look at, >= 1.

    Examples
    --------
    >>> W = np.diag([5.0, 4.0, 3.0, 2.0, 1.0])
    >>> count_intruders(W, W + 9.0, 1)
    1
    """
    k = min(k, *W.shape)
    leading, old = (np.linalg.svd(x, full_matrices=False).U for x in (adapted, W))
    return int(np.sum(np.max(np.abs(old.T @ leading[:, :k]), axis=0) < SIMILAR))
