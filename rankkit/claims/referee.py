"""The ledger as a referee reads it: the findings that matter most, one line a claim, and details that fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rankkit.report.verdict_ledger import escaped, table_row

__all__ = ["kind_of", "referees_view"]

_PARTS = (
    ("Read as", "reading"),
    ("Evidence", "evidence"),
    ("Why", "argument"),
    ("The nearest true statement", "corrected"),
    ("Corrects", "corrects"),
)
Record = Mapping[str, Any]


def kind_of(record: Record) -> str:
    """Return a record's verdict with its kind: by which engine it is proved, or that it is not.

    Parameters
    ----------
    record : mapping
        Of a ledger of claims.

    Examples
    --------
    >>> kind_of({"verdict": "HOLDS_UNDER", "proved": False, "proof": None})
    'HOLDS_UNDER (unrefuted)'
    """
    word, proof = record["verdict"], record["proof"]
    if proof:
        return f"{word} ({'' if word == 'PROVED' else 'proved, '}{proof['kind']})"
    if word == "HOLDS_UNDER":
        return f"{word} (unrefuted)"
    return f"{word} (certified)" if record.get("certificate") else word


def referees_view(records: Sequence[Record], summary: str) -> str:
    """Return the ledger as Markdown.

    Parameters
    ----------
    records : sequence of mapping
        Of the claims, in order.
    summary : str
        One sentence on all of them.
    """
    lines = ["# What the papers state", "", summary, "", _upheld(records), ""]
    findings = [record for record in records if record["finding"]]
    if findings:
        lines += ["## What matters most", ""]
        lines += [f"{i}. **{r['id']}, {r['location']}.** {r['finding']}" for i, r in enumerate(findings, 1)] + [""]
    for paper in dict.fromkeys(record["paper"] for record in records):
        mine = [record for record in records if record["paper"] == paper]
        lines += [f"## {paper or 'Claims'}", "", "| claim | what is stated | where | verdict |", "|:--|:--|:--|:--|"]
        lines += [table_row(r["id"], r["statement"], r["location"], kind_of(r)) for r in mine]
        lines += ["", "<details><summary>Readings, evidence and arguments</summary>", ""]
        for record in mine:
            lines += [*_details(record), ""]
        lines += ["</details>", ""]
    return "\n".join(lines)


def _upheld(records: Sequence[Record]) -> str:
    """Return one sentence on how many of the claims that hold are proved, and how many of these by a theorem."""
    upheld = [record for record in records if record["proved"] is not None]
    proofs = [record["proof"] for record in upheld if record["proved"]]
    rocq = sum(proof["kind"] == "theorem" for proof in proofs)
    by_theorem = f", {rocq} of them by theorems in Rocq, most of which hold for matrices of any size" if rocq else ""
    return (
        f"Of {len(upheld)} claims that hold, {len(proofs)} are proved by machine{by_theorem}. FAILS is certified: the "
        "instance that violates the statement is in the record."
    )


def _details(record: Record) -> list[str]:
    lines = [f"**{record['id']}** ({record['kind']}, {record['location']}): {escaped(record['statement'])}", ""]
    lines += [f"{label}: {escaped(record[name])}  " for label, name in _PARTS if record[name]]
    if proof := record["proof"]:
        given = f" Taken as given: {'; '.join(proof['facts'])}." if proof["facts"] else ""
        place = f" in {proof['file']}" if proof["file"] else ""
        lines.append(f"Proof{place}: `{proof['statement']}` for {proof['domain']}, by {proof['checker']}.{given}  ")
    elif record["no_proof"]:
        why = "; ".join(f"{engine}: {reason}" for engine, reason in record["no_proof"].items())
        lines.append(f"No proof: {escaped(why)}  ")
    return lines
