"""rankkit verify: which statements hold, which fail, with certificates; which printed numbers agree."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rankkit.cli.arguments import certificates, folder, ledger, positive_int, seconds, writable
from rankkit.cli.command import Choice, Command, Group, OneOf, Option
from rankkit.cli.options import FORMAT, OUTPUT, PROGRESS
from rankkit.cli.output import emit, format_of, off_screen, save, say, write

__all__ = ["VERIFY"]

_CLAIMS, _REPORTED, _RECHECK = "where claims are checked", "with --reported", "with --recheck"
_RELATIONS = "where there are only relations*.py files"


def _verify(options: argparse.Namespace) -> int:
    from rankkit.data import paper_checks

    if options.path and not (options.yes or _agreed(options.path)):
        say("nothing was run; --yes runs it without a question")
        return 1
    work = {_CLAIMS: _claims, _REPORTED: _reported, _RELATIONS: _reported, _RECHECK: _recheck}[_mode(options)]
    return work(options, options.path or [str(paper_checks())])


def _agreed(paths: Sequence[str]) -> bool:
    """Return whether Python files may be run: asked at a terminal, and taken as agreed in a script or CI."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(f"rankkit verify runs the Python code in {', '.join(paths)}. Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _mode(options: argparse.Namespace) -> str:
    """Return what is to be done."""
    if options.recheck is not None:
        return _RECHECK
    if options.reported:
        return _REPORTED
    return _CLAIMS if not options.path or _has_claims(options.path) else _RELATIONS


def _has_claims(paths: Sequence[str]) -> bool:
    from rankkit.claims.ledger import FILES
    from rankkit.reported.ledger import FILES as RELATIONS

    return any(
        any(Path(path).rglob(FILES)) if Path(path).is_dir() else not Path(path).match(RELATIONS) for path in paths
    )


def _claims(options: argparse.Namespace, paths: Sequence[str]) -> int:
    """Check claims; 3 where a verdict is not the committed one, 1 where a claim is broken."""
    from rankkit.claims.ledger import verify

    found = verify(
        *paths, only=options.claim, instances=options.instances, budget=options.budget, database=options.database,
        progress=options.progress,
    )  # fmt: skip
    _tell(options, found)
    if options.certificates:
        _keep(options.certificates, found)
    broken = any(entry.verdict.word == "BROKEN" for entry in found.checked)
    return 3 if _changed(options, found) else 1 if broken else 0


def _keep(file: str, found: Any) -> None:
    """Write the counterexamples and proofs, and the questions of proofs by algebra as files beside them."""
    from rankkit.claims.proofs.stored import folder_beside, text_of

    folder = folder_beside(file)
    records = [record["certificate"] for record in found.records if record["certificate"]]
    for entry in found.checked:
        if entry.proof is None:
            continue
        record = entry.proof.record
        if entry.proof.questions:
            folder.mkdir(parents=True, exist_ok=True)
            place = folder / f"{quote(entry.claim.id, safe=' ')}.smt2"
            place.write_text(text_of(entry.proof, entry.claim.statement), encoding="utf-8")
            record["file"] = f"{folder.name}/{place.name}"
        records.append(record)
    save(file, json.dumps(records, indent=1))


def _reported(options: argparse.Namespace, paths: Sequence[str]) -> int:
    """Check printed numbers against each other, as relations*.py say; 3 where a verdict is not the committed one."""
    from rankkit.reported import collect, pictures

    found = collect(paths)
    if not found.papers:
        raise ValueError(f"{', '.join(paths)} holds no claims and no relations*.py; see `rankkit verify --help`.")
    _tell(options, found)
    if options.pictures:
        off_screen()
        say(f"wrote {len(pictures(found, options.pictures))} pictures to {options.pictures}")
    return 3 if _changed(options, found) else 0


def _recheck(options: argparse.Namespace, paths: Sequence[str]) -> int:
    """Compute every certificate's margin again, and make every proof again; 3 if one does not hold."""
    from rankkit.claims.certificates import certificates_in
    from rankkit.claims.ledger import collect
    from rankkit.claims.proofs import Proof, recheck
    from rankkit.claims.proofs.second import SecondSolver

    if not options.recheck:
        raise ValueError("the file holds no certificates; `rankkit verify --certificates FILE` writes them.")
    claims = {claim.id: claim for claim in collect(paths)}
    status: list[str] = []
    with SecondSolver() as second:
        for record in options.recheck:
            claim = claims.get(record["claim"])
            if claim is None:
                raise ValueError(f"there is no claim {record['claim']} in {', '.join(paths)}.")
            if "kind" in record:
                right = recheck(Proof.from_record(record), claim, second=second)
            else:
                right = certificates_in(json.dumps([record]))[0].recheck(claim)
            status.append("confirmed" if right else "REJECTED")
    if second.in_words:
        say(second.in_words)
    emit(options, {"claim": [record["claim"] for record in options.recheck], "certificate": status})
    return 3 if "REJECTED" in status else 0


