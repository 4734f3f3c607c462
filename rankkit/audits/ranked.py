"""Ranks: a rank for every module, what it costs, what it keeps, and the configuration that trains with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rankkit.audits.allocation import ROUNDING
from rankkit.audits.next_run import FORMS, PROMISE, kohya_arguments, lora_arguments
from rankkit.columns import Tabled, frame
from rankkit.report.inline import counted, html_summary, noted, text_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ranks"]


@dataclass(frozen=True, eq=False)
class Ranks(Tabled):
    """The rank that suffices for every module, and what it costs.

    Attributes
    ----------
    columns : dict of str to list
        module, r (stored), rank (that suffices), kept_energy (||best of that rank||_F^2 / ||update||_F^2),
        frobenius_error and spectral_error (relative to the update's own norms), frobenius_norm (the update's own),
        scale, parameters (m + n times rank), note. With `truncate` also written_error, the relative Frobenius distance
        of what the written file holds.
        `rankkit.columns.COLUMN_TYPES` has their types.
    use_rslora : bool
        Whether the adapter's configuration asks for rsLoRA: scales are alpha / sqrt(r) in place of alpha / r.
    most_kept : float or None
        With a budget: the share of the energy of all modules that no choice within it exceeds.
    """

    columns: dict[str, list[Any]]
    use_rslora: bool = False
    most_kept: float | None = None

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

    def lora_arguments(self, *, use_rslora: bool | None = None) -> dict[str, Any]:
        """Return the arguments of the `peft.LoraConfig` that trains anew with these ranks and the scales of now.

        Parameters
        ----------
        use_rslora : bool, optional
            What the configuration is to say; None: what the adapter's own configuration says.
        """
        root = self.use_rslora if use_rslora is None else use_rslora
        return lora_arguments(self.rank_pattern, self.alpha_pattern(use_rslora=root), use_rslora=root)

    def lora_config(self, **more: Any) -> Any:
        """Return the `peft.LoraConfig` that trains anew with these ranks and the scales of now.

        Parameters
        ----------
        **more
            Further arguments of LoraConfig, such as lora_dropout; one that is among `lora_arguments` replaces it.
        """
        from peft import LoraConfig

        return LoraConfig(**{**self.lora_arguments(), **more})

    def next_run(self, form: str = "json") -> str:
        """Return the next training's configuration as text.

        Parameters
        ----------
        form : {"json", "python", "kohya"}
            The arguments of `peft.LoraConfig` as JSON or as Python, or the lines of a configuration file of kohya's
            trainer, which takes one rank for each block of a U-Net.

        Raises
        ------
        ValueError
            If form is none of these, or kohya's trainer cannot take the ranks.
        """
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}.")
        if form == "kohya":
            return FORMS[form](kohya_arguments(self.rank_pattern, self.alpha_pattern(use_rslora=False)), self.summary)
        return FORMS[form](self.lora_arguments(), self.summary)

    @property
    def kept_energy(self) -> float:
        """Share of the energy of all modules together that the ranks keep on this adapter."""
        energies = [size**2 for size in self.columns["frobenius_norm"]]
        kept = sum(e * share for e, share in zip(energies, self.columns["kept_energy"], strict=True))
        return kept / sum(energies)

    @property
    def summary(self) -> str:
        """One sentence: how many parameters are left, what they keep of this adapter, and the largest error."""
        kept, stored = sum(self.columns["parameters"]), sum(self._stored())
        share = f"{kept:,} of {stored:,} parameters ({100 * kept / stored:.1f} %)"
        energy = f"keep {100 * self.kept_energy:.4g} % of the energy"
        if self.most_kept is not None and self.most_kept - self.kept_energy > ROUNDING:
            energy += f" (no choice within the budget keeps more than {100 * self.most_kept:.4g} %)"
        same = "; no module becomes smaller" if self.unchanged else ""
        return f"{share} {energy}; largest relative Frobenius error {max(self.columns['frobenius_error']):.3g}{same}."

    @property
    def unchanged(self) -> bool:
        """Whether every module keeps the rank that it has."""
        return self.columns["rank"] == self.columns["r"]

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
            ".lora_config() is PEFT's configuration for a new training; rk.truncate(adapter, folder) writes the "
            "smaller adapter",
            PROMISE,
        ]
