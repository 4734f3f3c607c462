"""Data that comes with rankkit: a small adapter, really trained."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sample_adapter"]


def sample_adapter() -> Path:
    """Return the folder of the sample adapter; its CARD.md says what it learned and how."""
    return Path(__file__).parent / "wordnet_lexnames"
