"""The command line: rankkit sweep, audit, compare, truncate, watch, verify, predict, figures.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from rankkit.cli.audit import AUDIT
from rankkit.cli.command import STATUSES, Command, UsageError, exit_statuses
from rankkit.cli.compare import COMPARE
from rankkit.cli.figures import FIGURES
from rankkit.cli.output import say
from rankkit.cli.predict import PREDICT
from rankkit.cli.sweep import SWEEP
from rankkit.cli.truncate import TRUNCATE
from rankkit.cli.verify import VERIFY
from rankkit.cli.watch import WATCH
from rankkit.version import __version__

__all__ = ["COMMANDS", "main"]

LONGEST = 2000  # characters of an error message: a stranger's file may put any number of its own into one
SIGNALLED = 128  # plus the signal's number: the exit status of what a signal ended, as shells count
COMMANDS = (SWEEP, AUDIT, COMPARE, TRUNCATE, WATCH, VERIFY, PREDICT, FIGURES)

ABOUT = """\
Measure how much rank a low-rank adapter has, and how that rank grows under a
non-linear rule: a rule phi turns the product B A into the update
delta = phi(B A)."""
NEXT_STEPS = f"""\
next steps:
  rankkit audit --sample       audit the small trained adapter that comes with rankkit
  rankkit COMMAND --help       the options of a command, with three examples to copy

{exit_statuses(STATUSES)}"""


def main(argv: Sequence[str] | None = None, *, commands: Sequence[Command] = COMMANDS) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after `rankkit`; None: those of this process.
    commands : sequence of Command
        What can be run.

    Raises
    ------
    SystemExit
        If the words cannot be parsed (status 2), or ask for help (status 0).
    """
    came = _stops() if argv is None else []
    words = sys.argv[1:] if argv is None else list(argv)
    parsed, unknown = _parser(commands).parse_known_args(["--help"] if words in ([], ["help"]) else words)
    name = vars(parsed).pop("command")
    command = next(command for command in commands if command.name == name)
    try:
        return _run(command, parsed, unknown)
    except BrokenPipeError:  # the reader of stdout (head, less) left; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        say(": ".join(["rankkit", "interrupted", *map(str, stop.args)]))
        return SIGNALLED + (came[0] if came else signal.SIGINT)
    except UsageError as error:
        say(f"rankkit {name}: {_sentence(error)}")
        return 2
    except (ValueError, TypeError) as error:
        say(f"rankkit {name}: {_sentence(error)}")
        return command.trouble
    except MemoryError as error:
        say(f"rankkit {name}: out of memory: {str(error) or 'no more can be had'}")
        return 1
    except (OSError, ArithmeticError, ImportError) as error:
        say(f"rankkit {name}: {_sentence(error)}")
        return 1


def _sentence(error: Exception) -> str:
    """Return an error's message, which a stranger's file may have made endless."""
    text = str(error)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _stops() -> list[int]:
    """Let this process end on SIGTERM (a batch system) and SIGHUP (a closed terminal) as on Ctrl-C.

    Returns a list, which holds the signal once it came. What nohup ignores stays ignored.
    """
    came: list[int] = []

    def stop(number: int, _frame: object) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    return came


def _run(command: Command, parsed: argparse.Namespace, unknown: Sequence[str]) -> int:
    """Return the exit status of a command whose words were parsed, but for those that it does not know."""
    if unknown:
        word = unknown[0]
        near = _near(word.partition("=")[0], command)
        raise UsageError(f"the command takes no {word}; {near}`rankkit {command.name} --help` shows what it takes.")
    return command.run(command.settled(parsed))


def _near(word: str, command: Command) -> str:
    """Return the question whether an option was meant that is written nearly like a word; no text where none is."""
    names = [name for option in command.options for name in option.names if name.startswith("--")]
    near = [name for name in names if word.startswith(name)] or get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}? " if near and word.startswith("--") else ""


class _Parser(argparse.ArgumentParser):
    """A parser that says in one sentence what is wrong, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        if message.endswith("expected one argument"):
            message += ", and one that begins with a dash is written after =, as in --name=-1"
        self.exit(2, f"{self.prog}: {message.rstrip('.')}; `{self.prog} --help` shows what it takes.\n")


def _parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rankkit", description=ABOUT, epilog=NEXT_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"rankkit {__version__}")
    table = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in commands:
        command.add(table)
    return parser


if __name__ == "__main__":
    sys.exit(main())
