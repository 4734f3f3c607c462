"""rankkit verify: which statements hold, which fail, with certificates; which printed numbers agree."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rankkit.arguments import positive_int, seconds, writable
from rankkit.commands.shared import command, emit, format_of, say, write

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(
        commands, "verify", _verify, "check mathematical claims: search for violations, prove what is found",
        "rankkit verify my_claims.py --certificates found.json", trouble=1,
    )  # fmt: skip
    parser.add_argument(
        "path",
        nargs="*",
        help="Python files with CLAIMS, or folders with claims.py or relations.py, to run (default: the papers')",
    )
    parser.add_argument("--claim", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    parser.add_argument("--budget", type=seconds, default=60.0, metavar="TIME", help="a claim may take, e.g. 60s, 2m")
    parser.add_argument("--instances", type=positive_int, default=1000, help="to look at, at least (default: 1000)")
    parser.add_argument("--html", metavar="FILE", type=writable, help="write a page with a table to sort")
    parser.add_argument("--database", metavar="FOLDER", help="keep the instances nearest to violation, and start there")
    parser.add_argument("--against", metavar="LEDGER.json", help="exit 3 where a verdict is not the one in this file")
    parser.add_argument("--certificates", metavar="FILE", type=writable, help="write the counterexamples' certificates")
    parser.add_argument("--reported", action="store_true", help="check printed numbers (relations.py), not claims")
    parser.add_argument("--pictures", metavar="FOLDER", help="with --reported: every table, coloured by verdict")
    parser.add_argument("--recheck", metavar="FILE", help="only compute the margins of these certificates again")


def _verify(options: argparse.Namespace) -> int:
    from rankkit.claims.ledger import verify
    from rankkit.store import write_atomically

    if options.plot:
        raise ValueError("verify draws nothing; leave --plot out.")
    if not options.path:
        from rankkit.data import paper_checks

        options.path = [str(paper_checks())]
    if options.recheck:
        return _recheck(options)
    if options.reported or not _has_claims(options.path):
        return _reported(options)
    ledger = verify(
        *options.path, only=options.claim, instances=options.instances, budget=options.budget,
        database=options.database, progress=options.progress,
    )  # fmt: skip
    _tell(options, ledger)
    if options.certificates:
        found = [record["certificate"] for record in ledger.records if record["certificate"]]
        data = json.dumps(found, indent=1).encode()
        say(f"wrote {write_atomically(options.certificates, lambda file: file.write(data))}")
    changes = ledger.changed(json.loads(Path(options.against).read_text())) if options.against else []
    for change in changes:
        say(f"changed: {change}")
    broken = any(entry.verdict.word == "BROKEN" for entry in ledger.checked)
    return 3 if changes else 1 if broken else 0


def _has_claims(paths: list[str]) -> bool:
    from rankkit.claims.ledger import FILES

    return any(
        any(Path(path).rglob(FILES)) if Path(path).is_dir() else Path(path).name != "relations.py" for path in paths
    )


def _reported(options: argparse.Namespace) -> int:
    """Check printed numbers against each other, as relations.py says; 3 where a verdict is not the committed one."""
    from rankkit.reported import collect, pictures

    found = collect(options.path)
    if not found.papers:
        raise ValueError(f"{', '.join(options.path)} holds no claims and no relations.py; see `rankkit verify --help`.")
    _tell(options, found)
    if options.pictures:
        import matplotlib as mpl

        mpl.use("Agg")
        say(f"wrote {len(pictures(found, Path(options.pictures)))} pictures to {options.pictures}")
    changes = found.changed(json.loads(Path(options.against).read_text())) if options.against else []
    for change in changes:
        say(f"changed: {change}")
    return 3 if changes else 0


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
        from rankkit.store import write_atomically

        say(f"wrote {write_atomically(options.html, lambda file: file.write(found.to_html().encode()))}")


def _recheck(options: argparse.Namespace) -> int:
    """Compute every certificate's margin again; 3 if one does not hold."""
    from rankkit.claims.certificates import certificates_in
    from rankkit.claims.ledger import collect

    claims = {claim.id: claim for claim in collect(options.path)}
    certificates = certificates_in(Path(options.recheck).read_text())
    status: list[str] = []
    for certificate in certificates:
        if certificate.claim not in claims:
            raise ValueError(f"there is no claim {certificate.claim} in {', '.join(options.path)}.")
        status.append("confirmed" if certificate.recheck(claims[certificate.claim]) else "REJECTED")
    emit(options, {"claim": [certificate.claim for certificate in certificates], "certificate": status})
    return 3 if "REJECTED" in status else 0
