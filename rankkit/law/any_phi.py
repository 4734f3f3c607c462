"""phi(B A) of any elementwise rule with Gaussian entries: its part on each degree by quadrature in the angle.

By Funk and Hecke the part of degree l is the mean of phi(|b| |a| x) P_l(x) over the law of x = cos of the angle, P_l
being Gegenbauer's polynomial with P_l(1) = 1; an eigenvalue problem between the nodes of the lengths gives its singular
functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.checks import shown
from rankkit.factors import Array, Factors
from rankkit.law.entries import Entries
from rankkit.law.limits import check_phi
from rankkit.law.measures import Frequency, participation_of, plain_stable_rank
from rankkit.law.phase_space import Cells, lengths
from rankkit.law.radial import Part, Radial, harmonics
from rankkit.law.self_consistent import Equations, Path
from rankkit.law.splitting import Leverage, radial_leverage
from rankkit.law.staircase import Staircase
from rankkit.regime import regime_of
from rankkit.rules import Rule, Sine
from rankkit.rules.rule import Pointwise

__all__ = ["RuleFrequency", "elementwise", "frequency_of"]

LENGTHS = 90  # nodes of |b|, and of |a|
ANGLES = 400  # nodes of x: a degree is computed as long as they resolve it
DEGREES = 60
TINY = 1e-30  # of the largest square: what the parts leave out is so many functions of this size that they only add up
DEEPEST = 1e-8  # of the largest value: what an eigenvalue problem keeps of the kernel


@dataclass(frozen=True, eq=False)
class RuleFrequency(Frequency):
    """What the law says of rule(B, A) with Gaussian entries; `omega` is the one that the rule was made with.

    Attributes
    ----------
    rule : Rule
        Applies phi to every entry of B A.
    """

    rule: Rule

    @cached_property
    def radial(self) -> Radial:
        """The equations, no fewer rows than columns."""
        m, n = sorted((self.entries.m, self.entries.n), reverse=True)
        return _radial(self.rule, self.entries, m, n)

    @cached_property
    def staircase(self) -> Staircase:
        """The values lambda_k of all degrees."""
        values = np.concatenate([np.abs(part.x) for part in self.radial.parts])
        many = np.concatenate([np.full(part.x.size, part.multiplicity) for part in self.radial.parts])
        order = np.argsort(-values, kind="stable")
        tail = float(np.sum(self.radial.beyond.squares * self.radial.beyond.many))
        energy = float(np.sum(many * values**2)) + tail
        return Staircase(values[order], many[order], values.size, energy, tail)

    @property
    def name(self) -> str:
        """The rule's name and its argument."""
        return f"{self.rule.label}(B A)"

    def scale(self, gain: float | None) -> float:
        """Return sqrt(m n), by which values of S / sqrt(m n) become those of S; a rule has no gain."""
        return math.sqrt(self.entries.m * self.entries.n)

    @property
    def participation_ratio(self) -> float:
        """||S||_F^4 / ||S S^T||_F^2, from the predicted values."""
        return participation_of(self.values)

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is; a rule that does not oscillate has no plateau."""
        plain, shape = plain_stable_rank(self.entries), (self.entries.m, self.entries.n)
        return regime_of(self.stable_rank, plain, shape, saturates=self.rule.oscillates)

    def _leverage(self, t: float) -> Leverage:
        parts = ((part.multiplicity, part.U, part.x) for part in self.radial.parts)
        return radial_leverage(parts, self.radial.p, t)

    def _equations(self, least: float) -> Equations:
        return self.radial


def frequency_of(
    entries: Entries, omega: float, rule: Callable[[float], Rule] | None, path: Path | None = None
) -> Frequency:
    """Return what the law says of one frequency, of the sine (None) or of another rule.

    Raises
    ------
    TypeError
        If rule gives something that is no elementwise rule.
    ValueError
        If a rule other than the sine meets entries that are not Gaussian.
    """
    made = None if rule is None else elementwise(rule, omega)
    if made is None or (isinstance(made, Sine) and made.gain is None and made.omega == omega):
        return Frequency(entries, omega, path=path or Path())
    if not entries.gaussian:
        raise ValueError(
            "initializer must be Normal where rule is given: for other entries only the sine is predicted; pass "
            "initializer=Normal(std_B, std_A), or draw factors, which frequency_for_rank(factors=) measures under any "
            "rule."
        )
    check_phi(made, entries.std)
    return RuleFrequency(entries, omega, made, path=path or Path())


def elementwise(rule: Callable[[float], Rule], omega: float) -> Pointwise:
    """Return the rule that is made from a frequency.

    Raises
    ------
    TypeError
        If it is no elementwise rule.
    """
    made = rule(omega)
    if not isinstance(made, Pointwise):
        raise TypeError(
            f"rule must give an elementwise rule of rankkit.rules, got {shown(made)}; for instance rule=Sine."
        )
    return made


def _radial(rule: Rule, entries: Entries, m: int, n: int) -> Radial:
    r = entries.r
    rho, p = lengths(r, LENGTHS)
    x, weight = _angles(r)
    one, other = np.triu_indices(rho.size)  # phi sees |b| |a| alone
    t = entries.unit * rho[one] * rho[other]
    phi = np.empty((rho.size, rho.size, x.size))
    phi[one, other] = np.stack([_phi(rule, entries.m, t * at) for at in x], axis=-1)
    phi[other, one] = phi[one, other]
    degrees = range(DEGREES if r > 1 else 2)
    kernels = phi @ (weight * np.stack([_polynomial(degree, r, x) for degree in degrees])).T
    root = np.sqrt(p)
    parts: list[Part] = []
    top, rest = 0.0, phi**2 @ weight  # E phi^2 given both lengths, less what the parts hold
    for degree in degrees:
        kernel = root[:, None] * kernels[..., degree] * root
        values, U = np.linalg.eigh((kernel + kernel.T) / 2)
        top = max(top, float(np.max(np.abs(values))))
        kept = np.abs(values) > DEEPEST * top
        if not np.any(kept):
            continue
        part = Part(harmonics(r, degree), U[:, kept] / root[:, None], values[kept])
        rest -= part.multiplicity * ((part.U * part.x) @ part.U.T) ** 2
        parts.append(part)
    small = TINY * top**2
    beyond = Cells(np.full_like(rest, small), np.maximum(rest, 0.0) * np.outer(p, p) / small)
    return Radial(m, n, r, rho, p, parts, beyond)


def _phi(rule: Rule, rows: int, t: Array) -> Array:
    """Return the rule's phi of every t, as it is in an update with so many rows."""
    flat = t.reshape(-1)
    padded = np.zeros(-(-flat.size // rows) * rows)
    padded[: flat.size] = flat
    blocks = padded.reshape(rows, -1)
    return np.asarray(rule(Factors(blocks, np.eye(blocks.shape[1]))))[:, :].reshape(-1)[: flat.size].reshape(t.shape)


def _angles(r: int) -> tuple[Array, Array]:
    """Return nodes and probabilities of the cosine of the angle between two directions in r dimensions."""
    if r == 1:
        return np.array([-1.0, 1.0]), np.full(2, 0.5)
    if r == 2:
        return np.cos((2 * np.arange(ANGLES) + 1) * math.pi / (2 * ANGLES)), np.full(ANGLES, 1 / ANGLES)
    from scipy.special import roots_gegenbauer

    x, weight = roots_gegenbauer(ANGLES, r / 2 - 1)
    return x, weight / np.sum(weight)


def _polynomial(degree: int, r: int, x: Array) -> Array:
    """Return P_degree(x), which is 1 at x = 1."""
    before, here = np.ones_like(x), x
    if degree == 0:
        return before
    if r == 1:
        return x**degree
    for k in range(1, degree):  # Gegenbauer's recurrence, divided by the value at one
        before, here = here, ((2 * k + r - 2) * x * here - k * before) / (k + r - 2)
    return here
