"""Data that comes with rankkit: a small adapter, really trained, and the papers' statements."""

from __future__ import annotations

from pathlib import Path

__all__ = ["figure_scripts", "paper_checks", "sample_adapter"]


def sample_adapter() -> Path:
    """Return the folder of the sample adapter; its CARD.md says what it learned and how."""
    return Path(__file__).parent / "wordnet_lexnames"


def paper_checks() -> Path:
    """Return the folder of what the papers state: in the wheel inside the package, in a checkout beside it."""
    package = Path(__file__).parents[1]
    inside = package / "paper_checks"
    return inside if inside.is_dir() else package.parent / "paper_checks"


def figure_scripts() -> Path:
    """Return the folder of the figures' scripts, which stand beside the package in a checkout."""
    return Path(__file__).parents[2] / "figures"
