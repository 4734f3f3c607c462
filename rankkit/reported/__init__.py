"""Printed numbers: what they can have been, how they hang together, and what cannot be reconciled."""

from __future__ import annotations

from rankkit.reported.drawing import picture, pictures
from rankkit.reported.finding import Finding, agree
from rankkit.reported.ledger import Reported, collect
from rankkit.reported.paper import Paper
from rankkit.reported.printed import Quantity, exact, mean, parse, total
from rankkit.reported.shapes import MODELS, lora_parameters, magnitude_parameters, mlp_parameters, response_parameters
from rankkit.reported.table import Table, read
from rankkit.reported.words import Quote, Said, said

__all__ = [
    "MODELS",
    "Finding",
    "Paper",
    "Quantity",
    "Quote",
    "Reported",
    "Said",
    "Table",
    "agree",
    "collect",
    "exact",
    "lora_parameters",
    "magnitude_parameters",
    "mean",
    "mlp_parameters",
    "parse",
    "picture",
    "pictures",
    "read",
    "response_parameters",
    "said",
    "total",
]
