"""How many planted falsehoods the engines prove: none may be. Each is a true statement, false by one part in a million.

    python benchmarks/planted_falsehoods.py --count 1000

Families of statements that are attained with equality, some for each engine, each with as many constants as are asked
for. The true form is tried too, so that an engine that proves nothing at all is seen.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.claims import Claim, Domain, Integer, Matrix, Real
from rankkit.claims.proofs import prove

PART = Fraction(1, 10**6)
UNIT = Real(-1.0, 1.0)
Margin = Callable[[Any, Any, Any, Any], Any]  # variables, arithmetic, the family's constant, what is planted
FAMILIES: dict[str, tuple[Domain, Margin]] = {
    "a square": (Domain(x=Real(-4.0, 4.0)), lambda v, a, c, e: a.square(v.x - c) - e),
    "sine below its argument": (Domain(x=Real(0.0, 1.0)), lambda v, a, c, e: v.x * (1 - e) - a.sin(c * v.x) / c),
    "a bounded sine": (Domain(x=Real(0.0, 10.0)), lambda v, a, c, e: 1 - e - a.sin(c * v.x)),
    "Cauchy and Schwarz": (
        Domain(p=UNIT, q=UNIT, r=UNIT, s=UNIT),
        lambda v, a, c, e: (
            (c * v.p * v.p + v.q * v.q) * (c * v.r * v.r + v.s * v.s) - a.square(c * v.p * v.r + v.q * v.s) * (1 + e)
        ),
    ),
    "rank one": (
        Domain(U=Matrix(2, 1, UNIT), V=Matrix(2, 1, UNIT)),
        lambda v, a, c, e: 1 - a.rank(c * (v.U @ v.V.T) + e * np.eye(2, dtype=int)),
    ),
    "two norms": (
        Domain(X=Matrix(2, 2, UNIT)),
        lambda v, a, c, e: c * (2 * (1 - e) * a.square(a.spectral_norm(v.X)) - a.square(v.X).sum()),
    ),
    "the exponential": (Domain(x=UNIT), lambda v, a, c, e: a.exp(c * v.x) - 1 - c * v.x - e),
    "a count": (Domain(k=Integer(-5, 5)), lambda v, a, c, e: c * v.k * v.k - e),
    "sinc": (Domain(x=Real(0.0, 3.0)), lambda v, a, c, e: 1 - e - a.absolute(a.sinc(c * v.x))),
    "a root": (Domain(x=Real(0.0, 4.0)), lambda v, a, c, e: (v.x + c * c) / 2 * (1 - e) - c * a.sqrt(v.x)),
    "six squares": (
        Domain(X=Matrix(2, 3, UNIT)),
        lambda v, a, c, e: (
            a.square(v.X[0]).sum() * a.square(v.X[1]).sum() * c - c * (1 + e) * a.square((v.X[0] * v.X[1]).sum())
        ),
    ),
    "three exponentials": (
        Domain(x=UNIT, y=UNIT, z=UNIT),
        lambda v, a, c, e: (a.exp(c * v.x) - c * v.x) * (a.exp(v.y) - v.y) + a.square(v.z) - a.cos(c * v.z) * e - 1,
    ),
    "a fifth order": (
        Domain(x=Real(0.0, 1.0)),
        lambda v, a, c, e: c * v.x * (1 - e) - c**3 * v.x**3 / 6 + c**5 * v.x**5 / 120 - a.sin(c * v.x),
    ),
    "sizes without an end": (
        Domain(k=Integer(9, 10**5)),
        lambda v, a, c, e: c * a.sqrt(a.of(v.k)) * (1 - e) - 3 * c,
    ),
    "scaled norms": (
        Domain(X=Matrix(2, 2, UNIT), t=Real(0.0, 2.0)),
        lambda v, a, c, e: c * v.t * a.spectral_norm(v.X) * (1 - e) - c * a.singular_values(v.t * v.X)[0],
    ),
    "a rank and its energy": (
        Domain(X=Matrix(2, 2, UNIT)),
        lambda v, a, c, e: c * (a.rank(v.X) * a.square(a.spectral_norm(v.X)) * (1 - e) - a.square(v.X).sum()),
    ),
}
INDUCTION = {"sizes without an end": "k"}


def planted(count: int, part: Fraction = PART) -> Iterator[Claim]:
    """Yield so many claims, of every family in turn; with part = 0 they are true.

    Parameters
    ----------
    count : int
        Of all families together.
    part : Fraction
        What makes them false.
    """
    for place in range(count):
        name = list(FAMILIES)[place % len(FAMILIES)]
        domain, margin = FAMILIES[name]
        constant = Fraction(place // len(FAMILIES) + 1, 1 + count // len(FAMILIES)) + Fraction(1, 2)
        yield Claim(
            f"{name} {constant}", f"{name}, {constant}", domain=domain,
            margin=lambda v, a, m=margin, c=constant: m(v, a, a.of(c), a.of(part)), induction=INDUCTION.get(name, ""),
        )  # fmt: skip


def main() -> int:
    """Print what was proved; status 1 if a falsehood was, or less than half of what is true."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many falsehoods (default: 1000)")
    count, begun = parser.parse_args().count, time.process_time()
    wrong = [claim.id for claim in planted(count) if prove(claim).proof]
    right = sum(prove(claim).proof is not None for claim in planted(len(FAMILIES), Fraction(0)))
    print(f"{len(wrong)} of {count} falsehoods proved; {right} of {len(FAMILIES)} true forms proved; "
          f"{time.process_time() - begun:.0f} s on the processor")  # fmt: skip
    print(*wrong, sep="\n")
    return int(bool(wrong) or 2 * right < len(FAMILIES))


if __name__ == "__main__":
    sys.exit(main())
