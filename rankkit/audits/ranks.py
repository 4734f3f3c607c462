"""Ranks: the least rank of every module that keeps its update up to a stated error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit.audits.audit import audit
from rankkit.audits.record import Audit
from rankkit.checks import finite, integer
from rankkit.columns import Tabled, frame, gathered
from rankkit.factors import Array
from rankkit.report.inline import counted, html_summary, noted, text_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Choice", "Ranks", "suggest_ranks"]

NORMS = ("frobenius", "spectral")


@dataclass(frozen=True, eq=False)
class Ranks(Tabled):
    """The rank that suffices for every module, and what it costs.

    Attributes
    ----------
    columns : dict of str to list
        module, r (stored), rank (that suffices), kept_energy (||best of that rank||_F^2 / ||update||_F^2),
        frobenius_error and spectral_error (relative to the update's own norms), scale, parameters (m + n times rank),
        note. With `truncate` also written_error, the relative Frobenius distance of what the written file holds.
        `rankkit.columns.COLUMN_TYPES` has their types.
    use_rslora : bool
        Whether the adapter's configuration asks for rsLoRA: scales are alpha / sqrt(r) in place of alpha / r.
    """

    columns: dict[str, list[Any]]
    use_rslora: bool = False

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module."""
        return frame("Ranks", self.columns)

    @property
    def rank_pattern(self) -> dict[str, int]:
        """PEFT's rank_pattern: module -> rank."""
        return dict(zip(self.columns["module"], self.columns["rank"], strict=True))

    def alpha_pattern(self, *, use_rslora: bool | None = None) -> dict[str, float]:
        """Return PEFT's alpha_pattern that keeps every module's scale at its new rank.

        Parameters
        ----------
        use_rslora : bool, optional
            What the configuration that gets the pattern says; None: what the adapter's own configuration says.
        """
        root = self.use_rslora if use_rslora is None else use_rslora
        rows = zip(self.columns["module"], self.columns["scale"], self.columns["rank"], strict=True)
        return {module: scale * (math.sqrt(rank) if root else rank) for module, scale, rank in rows}

    @property
    def summary(self) -> str:
        """One sentence: how many parameters are left, and the largest error."""
        kept, stored = sum(self.columns["parameters"]), sum(self._stored())
        share = f"{kept:,} of {stored:,} parameters ({100 * kept / stored:.1f} %)"
        return f"{share}; largest relative Frobenius error {max(self.columns['frobenius_error']):.3g}."

    def _stored(self) -> Iterator[int]:
        """Return an iterator over the numbers of parameters that the modules have at their stored ranks."""
        rows = zip(self.columns["r"], self.columns["rank"], self.columns["parameters"], strict=True)
        return (r * (parameters // rank) for r, rank, parameters in rows)

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), self._shown())

    def _repr_html_(self) -> str:
        return html_summary(self._title(), self._lines(), self._shown())

    def _title(self) -> str:
        return f"Ranks of {counted(len(self.columns['module']), 'module')}"

    def _shown(self) -> dict[str, list[Any]]:
        names = [name for name in self.columns if name != "note"]
        return {name: self.columns[name] for name in noted(names, self.columns)}

    def _lines(self) -> list[str]:
        return [
            self.summary,
            ".rank_pattern and .alpha_pattern() are what PEFT's configuration takes; rk.truncate(adapter, folder) "
            "writes the smaller adapter",
        ]


def suggest_ranks(report: Any, *, keep: float = 0.95, norm: str = "frobenius", rank: int | None = None) -> Ranks:
    """Return the smallest rank of every module that keeps its update up to a stated error (Eckart and Young 1936).

    Parameters
    ----------
    report : Audit, path, mapping or live PEFT model
        An audit, or what `audit` takes. Modules that were not measured are left out.
    keep : float
        "frobenius": share of the energy sum sigma^2 that the kept values hold at least; "spectral": the first value
        left out is at most (1 - keep) sigma_1. In (0, 1].
    norm : {"frobenius", "spectral"}
        Which error is meant.
    rank : int, optional
        Instead of what keep and norm ask for: this rank for every module that has a larger one.

    Raises
    ------
    TypeError
        If report is no audit, and nothing that an adapter can be read from.
    ValueError
        If keep, norm or rank is out of its range, or no module could be measured.

    Examples
    --------
    >>> state = {"up.lora_A.weight": np.diag([3.0, 1.0, 0.1]), "up.lora_B.weight": np.eye(3)}
    >>> suggest_ranks(audit(state, config={"lora_alpha": 3}), keep=0.95).rank_pattern
    {'up': 2}
    """
    choice = Choice(keep, norm, rank)
    report = report if isinstance(report, Audit) else audit(report)
    return choice.ranks(report, report.spectra)


@dataclass(frozen=True)
class Choice:
    """How a rank is chosen from singular values: the least that keeps enough, or one rank for all.

    Parameters
    ----------
    keep, norm, rank
        As for `suggest_ranks`.

    Raises
    ------
    ValueError
        If one of them is out of its range.
    """

    keep: float = 0.95
    norm: str = "frobenius"
    rank: int | None = None

    def __post_init__(self) -> None:
        if finite("keep", self.keep, least=0, strict=True, advice="use for instance 0.95") > 1:
            raise ValueError(f"keep must be at most 1, got {self.keep!r}; use for instance 0.95.")
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}, got {self.norm!r}.")
        if self.rank is not None:
            integer("rank", self.rank, advice="leave it out to keep a share of the energy")

    def of(self, sigma: Array) -> int:
        """Return the rank that is chosen for one module.

        Parameters
        ----------
        sigma : array, shape (k,)
            Its singular values in descending order, the first of them above zero.
        """
        if self.rank is not None:
            return min(int(self.rank), len(sigma))
        if self.norm == "spectral":
            return max(1, int(np.sum(sigma > (1 - self.keep) * sigma[0])))
        lost = np.append(np.cumsum(sigma[::-1] ** 2)[::-1], 0.0)  # lost[k]: the energy behind the first k values
        return max(1, int(np.argmax(lost <= (1 - self.keep) * lost[0])))

    def ranks(self, report: Audit, spectra: Mapping[str, Array]) -> Ranks:
        """Return the ranks of the modules whose singular values are given.

        Parameters
        ----------
        report : Audit
            The audit that has the modules.
        spectra : mapping of str to array
            Module -> singular values, descending.

        Raises
        ------
        ValueError
            If there are none.
        """
        rows = [
            _row(report, i, spectra[module], self.of(spectra[module]))
            for i, module in enumerate(report.columns["module"])
            if module in spectra
        ]
        if not rows:
            raise ValueError(f"{report.source} has no module that could be measured; nothing to make smaller.")
        return Ranks(gathered(rows), report.use_rslora)


def _row(report: Audit, place: int, sigma: Array, rank: int) -> dict[str, Any]:
    """Return what a rank keeps of one module, and what it costs."""
    stored = {name: values[place] for name, values in report.columns.items()}
    # summed from the small end, so that a small error keeps its digits
    lost, whole = float(np.sum(sigma[rank:][::-1] ** 2)), float(np.sum(sigma[::-1] ** 2))
    return {
        "module": stored["module"], "r": stored["r"], "rank": rank, "kept_energy": 1 - lost / whole,
        "frobenius_error": math.sqrt(lost / whole),
        "spectral_error": float(sigma[rank] / sigma[0]) if rank < len(sigma) else 0.0, "scale": stored["scale"],
        "parameters": rank * (stored["m"] + stored["n"]), "note": stored["note"],
    }  # fmt: skip
