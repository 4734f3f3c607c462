"""Chosen: which modules are watched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rankkit.checkpoints import Adapter

__all__ = ["Chosen"]


@dataclass(frozen=True)
class Chosen:
    """Some modules of an adapter, named as PEFT's target_modules names them.

    Parameters
    ----------
    patterns : str or sequence of str
        A regular expression that the whole path of a module must match, or the ends of paths, such as
        ["q_proj", "layers.0.mlp.up_proj"].

    Raises
    ------
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
            raise ValueError("modules must name at least one module, got none; leave it out to watch all.")
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
        if isinstance(self.patterns, str):
            return re.fullmatch(self.patterns, module) is not None
        return any(f".{module}".endswith(f".{name}") for name in self.patterns)

    def of(self, adapter: Adapter) -> Adapter:
        """Return an adapter with these modules alone; nothing else of it is measured.

        Parameters
        ----------
        adapter : Adapter
            With all of its modules.

        Raises
        ------
        ValueError
            If none of them is there.
        """
        layers = tuple(layer for layer in adapter.layers if self.has(layer.name))
        if not layers:
            names = ", ".join(layer.name for layer in adapter.layers[:4])
            raise ValueError(f"modules={self.patterns!r} names no module of the adapter; there are {names}.")
        return replace(adapter, layers=layers)
