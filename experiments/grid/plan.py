"""A plan: a TOML file that says which runs a grid has.

The file may begin with [tune], where a setting is tuned: `score` names the score of a run that decides (the highest
wins), `replace` the settings in which the tuning runs differ from the runs they are for. [every] has settings of every
run. Each [[runs]] is a block that stands for the product of its lists; tests/experiments/test_grid.py has an example.
A tuned setting is written `rate = {tune = [1e-3, 3e-3, 1e-2]}`.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

__all__ = ["Plan", "Run", "unique"]

TUNE = "tune"  # the key of a setting whose value the tuning runs choose
KEY_LENGTH = 12  # hexadecimal digits: 48 bits keep a million runs apart


@dataclass(frozen=True)
class Run:
    """One training, told by its settings alone.

    Attributes
    ----------
    experiment : str
        The experiment's name with the number of its version.
    settings : mapping
        Text, numbers and truth values; one setting of a plan may be {"tune": candidates}.
    """

    experiment: str
    settings: Mapping[str, Any] = field(hash=False)

    @property
    def key(self) -> str:
        """A hash of the experiment and the settings: the name under which the run is kept."""
        text = json.dumps([self.experiment, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    @property
    def tuned(self) -> str | None:
        """The name of the setting that is still to be tuned, if there is one."""
        return next((name for name, value in self.settings.items() if isinstance(value, dict)), None)

    def with_settings(self, **settings: Any) -> Run:
        """Return the run with some settings changed."""
        return Run(self.experiment, {**self.settings, **settings})

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.settings.items())


@dataclass(frozen=True)
class Plan:
    """The runs of one grid.

    Attributes
    ----------
    name : str
        The file's, without its ending.
    runs : tuple of Run
        Without repetitions; the seeds in turn, so that a part of the grid has all methods.
    score : str
        The score that tuning goes by; "" without a tuning.
    replace : mapping
        Settings of the tuning runs that differ from those of the runs that they are for.
    """

    name: str
    runs: tuple[Run, ...]
    score: str = ""
    replace: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def read(cls, file: Path, *, experiment: str) -> Plan:
        """Return the plan of a TOML file.

        Parameters
        ----------
        file : Path
        experiment : str
            Goes into the runs' keys.

        Raises
        ------
        ValueError
            If the file is no plan. The message says what is wrong.
        """
        try:
            about = tomllib.loads(file.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ValueError(f"{file} is no plan ({error}); name a TOML file, or smoke, small or whole.") from None
        unknown = sorted(set(about) - {"tune", "every", "runs"})
        if unknown or not about.get("runs"):
            got = ", ".join(unknown) or "no runs"
            raise ValueError(f"{file} must have [[runs]] and may have [every] and [tune], got {got}; correct it.")
        every, tune = about.get("every", {}), about.get("tune", {})
        runs = [Run(experiment, settings) for block in about["runs"] for settings in _product({**every, **block})]
        _check_candidates(file, runs, tune)
        return cls(file.stem, unique(_seeds_in_turn(runs)), tune.get("score", ""), tune.get("replace", {}))

    def candidates(self, run: Run) -> tuple[Run, ...]:
        """Return the runs that choose the tuned setting of a run; none where it has no such setting."""
        name = run.tuned
        if name is None:
            return ()
        return tuple(run.with_settings(**self.replace, **{name: value}) for value in run.settings[name][TUNE])

    def tuning(self) -> tuple[Run, ...]:
        """Return all tuning runs."""
        return unique(candidate for run in self.runs for candidate in self.candidates(run))

    def resolved(self, run: Run, scores: Mapping[str, Mapping[str, float]]) -> Run | None:
        """Return a run with its tuned setting chosen, or None while a candidate's score is missing.

        Parameters
        ----------
        run : Run
        scores : mapping
            Key of a kept run -> its scores. Of equal scores the first candidate wins; NaN, a diverged run's, never.
        """
        name, tried = run.tuned, self.candidates(run)
        if name is None:
            return run
        if any(candidate.key not in scores for candidate in tried):
            return None
        best = max(tried, key=lambda candidate: _rank(scores[candidate.key][self.score]))
        return run.with_settings(**{name: best.settings[name]})


def unique(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return runs in their order, each key once."""
    return tuple({run.key: run for run in runs}.values())


def _rank(score: float) -> float:
    return score if score == score else float("-inf")


def _product(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one dict of settings for each element of the product of a block's lists."""
    choices = [value if isinstance(value, list) else [value] for value in block.values()]
    return [dict(zip(block, chosen, strict=True)) for chosen in product(*choices)]


def _seeds_in_turn(runs: list[Run]) -> list[Run]:
    seeds = list(dict.fromkeys(run.settings.get("seed") for run in runs))
    return sorted(runs, key=lambda run: seeds.index(run.settings.get("seed")))


def _check_candidates(file: Path, runs: list[Run], tune: Mapping[str, Any]) -> None:
    """Hold that tuning is possible, and has one budget for all."""
    lengths: set[int] = set()
    for run in runs:
        open_settings = [name for name, value in run.settings.items() if isinstance(value, dict)]
        if any(set(run.settings[name]) != {TUNE} for name in open_settings) or len(open_settings) > 1:
            raise ValueError(f"{file}: a run tunes one setting at most, written name = {{tune = [...]}}, got {run}.")
        lengths |= {len(run.settings[name][TUNE]) for name in open_settings}
    if len(lengths) > 1:
        raise ValueError(f"{file}: every tuned setting must have equally many candidates, got {sorted(lengths)}.")
    if lengths and "score" not in tune:
        raise ValueError(f"{file}: a tuned setting needs [tune] with the score that decides; add it.")
