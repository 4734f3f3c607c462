"""Ranks: the least rank of every module that keeps its update up to a stated error, or the best within a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.audits.allocation import Unit, allocate
from rankkit.audits.audit import audit
from rankkit.audits.blocks import block_of, layout_of
from rankkit.audits.ranked import Ranks
from rankkit.audits.record import Audit
from rankkit.checks import finite, integer
from rankkit.columns import gathered
from rankkit.factors import Array

__all__ = ["Choice", "suggest_ranks"]

NORMS = ("frobenius", "spectral")


def suggest_ranks(
    report: Any,
    *,
    keep: float = 0.95,
    norm: str = "frobenius",
    rank: int | None = None,
    budget: int | None = None,
    per: str = "module",
) -> Ranks:
    """Return the smallest rank of every module that keeps its update up to a stated error (Eckart and Young 1936).

    Parameters
    ----------
    report : Audit, Watched, path, mapping or live PEFT model
        An audit, a watched training (its last measurement counts), or what `audit` takes. Modules that were not
        measured are left out.
    keep : float
        "frobenius": share of the energy sum sigma^2 that the kept values hold at least; "spectral": the first value
        left out is at most (1 - keep) sigma_1. In (0, 1].
    norm : {"frobenius", "spectral"}
        Which error is meant.
    rank : int, optional
        Instead of what keep and norm ask for: this rank for every module that has a larger one.
    budget : int, optional
        Instead of what keep and norm ask for: the ranks, at least 1 each, that keep the most energy of all modules
        together with at most so many parameters. `most_kept` bounds what any choice could keep.
    per : {"module", "block"}
        What gets a rank of its own: a module, or a block of a U-Net as kohya's trainer counts them.

    Raises
    ------
    TypeError
        If report is no audit, and nothing that an adapter can be read from.
    ValueError
        If an argument is out of its range, or no module could be measured.

    Examples
    --------
    >>> state = {"up.lora_A.weight": np.diag([3.0, 1.0, 0.1]), "up.lora_B.weight": np.eye(3)}
    >>> suggest_ranks(audit(state, config={"lora_alpha": 3}), keep=0.95).rank_pattern
    {'up': 2}
    """
    choice = Choice(keep, norm, rank, budget, per)
    report = _audited(report)
    return choice.ranks(report, report.spectra)


def _audited(report: Any) -> Audit:
    """Return the audit of what a user gave: itself, the last of a watched training, or a new one."""
    last = getattr(report, "last_audit", report)
    return last if isinstance(last, Audit) else audit(report)


@dataclass(frozen=True)
class Choice:
    """How ranks are chosen from singular values: the least that keep enough, one for all, or the best in a budget.

    Parameters
    ----------
    keep, norm, rank, budget, per
        As for `suggest_ranks`.

    Raises
    ------
    ValueError
        If one of them is out of its range.
    """

    keep: float = 0.95
    norm: str = "frobenius"
    rank: int | None = None
    budget: int | None = None
    per: str = "module"

    def __post_init__(self) -> None:
        if finite("keep", self.keep, least=0, strict=True, advice="use for instance 0.95") > 1:
            raise ValueError(f"keep must be at most 1, got {self.keep!r}; use for instance 0.95.")
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}, got {self.norm!r}.")
        if self.rank is not None:
            integer("rank", self.rank, advice="leave it out to keep a share of the energy")
        if self.budget is not None:
            integer("budget", self.budget, advice="it is a number of parameters")
            if self.rank is not None:
                raise ValueError("budget and rank exclude each other; leave one of them out.")
        if self.per not in ("module", "block"):
            raise ValueError(f"per must be 'module' or 'block', got {self.per!r}.")

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
        places = [place for place, module in enumerate(report.columns["module"]) if module in spectra]
        if not places:
            raise ValueError(f"{report.source} has no module that could be measured; nothing to make smaller.")
        names = [report.columns["module"][place] for place in places]
        ranks, bound = self._chosen([spectra[name] for name in names], report, places)
        rows = [
            _row(report, place, spectra[name], rank) for place, name, rank in zip(places, names, ranks, strict=True)
        ]
        whole = sum(float(np.sum(spectra[name] ** 2)) for name in names)
        return Ranks(gathered(rows), report.use_rslora, None if bound is None else bound / whole)

    def _chosen(self, sigmas: list[Array], report: Audit, places: list[int]) -> tuple[list[int], float | None]:
        """Return a rank for each module, and what no choice within the budget exceeds."""
        groups = self._groups([report.columns["module"][place] for place in places])
        bound, ranks = None, [0] * len(sigmas)
        if self.budget is None:
            chosen = [max(self.of(sigmas[i]) for i in members) for members in groups]
        else:
            sizes = [report.columns["m"][place] + report.columns["n"][place] for place in places]
            units = [
                Unit(_summed([sigmas[i] ** 2 for i in members]), sum(sizes[i] for i in members)) for members in groups
            ]
            chosen, _, bound = allocate(units, self.budget)
        for rank, members in zip(chosen, groups, strict=True):
            for i in members:
                ranks[i] = rank
        return ranks, bound

    def _groups(self, names: list[str]) -> list[list[int]]:
        """Return the places of the modules that share a rank."""
        if self.per == "module":
            return [[place] for place in range(len(names))]
        layout = layout_of(names)
        blocks: dict[int, list[int]] = {}
        for place, name in enumerate(names):
            blocks.setdefault(block_of(name, layout), []).append(place)
        return list(blocks.values())


def _summed(parts: list[Array]) -> Array:
    """Return the sum of vectors of different lengths, each continued with zeros."""
    longest = max(map(len, parts))
    return np.sum([np.pad(part, (0, longest - len(part))) for part in parts], axis=0)


def _row(report: Audit, place: int, sigma: Array, rank: int) -> dict[str, Any]:
    """Return what a rank keeps of one module, and what it costs."""
    stored = {name: values[place] for name, values in report.columns.items()}
    # summed from the small end, so that a small error keeps its digits
    lost, whole = float(np.sum(sigma[rank:][::-1] ** 2)), float(np.sum(sigma[::-1] ** 2))
    return {
        "module": stored["module"], "r": stored["r"], "rank": rank, "kept_energy": 1 - lost / whole,
        "frobenius_error": math.sqrt(lost / whole),
        "spectral_error": float(sigma[rank] / sigma[0]) if rank < len(sigma) else 0.0,
        "frobenius_norm": math.sqrt(whole), "scale": stored["scale"],
        "parameters": rank * (stored["m"] + stored["n"]), "note": stored["note"],
    }  # fmt: skip
