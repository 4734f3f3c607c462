"""Rule: the one abstract step of the spine, from Factors to an update."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from inspect import Parameter, signature
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.checks import shown
from rankkit.factors import Array, Factors

__all__ = ["UNIT_ROUNDOFF", "Pointwise", "Rule", "check_dtype", "check_maker"]

BLOCK = 1 << 22  # entries of an update that are formed at once: 32 MiB in float64

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}

CASTING = 3  # roundings beside the r of a scalar product: a cast of B, a cast of A, and room for second-order terms
EVALUATING = 6  # roundings of phi(x) and of storing it: a product inside, a library function, a product outside, room


class Rule(ABC):
    """How B and A become the update.

    A rule that stays low rank returns Factors, and every other rule returns an array. Stored factors are exact,
    whatever their dtype. `dtype` is the working precision to which they are promoted before anything is multiplied.
    """

    @abstractmethod
    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Factors | Array:
        """Return the update.

        Parameters
        ----------
        factors : Factors
            One pair, or a batch of pairs.
        dtype : {"float64", "float32"}
            The working precision.

        Returns
        -------
        Factors or array, shape (*batch, m, n)
            Factors where the update stays low rank, else an array in the working precision.

        Raises
        ------
        TypeError
            If the rule has no weight update.
        ValueError
            If dtype is no working precision.
        """

    @abstractmethod
    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return an upper bound on the Frobenius norm of what rounding did to the update.

        Parameters
        ----------
        factors : Factors
            One pair, or a batch of pairs.
        dtype : {"float64", "float32"}
            The working precision.

        Returns
        -------
        array, shape (*batch,)

        Raises
        ------
        TypeError
            If the rule has no weight update.
        ValueError
            If dtype is no working precision.
        """

    @property
    def linear(self) -> bool:
        """Whether the update is a multiple of B A for every pair of factors, as in plain LoRA.

        Code that can keep a product as Factors asks for this property and for no class of rules.
        """
        return False

    @property
    def angular_frequency(self) -> float:
        """The factor omega by which phi multiplies the entries of B A first, in radians per unit of B A.

        omega times the standard deviation of the entries of B A is the column `omega_std` of a table. NaN for a rule
        without such a factor. AdaSine has one frequency per input instead: see its method `frequency`.
        """
        return math.nan

    @property
    def oscillates(self) -> bool:
        """Whether phi oscillates with the angular frequency, so that the update lies on the frequency-rank curve.

        True for the sine and for Sinter. An activation such as tanh(omega x) has an angular frequency and does not
        oscillate.
        """
        return False

    @property
    def label(self) -> str:
        """The short name of the rule in tables: its class name in lower case."""
        return type(self).__name__.lower()


def check_dtype(dtype: str) -> str:
    """Return dtype unchanged if it is a working precision.

    Parameters
    ----------
    dtype : {"float64", "float32"}

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is another one.
    """
    if dtype not in UNIT_ROUNDOFF:
        raise ValueError(
            f"dtype must be one of {sorted(UNIT_ROUNDOFF)}, got {dtype!r}; factors of any dtype promote to it."
        )
    return dtype


def check_maker(rule: object) -> None:
    """Raise unless an argument can be called with omega to make a rule.

    Parameters
    ----------
    rule : object
        What the user gave. A rule itself can be called, too, but with factors.

    Raises
    ------
    TypeError
        If it is a rule, nothing that can be called, or a class that would take omega for another argument.
    """
    advice = "pass rankkit.rules.Sine or, for instance, lambda omega: rankkit.rules.Activation('tanh', omega=omega)"
    if isinstance(rule, Rule) or not callable(rule):
        got = f"the rule {shown(rule)}" if isinstance(rule, Rule) else shown(rule)
        raise TypeError(f"rule must make a rule from omega, got {got}; {advice}.")
    if isinstance(rule, type) and issubclass(rule, Rule):
        _check_first(rule)


def _check_first(rule: type[Rule]) -> None:
    """Raise a TypeError unless a class makes a rule of one argument, which is omega if it has an omega."""
    arguments = signature(rule).parameters
    needed = [name for name, argument in arguments.items() if argument.default is Parameter.empty]
    if arguments and len(needed) <= 1 and ("omega" not in arguments or next(iter(arguments)) == "omega"):
        return
    call = ", ".join([name for name in needed if name != "omega"] + ["omega=omega"] * ("omega" in arguments))
    raise TypeError(
        f"rule must make a rule from omega, got the class {rule.__name__}, whose first argument is "
        f"{next(iter(arguments), 'none')}; pass lambda omega: {rule.__name__}({call})."
    )


class Pointwise(Rule):
    """A rule that applies one function phi to every entry of B A, formed in the working dtype."""

    @abstractmethod
    def _phi(self, x: Array, *, rows: int) -> Array:
        """Return phi at every entry of x, which are entries of products with `rows` rows."""

    @abstractmethod
    def _slope(self, peak: Any, *, rows: int) -> Any:
        """Return a Lipschitz constant of phi on [-peak, peak]."""

    def _at_zero(self) -> float:
        """Return |phi(0)|."""
        return 0.0

    def __call__(self, factors: Factors, *, dtype: str = "float64") -> Array:
        """Return phi(B A), shape (*batch, m, n), in the working dtype; arguments as for `Rule`."""
        check_dtype(dtype)
        if not isinstance(factors, Factors):  # pyright: ignore[reportUnnecessaryIsInstance]
            got = type(factors).__name__
            raise TypeError(
                f"a rule takes rankkit.Factors(B, A), got {got}; where a function omega -> rule is asked for, pass the "
                f"class, as in rule=rankkit.rules.Sine."
            )
        step = max(1, BLOCK // factors.n)
        if factors.batch_shape or step >= factors.m or not is_numpy_array(factors.B):
            return self._phi(factors.product(dtype=dtype), rows=factors.m)
        # a few rows at a time, so that a large update takes its own memory and little more
        wide = factors.to(dtype=dtype)
        update = np.empty((factors.m, factors.n), dtype=dtype)
        for rows in (slice(i, i + step) for i in range(0, factors.m, step)):
            update[rows] = self._phi(wide.B[rows] @ wide.A, rows=factors.m)
        return update

    def forming_error(self, factors: Factors, *, dtype: str = "float64") -> Any:
        """Return an upper bound, shape (*batch,), on the Frobenius norm of the rounding errors in phi(B A).

        Casting and multiplying give |fl(B A) - B A| <= (r + 3) u |B| |A| for every entry (Higham 2002, section 3.5),
        and phi multiplies this by its Lipschitz constant at most. The error of evaluating phi is added. The bound
        holds where nothing underflows. Arguments as for `Rule`.
        """
        u = UNIT_ROUNDOFF[check_dtype(dtype)]
        slope = self._slope(factors.peak(), rows=factors.m)
        return (factors.r + CASTING) * u * slope * factors.norm_product() + self._evaluation_error(factors, u)

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on the error of evaluating phi: a few roundings of its size, slope * |B A| + |phi(0)|."""
        slope = self._slope(factors.peak(), rows=factors.m)
        spread = math.sqrt(factors.m * factors.n)
        return EVALUATING * u * (slope * factors.norm_product() + self._at_zero() * spread)
