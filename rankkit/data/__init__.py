"""Data that comes with rankkit: small trained adapters, the papers' statements, and the figures' scripts."""

from __future__ import annotations

from pathlib import Path

__all__ = ["figure_scripts", "paper_checks", "rocq_proofs", "sample_adapter"]


def sample_adapter(name: str = "lora") -> Path:
    """Return the folder of a sample adapter; its CARD.md says what it learned and how.

    Parameters
    ----------
    name : str
        "lora", or one of the methods in the folder `trained`, such as "sine".

    Raises
    ------
    ValueError
        If there is no such sample.
    """
    here = Path(__file__).parent
    samples = {"lora": here / "wordnet_lexnames"} | {
        folder.name: folder for folder in sorted((here / "trained").iterdir()) if folder.is_dir()
    }
    if name not in samples:
        raise ValueError(f"name must be one of {', '.join(samples)}, got {name!r}; leave it out for the LoRA sample.")
    return samples[name]


def paper_checks() -> Path:
    """Return the folder of what the papers state."""
    return _inside_or_beside("paper_checks")


def rocq_proofs() -> Path:
    """Return the folder of the theorems that are proved in Rocq."""
    return _inside_or_beside("proofs") / "rocq"


def figure_scripts() -> Path:
    """Return the folder of the figures' scripts."""
    return _inside_or_beside("figures")


def _inside_or_beside(name: str) -> Path:
    """Return a folder that an installed package holds inside it and a checkout holds beside it."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
