"""Run coqc on every file beside this one and write checked.json; status 3 where that differs from what is committed."""

import json
import sys
from pathlib import Path

from rankkit.claims.proofs.theorems import RECORD, accepted

FOLDER = Path(__file__).parent


def main() -> int:
    """Return the exit status: 0 where coqc accepts all files and nothing has changed, 3 where the record is new."""
    try:
        found = accepted(FOLDER)
    except FileNotFoundError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 0
    count = sum(len(file["theorems"]) for file in found["files"].values())
    print(f"{found['version']} accepted {count} theorems in {len(found['files'])} files", file=sys.stderr)
    before = json.loads((FOLDER / RECORD).read_text()) if (FOLDER / RECORD).exists() else {}
    (FOLDER / RECORD).write_text(f"{json.dumps(found, indent=1, ensure_ascii=False)}\n")
    return 0 if found == before else 3


if __name__ == "__main__":
    sys.exit(main())
