"""The functions k(t) of the learned bases by name, for numpy arrays and torch tensors, also to differentiate."""

from __future__ import annotations

from collections.abc import Callable

from rankkit.factors import Array
from rankkit.rules.learned import BSplineBasis, FourierBasis, GaussianBasis, SincBasis

__all__ = ["KERNELS"]


def _cube(t: Array) -> Array:
    """Return (1 + t)^3, the polynomial basis at t = omega x."""
    return (1 + t) ** 3


KERNELS: dict[str, Callable[[Array], Array]] = {
    "sinc": SincBasis._kernel,  # pyright: ignore[reportPrivateUsage] - the formula's one home
    "gaussian": GaussianBasis._kernel,  # pyright: ignore[reportPrivateUsage]
    "bspline": BSplineBasis._kernel,  # pyright: ignore[reportPrivateUsage]
    "fourier": FourierBasis._kernel,  # pyright: ignore[reportPrivateUsage]
    "polynomial": _cube,
}
