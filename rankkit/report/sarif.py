"""Findings as SARIF 2.1.0 (OASIS 2020), which code hosts show beside the files they are about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from rankkit.version import __version__

__all__ = ["Failure", "sarif"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Failure(NamedTuple):
    """One finding.

    Attributes
    ----------
    rule : str
        Which rule was broken.
    message : str
        What was found, as a sentence.
    source : str
        The file it is about.
    module : str
        The module it is about; "" where it is about the whole file.
    level : {"error", "warning"}
        A warning is what could not be told.
    """

    rule: str
    message: str
    source: str
    module: str = ""
    level: str = "error"


def sarif(rules: Mapping[str, str], failures: Iterable[Failure]) -> str:
    """Return a SARIF log of one run: every rule that was checked, and every finding.

    Parameters
    ----------
    rules : mapping of str to str
        Rule -> what it says.
    failures : iterable of Failure

    Examples
    --------
    >>> log = json.loads(sarif({"gate": "no dead module"}, [Failure("gate", "1 module is dead.", "a/b c.safetensors")]))
    >>> log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    'a/b%20c.safetensors'
    """
    driver = {
        "name": "rankkit",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()],
    }
    run = {"tool": {"driver": driver}, "results": [_result(failure) for failure in failures]}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(failure: Failure) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(failure.source)}}}
    if failure.module:
        location["logicalLocations"] = [{"fullyQualifiedName": failure.module, "kind": "module"}]
    return {
        "ruleId": failure.rule,
        "level": failure.level,
        "message": {"text": failure.message},
        "locations": [location],
    }


def _uri(source: str) -> str:
    """Return a file's place as a reference relative to the current folder, which is the repository's in a job."""
    path, here = Path(source), Path.cwd()
    return quote((path.relative_to(here) if path.is_relative_to(here) else path).as_posix())
