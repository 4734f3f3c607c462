"""Records of a stranger: certificates, proofs and ledgers that were changed. Each is confirmed, rejected or refused.

Run: python -m tests.claims.fuzz_records [--count 10000] [--seed 0]

A record is data and runs nothing. What `--recheck` says of it costs one sentence at most, and a certificate whose margin
does not hold the recomputed one is never confirmed.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.cli.main import main as command

CLAIMS = """
from rankkit.claims import Claim, Domain, Real
CLAIMS = [
    Claim("no", "sin x >= x / 2", domain=Domain(x=Real(0, 2)), margin=lambda v, a: a.sin(v.x) - v.x / 2),
    Claim("yes", "x (x - 2) <= 3", domain=Domain(x=Real(0, 2)), margin=lambda v, a: 3 - v.x * (v.x - 2)),
]
"""
SECONDS = 10.0
VALUES = (0, -1, 1e400, 10**400, "x", None, [], {}, True, "9" * 5000, "1/0", "1e999999999", "nan", "[0 +/- inf]", "-1", [[["2"]]],
          "\x00", "\u202e", 2**63, "[-0.09 +/- 1e-1]", {"x": "3"}, {"x": "2"}, {"y": "2"}, 64, 10**9, "no", "yes", "cover", "algebra",
          "theorem", "__import__('os').system('true')")  # fmt: skip


def sound(folder: Path) -> tuple[Path, list[dict[str, Any]], list[dict[str, Any]]]:
    """Write the claims; return their file, the records of certificates and proofs, and those of the ledger."""
    file = folder / "claims.py"
    file.write_text(CLAIMS)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        words = ["verify", str(file), "--instances", "50", "--budget", "20", "--no-progress"]
        command([*words, "--certificates", str(folder / "found.json"), "-o", str(folder / "ledger.json")])
    return file, json.loads((folder / "found.json").read_text()), json.loads((folder / "ledger.json").read_text())


def changed(records: Any, rng: np.random.Generator) -> str:
    """Return records with one to three changes, as JSON; or no JSON."""
    if rng.random() < 0.1:
        text = json.dumps(records)
        at = int(rng.integers(len(text)))
        return text[:at] + str(rng.choice(["", "{", "\x00", '"', "9" * 400, "[" * 5000])) + text[at + 1 :]
    found = copy.deepcopy(records)
    for _ in range(rng.integers(1, 4)):
        place = found
        while isinstance(place, (list, dict)) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = keys[rng.integers(len(keys))]
            if not isinstance(place[key], (list, dict)) or not place[key] or rng.random() < 0.3:
                if rng.random() < 0.2:
                    del place[key]
                else:
                    place[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
                break
            place = place[key]
    return json.dumps(found)


def judge(words: list[str]) -> str:
    """Return how the command ended: its exit status, or what is wrong with the way it ended."""
    out, err, start = io.StringIO(), io.StringIO(), time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command(words)
    except SystemExit as end:
        status = end.code
    except BaseException as error:
        return f"CRASHED: {type(error).__name__}: {error}"[:200]
    if time.process_time() - start > SECONDS:
        return "HUNG"
    if (
        status in (1, 2)
        and "--recheck" in words
        and (out.getvalue() or err.getvalue().count("\n") != 1 or len(err.getvalue()) > 3000)
    ):
        return f"NOT ONE SENTENCE: {err.getvalue()[:200]}"
    if any(not c.isprintable() for c in (out.getvalue() + err.getvalue()).replace("\n", "")):
        return "CONTROL CODES"
    return f"status {status}"


def main() -> int:
    """Print how the records ended; 1 if any ended as none may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    ends = Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for text, end in tried(Path(folder), options.count, options.seed):
            ends[end] += 1
            if not end.startswith("status"):
                print(end, text[:300])
    print(dict(ends))
    return int(any(not end.startswith("status") for end in ends))


def tried(folder: Path, count: int, seed: int) -> list[tuple[str, str]]:
    """Return so many changed files of records, and how `--recheck` and `--against` ended with each."""
    rng = np.random.default_rng(seed)
    file, found, ledger = sound(folder)
    case, ends = folder / "case.json", []
    for _ in range(count):
        against = rng.random() < 0.2
        text = changed(ledger if against else found, rng)
        case.write_text(text)
        quick = ["--against", str(case), "--claim", "no", "--instances", "1", "--budget", "5"]
        words = (
            ["verify", str(file), "--no-progress", *quick] if against else ["verify", str(file), "--recheck", str(case)]
        )
        ends.append((text, judge(words)))
    return ends


if __name__ == "__main__":
    raise SystemExit(main())
