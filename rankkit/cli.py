"""The command line: rankkit sweep, audit, compare, truncate, verify, predict.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rankkit.commands import audit, compare, figures, predict, sweep, truncate, verify
from rankkit.commands.shared import EPILOG

__all__ = ["main"]

COMMANDS = (sweep, audit, compare, truncate, verify, predict, figures)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except BrokenPipeError:  # the reader of stdout (head, less) left; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print(": ".join(["rankkit", "interrupted", *map(str, stop.args)]), file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ArithmeticError, ImportError) as error:
        print(f"rankkit {options.command}: {error}", file=sys.stderr)
        return options.trouble


def _parser() -> argparse.ArgumentParser:
    from rankkit import __version__

    parser = argparse.ArgumentParser(
        prog="rankkit", description="Spectral analysis of low-rank adaptation, delta = phi(B A).", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"rankkit {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