def _tell(options: argparse.Namespace, found: Any) -> None:
    """Write what was found in the format asked for, the page if asked for, and the summary."""
    kind = format_of(options)
    if kind == "json":
        write(options, found.to_json())
    elif kind == "markdown":
        write(options, found.to_markdown())
    else:
        emit(options, found.columns)
    say(found.summary)
    if options.html:
        save(options.html, found.to_html())


def _changed(options: argparse.Namespace, found: Any) -> bool:
    """Return whether a verdict is not the one of --against; say which."""
    changes: list[str] = found.changed(options.against) if options.against is not None else []
    for change in changes:
        say(f"changed: {change}")
    return bool(changes)


_OF_CLAIMS = ("--claim", "--budget", "--instances", "--database", "--certificates", "--no-progress")
_OF_BOTH = ("--against", "--html")
VERIFY = Command(
    "verify",
    "Test mathematical statements: search for counterexamples, and prove what holds or fails.",
    "Without a path, the statements of four papers on LoRA variants are checked.\n"
    "Warning: the files are Python code and are executed. At a terminal you are asked first, unless --yes is given. "
    "A script or CI, whose input is no terminal, is never asked.",
    (
        "rankkit verify my_claims.py --certificates found.json",
        "rankkit verify my_claims.py --recheck found.json",
        "rankkit verify --reported --html numbers.html -o numbers.csv",
    ),
    (
        Group(
            "what to check",
            (
                Option(
                    ("path",),
                    "Python files that define a list CLAIMS, or folders with claims*.py or relations*.py files "
                    "(default: the statements of the papers).",
                    nargs="*", default=(),
                ),
                Option(
                    ("--yes",), "Run the code of these files without asking at a terminal.", default=False, flag=True,
                ),
                Option(
                    ("--claim",), "Check only the claim with this id. May be repeated.", repeated=True, default=(),
                    metavar="ID",
                ),
                OneOf(
                    (
                        Option(
                            ("--reported",), "Check the numbers that papers print (relations*.py) instead of claims.",
                            default=False, flag=True,
                        ),
                        Option(
                            ("--recheck",),
                            "Only re-check the counterexamples and proofs saved in FILE with --certificates.",
                            read=certificates, metavar="FILE",
                        ),
                    )
                ),
            ),
        ),
        Group(
            "search effort",
            (
                Option(
                    ("--budget",), "The time that one claim may take, in seconds or with a unit such as 2m.",
                    read=seconds, default=60.0, metavar="TIME",
                ),
                Option(
                    ("--instances",), "Try at least this many inputs for each claim, if --budget allows.",
                    read=positive_int, default=1000, metavar="COUNT",
                ),
                Option(
                    ("--database",),
                    "Save the inputs that came closest to a counterexample in this folder; the next run starts "
                    "from them.",
                    read=folder, metavar="FOLDER",
                ),
            ),
        ),
        Group(
            "comparison",
            (
                Option(
                    ("--against",),
                    "Exit with status 3 if any verdict differs from the one in this ledger, which "
                    "--format json wrote.",
                    read=ledger, metavar="LEDGER.json",
                ),
            ),
        ),
        Group(
            "output",
            (
                FORMAT,
                OUTPUT,
                Option(
                    ("--html",), "Write an HTML page with a sortable table to this file.", read=writable,
                    metavar="FILE", writes=True,
                ),
                Option(
                    ("--certificates",),
                    "Write the counterexamples and proofs to this file, for --recheck, and the questions to the solver "
                    "to .smt2 files beside it.",
                    read=writable, metavar="FILE", writes=True,
                ),
                Option(
                    ("--pictures",),
                    "With --reported, draw every table, coloured by verdict, and write the pictures to this folder.",
                    read=folder, metavar="FOLDER",
                ),
                PROGRESS,
            ),
        ),
    ),
    _verify,
    choices=(
        Choice(
            _mode,
            {
                _CLAIMS: (*_OF_CLAIMS, *_OF_BOTH),
                _REPORTED: ("--pictures", *_OF_BOTH),
                _RELATIONS: ("--pictures", *_OF_BOTH),
            },
        ),
    ),
)  # fmt: skip
