"""Checks of single arguments, each written once: an integer, a finite number, the pair of tolerances, a device.

Every message is one sentence: the argument, what was expected, what came, and what to do instead.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sized
from numbers import Integral
from pathlib import Path
from typing import Any

__all__ = ["finite", "integer", "path_of", "shown", "tolerance", "torch_device", "unreadable", "warn_full_rank"]

LONGEST = 80  # characters of a value in a message

UNFIT = {"mps": "it has no float64, in which rankkit computes", "meta": "it holds no numbers"}  # kinds of devices


def shown(value: object) -> str:
    """Return a value as a message says it, in one short line: its repr, or its type and size where that is long.

    Parameters
    ----------
    value : object
        What the user gave.

    Examples
    --------
    >>> shown(8.5), shown([0.0] * 99)
    ('8.5', 'list of length 99')
    """
    kind = type(value).__name__
    shape: Any = getattr(value, "shape", None)
    if type(shape).__name__ in ("tuple", "Size") and len(shape):  # numpy's and torch's
        return f"{kind} of shape {(*shape,)}"
    many = len(value) if isinstance(value, Sized) and shape is None else 0
    if many > LONGEST and not isinstance(value, str):
        return f"{kind} of length {many}"
    try:
        text = repr(value)
    except ValueError:  # of an integer of thousands of digits
        return kind
    if len(text) <= LONGEST and "\n" not in text:
        return text
    if isinstance(value, (str, int)):
        return f"{text[:LONGEST]}..."
    return f"{kind} of length {many}" if many else kind


def integer(name: str, value: object, *, least: int = 1, most: int | None = None, advice: str = "") -> int:
    """Return value as a Python int.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : int or numpy integer
        What the user gave. A bool is refused.
    least : int
        The smallest value that is allowed.
    most : int, optional
        The largest value that is allowed; None: there is no largest one.
    advice : str
        What to do instead, for the end of the message.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If value is not an integer of at least `least` and at most `most`.

    Examples
    --------
    >>> integer("top", 8.5, advice="use for instance 8")
    Traceback (most recent call last):
        ...
    ValueError: top must be an integer >= 1, got 8.5; use for instance 8.
    """
    number = None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if number is None or number < least or (most is not None and number > most):
        range_ = f">= {least}" if most is None else f"in {least}..{most}"
        raise ValueError(f"{name} must be an integer {range_}, got {shown(value)}{f'; {advice}' if advice else ''}.")
    return number


def finite(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    strict: bool = False,
    below: float = math.inf,
    advice: str = "choose another value",
) -> float:
    """Return value as a Python float.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float
        What the user gave: anything that float() takes, except a bool or a string.
    least : float
        The bound from below.
    strict : bool
        Whether the bound itself is refused as well.
    below : float
        The bound from above, which itself is refused.
    advice : str
        What to do instead, for the end of the message.

    Raises
    ------
    ValueError
        If value is not a finite number at or above (strict: above) `least` and below `below`.

    Examples
    --------
    >>> finite("omega", 0, least=0, strict=True)
    Traceback (most recent call last):
        ...
    ValueError: omega must be a number that is finite and > 0, got 0; choose another value.
    """
    number = _number(value)
    if not math.isfinite(number) or not (number > least if strict else number >= least) or not number < below:
        bound = "finite" if least == -math.inf else f"finite and {'>' if strict else '>='} {least:g}"
        bound += "" if below == math.inf else f" and < {below:g}"
        raise ValueError(f"{name} must be a number that is {bound}, got {shown(value)}; {advice}.")
    return number


def path_of(name: str, value: object, *, advice: str) -> Path:
    """Return value as a path.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : path
        What the user gave.
    advice : str
        What to do instead, for the end of the message.

    Raises
    ------
    TypeError
        If value is no path.

    Examples
    --------
    >>> path_of("store", 3, advice="name a folder")
    Traceback (most recent call last):
        ...
    TypeError: store must be a path, got int; name a folder.
    """
    if not isinstance(value, (str, os.PathLike)):
        got = "None" if value is None else type(value).__name__
        raise TypeError(f"{name} must be a path, got {got}; {advice}.")
    return Path(value)  # pyright: ignore[reportUnknownArgumentType]


def tolerance(rtol: object, atol: object = None, *, default: float) -> tuple[float, float]:
    """Return (rtol, atol) of the threshold rtol * sigma_1 + atol, of which the one that was not given is zero.

    Parameters
    ----------
    rtol, atol : float or None
        What the user gave: one of them, or neither.
    default : float
        rtol where neither is given.

    Raises
    ------
    ValueError
        If both are given, one is negative or not a finite number, or rtol is 1 or more, above which no singular value
        would count.

    Examples
    --------
    >>> tolerance(None, 1e-3, default=6e-5), tolerance(None, default=6e-5)
    ((0.0, 0.001), (6e-05, 0.0))
    """
    if rtol is not None and atol is not None:
        raise ValueError("give rtol or atol, not both: the threshold is rtol * sigma_1 or atol.")
    advice = f"leave it out for the default, rtol={default:.3g}"
    if atol is not None:
        return 0.0, finite("atol", atol, least=0, advice=advice)
    return default if rtol is None else finite("rtol", rtol, least=0, below=1, advice=advice), 0.0


def torch_device(name: str, value: str) -> str:
    """Return the name of a torch device, once torch is found to compute on it in float64.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : str
        What the user gave.

    Raises
    ------
    ValueError
        If torch cannot use it here: the reason, without the lists that torch adds to it.
    OutOfMemoryError
        If it is full, which does not make it unusable.
    """
    import torch

    try:
        reason = UNFIT.get(torch.device(value).type, "")
    except (RuntimeError, TypeError):
        reason = "torch knows no device of that name"
    try:
        if not reason:
            torch.empty(1, dtype=torch.float64, device=value)
            return value
    except torch.OutOfMemoryError:  # the device can be used, and a smaller batch may fit
        raise
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0].rstrip(".")
    raise ValueError(
        f"{name} must be one that torch can use here, got {value!r}: {reason}; try cuda, or leave it out for the CPU."
    )


def unreadable(x: Any) -> str:
    """Return which array has places without a number that can be computed with, and what to do; "" for any other.

    Parameters
    ----------
    x : array
        Of numpy or torch.
    """
    if type(x).__name__ == "MaskedArray":
        return "a masked array; fill it first"
    if str(getattr(x, "device", "")) == "meta":
        return "a tensor on the device meta, which holds no numbers; load the weights first"
    if str(getattr(x, "layout", "torch.strided")) != "torch.strided":
        return "a sparse tensor; call its to_dense() first"
    return f"a tensor of {x.dtype}; cast it to float32 first" if "float8" in str(x.dtype) else ""


def _number(value: object) -> float:
    """Return value as a float; NaN where it is no number."""
    if isinstance(value, (bool, str, bytes)):
        return math.nan
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def warn_full_rank(r: int, m: int, n: int, *, stacklevel: int = 3) -> None:
    """Warn where factors of rank r make every (m, n) matrix.

    Parameters
    ----------
    r, m, n : int
        Rank of the factors, rows and columns of the update.
    stacklevel : int
        Of `warnings.warn`; 3: the caller of the function that checks.
    """
    if r > min(m, n):
        warnings.warn(f"r = {r} exceeds min(m, n) = {min(m, n)}: B A has full rank already.", stacklevel=stacklevel)
