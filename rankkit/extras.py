"""Extras: how to install what an optional part of rankkit needs, in one wording."""

from __future__ import annotations

__all__ = ["how_to_install"]


def how_to_install(extra: str) -> str:
    """Return the end of a sentence that says how to install the libraries of an extra.

    rankkit is on no package index, so that its name alone would not do.

    Parameters
    ----------
    extra : str
        Its name in pyproject.toml.

    Examples
    --------
    >>> print(how_to_install("verify"))
    install it with `pip install '.[verify]'` in a checkout of rankkit, or `pip install 'FILE.whl[verify]'` for a wheel
    """
    return (
        f"install it with `pip install '.[{extra}]'` in a checkout of rankkit, "
        f"or `pip install 'FILE.whl[{extra}]'` for a wheel"
    )
