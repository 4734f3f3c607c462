"""Chosen: which modules of an adapter are measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rankkit.checkpoints import Layer

__all__ = ["Chosen"]


@dataclass(frozen=True)
class Chosen:
    """Some modules of an adapter, named as PEFT's target_modules names them.

    The number of an expert or the name of an adapter at the end of a path, such as [3], may be left out.

    Parameters
    ----------
    patterns : str or sequence of str
        A regular expression that the whole path of a module must match, or the ends of paths, such as
        ["q_proj", "layers.0.mlp.up_proj"].

    Raises
    ------
    TypeError
        If it is neither a text nor a sequence.
    ValueError
        If there is none, or the expression cannot be read.

    Examples
    --------
    >>> chosen = Chosen(["q_proj"])
    >>> chosen.has("layers.0.self_attn.q_proj"), chosen.has("layers.0.self_attn.kq_proj")
    (True, False)
    """

    patterns: str | Sequence[str]

    def __post_init__(self) -> None:
        if not self.patterns:
            raise ValueError("modules must name at least one module, got none; leave it out for all.")
        if not isinstance(self.patterns, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"modules must be a regular expression or a list of names, got {self.patterns!r}.")
        if isinstance(self.patterns, str):
            try:
                re.compile(self.patterns)
            except re.error as error:
                raise ValueError(
                    f"modules must be a regular expression or a list of names, got {self.patterns!r} ({error})."
                ) from None

    def has(self, module: str) -> bool:
        """Return whether a module is one of them.

        Parameters
        ----------
        module : str
            Its path.
        """
        paths = (module, module.partition("[")[0])
        if isinstance(self.patterns, str):
            return any(re.fullmatch(self.patterns, path) for path in paths)
        return any(f".{path}".endswith(f".{name}") for name in self.patterns for path in paths)

    def of(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """Return these modules of an adapter; the tensors of the others are not read.

        Parameters
        ----------
        layers : sequence of Layer
            All modules.

        Raises
        ------
        ValueError
            If none of them is there.
        """
        found = tuple(layer for layer in layers if self.has(layer.name))
        if not found:
            there = ", ".join(layer.name for layer in layers[:4])
            raise ValueError(f"modules={self.patterns!r} names no module of the adapter; there are {there}.")
        return found
