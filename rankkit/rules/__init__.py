"""Rules: how a pair of factors becomes the update that is applied."""

from __future__ import annotations

from rankkit.rules.activation import Activation
from rankkit.rules.adasine import AdaSine
from rankkit.rules.elementwise import Elementwise, Linear, Sine, Sinter
from rankkit.rules.grids import chebyshev_grid, random_grid, uniform_grid
from rankkit.rules.learned import (
    BSplineBasis,
    FourierBasis,
    GaussianBasis,
    PolynomialBasis,
    SincBasis,
)
from rankkit.rules.rule import Rule

__all__ = [
    "RULES",
    "Activation",
    "AdaSine",
    "BSplineBasis",
    "Elementwise",
    "FourierBasis",
    "GaussianBasis",
    "Linear",
    "PolynomialBasis",
    "Rule",
    "SincBasis",
    "Sine",
    "Sinter",
    "chebyshev_grid",
    "random_grid",
    "uniform_grid",
]

RULES: dict[str, type[Rule]] = {
    "linear": Linear,
    "sine": Sine,
    "sinter": Sinter,
    "activation": Activation,
    "elementwise": Elementwise,
    "sinc_basis": SincBasis,
    "gaussian_basis": GaussianBasis,
    "bspline_basis": BSplineBasis,
    "fourier_basis": FourierBasis,
    "polynomial_basis": PolynomialBasis,
    "adasine": AdaSine,
}
