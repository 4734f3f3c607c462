"""phi(B A) of any elementwise rule with Gaussian entries: its part on each degree by quadrature in the angle.

By Funk and Hecke the part of degree l is the mean of phi(|b| |a| x) P_l(x) over the law of x = cos of the angle, P_l
being Gegenbauer's polynomial with P_l(1) = 1; an eigenvalue problem between the nodes of the lengths gives its singular
functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from rankkit.checks import shown
from rankkit.factors import Array, Factors
from rankkit.law.finite.parts import Part
from rankkit.law.finite.phase_space import Cells, lengths
from rankkit.law.finite.radial import Radial, harmonics
from rankkit.law.finite.self_consistent import Equations, Path
from rankkit.law.finite.splitting import Leverage, radial_leverage
from rankkit.law.limit.entries import Entries
from rankkit.law.limit.staircase import Staircase
from rankkit.law.measures import Frequency, participation_of, plain_stable_rank
from rankkit.law.ranges import check_phi
from rankkit.regime import regime_of
from rankkit.rules import Rule, Sine
from rankkit.rules.rule import Pointwise

__all__ = ["RuleFrequency", "elementwise", "frequency_of", "is_sine", "phi_at"]

LENGTHS = 90  # nodes of |b|, and of |a|
ANGLES = 400  # nodes of x: a degree is computed as long as they resolve it
DEGREES = 60
TINY = 1e-30  # of the largest square: what the parts leave out is so many functions of this size that they only add up
DEEPEST = 1e-8  # of the largest value: what an eigenvalue problem keeps of the kernel
UNSEEN = 1e-12  # of the largest value: lengths that a degree sees no better have no part in its eigenvalue problem
PAIRS = 100  # of lengths at once, whose phi stays in the processor's cache
COLUMNS = 20  # of an update that phi is taken of at once: more cost work, fewer cost calls


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

    def _many(self) -> None:
        return None


def frequency_of(
    entries: Entries, omega: float, rule: Callable[[float], Rule] | None, path: Path | None = None
) -> Frequency:
    """Return what the law says of one frequency, of the sine (None), or of another rule with Gaussian entries.

    Raises
    ------
    TypeError
        If rule gives something that is no elementwise rule.
    ValueError
        If its numbers are too large or too small.
    """
    made = None if rule is None else elementwise(rule, omega)
    if made is None or is_sine(made, omega):
        return Frequency(entries, omega, path=path or Path())
    check_phi(made, entries.std)
    return RuleFrequency(entries, omega, made, path=path or Path())


def is_sine(rule: Rule, omega: float) -> bool:
    """Return whether a rule is sin(omega x) over its usual gain."""
    return isinstance(rule, Sine) and rule.gain is None and rule.omega == omega


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
    sphere = _sphere(r)
    kernels, rest = _kernels(rule, entries, rho, sphere)
    root = np.sqrt(p)
    kernels *= np.outer(root, root)
    parts: list[Part] = []
    top = 0.0
    for degree, kernel in enumerate(kernels):
        seen = np.linalg.norm(kernel, axis=1)
        shown = seen > UNSEEN * max(top, float(np.max(seen)))
        if np.linalg.norm(seen) <= DEEPEST * top:
            continue
        values, U = np.linalg.eigh(kernel[np.ix_(shown, shown)])
        top = max(top, float(np.max(np.abs(values))))
        kept = np.abs(values) > DEEPEST * top
        functions = np.zeros((rho.size, int(np.sum(kept))))
        functions[shown] = U[:, kept] / root[shown, None]
        part = Part(harmonics(r, degree), functions, values[kept])
        rest -= part.multiplicity * ((part.U * part.x) @ part.U.T) ** 2
        parts.append(part)
    small = TINY * top**2
    beyond = Cells(np.full_like(rest, small), np.maximum(rest, 0.0) * np.outer(p, p) / small)
    return Radial(m, n, r, rho, p, parts, beyond)


def _kernels(rule: Rule, entries: Entries, rho: Array, sphere: Sphere) -> tuple[Array, Array]:
    """Return the mean of phi(|b| |a| x) P_l(x), shape (degrees, nodes, nodes), and of phi^2, shape (nodes, nodes).

    Lengths are taken in pairs, as phi sees their product alone, and a cosine with its negative, of which every P_l is
    an even or an odd function.
    """
    one, other = np.triu_indices(rho.size)
    products = entries.unit * rho[one] * rho[other]
    sides = [sphere.weight * sphere.polynomials[parity::2] for parity in (0, 1)]
    found, energy = np.empty((len(sphere.polynomials), one.size)), np.empty(one.size)
    for start in range(0, one.size, PAIRS):
        some = slice(start, start + PAIRS)
        t = np.outer(products[some], sphere.x)
        ahead, behind = phi_at(rule, entries.m, t), phi_at(rule, entries.m, -t)
        energy[some] = (ahead**2 + behind**2) @ sphere.weight
        found[0::2, some] = sides[0] @ (ahead + behind).T
        found[1::2, some] = sides[1] @ (ahead - behind).T
    kernels, rest = np.empty((len(found), rho.size, rho.size)), np.empty((rho.size, rho.size))
    for whole, half in ((kernels, found), (rest, energy)):
        whole[..., one, other] = whole[..., other, one] = half
    return kernels, rest


def phi_at(rule: Rule, rows: int, t: Array) -> Array:
    """Return the rule's phi of every t, as it is in an update with so many rows."""
    flat: Array = t.reshape(-1)
    found: Array = np.empty(flat.size)
    for start in range(0, flat.size, rows * COLUMNS):
        some = flat[start : start + rows * COLUMNS]
        padded = np.zeros(-(-some.size // rows) * rows)
        padded[: some.size] = some
        blocks = padded.reshape(rows, -1)
        phi = np.asarray(rule(Factors(blocks, np.eye(blocks.shape[1]))))[:, :]
        found[start : start + some.size] = phi.reshape(-1)[: some.size]
    return found.reshape(t.shape)


class Sphere(NamedTuple):
    """The cosine of the angle between two directions: a quadrature, and polynomials.

    Attributes
    ----------
    x, weight : float arrays, shape (angles,)
        Positive nodes and their probabilities; each stands for its negative, too, which is as probable.
    polynomials : float array, shape (degrees, angles)
        P_l(x), which are 1 at x = 1.
    """

    x: Array
    weight: Array
    polynomials: Array


@lru_cache(maxsize=16)
def _sphere(r: int) -> Sphere:
    if r == 1:
        return Sphere(np.ones(1), np.full(1, 0.5), np.ones((2, 1)))
    if r == 2:
        x, weight = np.cos((2 * np.arange(ANGLES) + 1) * math.pi / (2 * ANGLES)), np.full(ANGLES, 1 / ANGLES)
    else:
        from scipy.special import roots_gegenbauer

        x, weight = roots_gegenbauer(ANGLES, r / 2 - 1)
        weight = weight / np.sum(weight)
    ahead = x > 0
    x = x[ahead]
    polynomials = [np.ones_like(x), x]
    for k in range(1, DEGREES - 1):  # Gegenbauer's recurrence, divided by the value at one
        polynomials.append(((2 * k + r - 2) * x * polynomials[k] - k * polynomials[k - 1]) / (k + r - 2))
    return Sphere(x, weight[ahead], np.stack(polynomials))
