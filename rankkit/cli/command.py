"""A command as it declares itself: its options in groups, which of them are used when, and three examples."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

__all__ = [
    "STATUSES", "Choice", "Command", "Group", "OneOf", "Option", "UsageError", "excludes", "exit_statuses", "needs",
]  # fmt: skip

WIDTH = 80  # characters of a line of the description
STATUSES = {  # an option -> the exit statuses that it adds
    "--fail-on": "3 a --fail-on condition holds",
    "--against": "3 a verdict differs from --against",
    "--recheck": "3 a counterexample of --recheck is not confirmed",
    "--merged": "3 a module is not applied in --merged, 4 one could not be checked",
}


def exit_statuses(names: Container[str]) -> str:
    """Return the end of a help text: the exit statuses of a command that takes these options."""
    usual = "exit status: 0 done, 1 an input could not be analysed, 2 wrong usage"
    return ",\n  ".join([usual, *(text for name, text in STATUSES.items() if name in names)])


class UsageError(ValueError):
    """The command line contradicts itself, or asks for what the command cannot do: exit status 2."""


@dataclass(frozen=True)
class Option:
    """One argument of a command.

    Attributes
    ----------
    names : tuple of str
        How it is written, such as ("-o", "--output"); a name without dashes is positional.
    help : str
        A sentence. The default is added to it.
    read : callable
        What the word after it means.
    default : object
        The value where the user does not give it.
    to : str
        The attribute that holds the value, where it is not the last name's.
    flag : object
        The value where it is given without a word after it.
    nargs : {"?", "*", "+"}, optional
        How many words a positional argument takes; "?" with a flag: an option whose word may be left out.
    repeated : bool
        Whether it may be given several times; the values are gathered in a list.
    writes : bool
        Whether it names a file that is written: two of them must not be the same.
    """

    names: tuple[str, ...]
    help: str
    read: Callable[[str], Any] = str
    default: Any = None
    metavar: str | None = None
    to: str | None = None
    choices: tuple[str, ...] = ()
    flag: Any = None
    nargs: Literal["?", "*", "+"] | None = None
    required: bool = False
    repeated: bool = False
    writes: bool = False

    @property
    def name(self) -> str:
        """The name that messages use: the long one."""
        return self.names[-1]

    @property
    def dest(self) -> str:
        """The attribute of the parsed options that holds the value."""
        return self.to or self.name.lstrip("-").replace("-", "_")

    def add(self, container: Any) -> None:
        """Add the option to an argparse parser or group; an option that is not given leaves no trace there."""
        how: dict[str, Any] = {"help": self._shown().replace("%", "%%"), "default": argparse.SUPPRESS}
        if self.name.startswith("-"):
            how |= {"dest": self.dest, "required": self.required}
        if self.flag is not None and self.nargs is None:
            how |= {"action": "store_const", "const": self.flag}
        else:
            how |= {"type": self.read, "metavar": self.metavar, "action": "append" if self.repeated else "store"}
            how |= {"choices": self.choices} if self.choices else {}
            how |= {"nargs": self.nargs} if self.nargs else {}
            how |= {"const": self.flag} if self.flag is not None else {}
        container.add_argument(*self.names, **how)

    def _shown(self) -> str:
        """Return the sentence of the help, with the default in it."""
        if _absent(self.default):
            return self.help
        value = f"{self.default:g}" if isinstance(self.default, float) else self.default
        value = f"{value}s" if self.metavar == "TIME" else value
        return f"{self.help.removesuffix('.')} (default: {value})."


@dataclass(frozen=True)
class OneOf:
    """Options of which the user may give one; must, where it is required."""

    options: tuple[Option, ...]
    required: bool = False


@dataclass(frozen=True)
class Group:
    """Options under one heading of the help."""

    title: str
    members: tuple[Option | OneOf, ...]

    @property
    def options(self) -> Iterator[Option]:
        """The options, one after another."""
        for member in self.members:
            yield from member.options if isinstance(member, OneOf) else [member]

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add the group to a parser."""
        group = parser.add_argument_group(self.title)
        for member in self.members:
            if isinstance(member, OneOf):
                exclusive = group.add_mutually_exclusive_group(required=member.required)
                for option in member.options:
                    option.add(exclusive)
            else:
                member.add(group)


@dataclass(frozen=True)
class Choice:
    """A decision of the user that makes some options useful and others useless.

    Attributes
    ----------
    decided : callable
        Parsed options -> what they ask for, in words that go on from "is used ...".
    uses : mapping
        Such words -> the options that this decision uses. An option that stands here has no use with any other one.
    advice : str
        What to do about an option that has no use.
    """

    decided: Callable[[argparse.Namespace], str]
    uses: Mapping[str, tuple[str, ...]]
    advice: str = "leave one of them out"

    def check(self, given: Iterable[Option], options: argparse.Namespace) -> None:
        """Raise a UsageError if an option was given that the decision does not use."""
        decision = self.decided(options)
        for option in given:
            users = [state for state, used in self.uses.items() if option.name in used]
            if users and decision not in users:
                raise UsageError(f"{option.name} is used {' or '.join(users)}, not {decision}; {self.advice}.")


def needs(needed: Option, *options: str) -> Choice:
    """Return the choice that options are used only where another one is given."""
    return Choice(partial(_with, needed), {f"with {needed.name}": options}, f"add {needed.name} or leave it out")


def excludes(other: Option, *options: str) -> Choice:
    """Return the choice that options are used only where another one is not given."""
    return Choice(partial(_with, other), {f"without {other.name}": options})


def _with(option: Option, parsed: argparse.Namespace) -> str:
    """Return whether an option was given, as a Choice says it."""
    return f"{'without' if _absent(getattr(parsed, option.dest)) else 'with'} {option.name}"


def _absent(value: object) -> bool:
    """Return whether a value is what an option has that was not given, and no number."""
    return value is None or value is False or value == ()


@dataclass(frozen=True)
class Command:
    """One command of `rankkit`.

    Attributes
    ----------
    name, summary, about : str
        The word after `rankkit`, a line about what it does, and what is to be known beside that.
    examples : tuple of str
        Command lines that work as they stand.
    groups : tuple of Group
        Every option it takes.
    choices : tuple of Choice
        Which of them are used when. What no choice names is always used.
    run : callable
        Parsed options -> exit status.
    trouble : int
        The exit status of a value that the work refuses.
    columns : mapping of str to str
        What stands above a column of the printed tables -> what it means, where that does not explain itself.
    """

    name: str
    summary: str
    about: str
    examples: tuple[str, ...]
    groups: tuple[Group, ...]
    run: Callable[[argparse.Namespace], int]
    choices: tuple[Choice, ...] = field(default=())
    trouble: int = 1
    columns: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        known = {option.name for option in self.options}
        unknown = {name for choice in self.choices for used in choice.uses.values() for name in used} - known
        assert not unknown, f"{self.name} has no {unknown}"

    @property
    def options(self) -> list[Option]:
        """Every option, in the order of the help."""
        return [option for group in self.groups for option in group.options]

    def add(self, commands: Any) -> None:
        """Add the command to argparse's table of commands."""
        examples = "\n".join(f"  {example}" for example in self.examples)
        description = "\n".join(fill(line, WIDTH) for line in (self.summary, *self.about.splitlines()))
        statuses = exit_statuses({option.name for option in self.options})
        meanings = [
            fill(f"{head}: {text}", WIDTH, initial_indent="  ", subsequent_indent="      ")
            for head, text in self.columns.items()
        ]
        columns = "\n".join(["columns of the tables:", *meanings, "", ""]) if meanings else ""
        parser = commands.add_parser(
            self.name, help=self.summary.replace("%", "%%"), description=description,
            epilog=f"{columns}examples:\n{examples}\n\n{statuses}", allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        for group in self.groups:
            group.add(parser)

    def settled(self, parsed: argparse.Namespace) -> argparse.Namespace:
        """Return the options with their defaults filled in, once what was given is found to be used.

        Raises
        ------
        UsageError
            If one is not, or two of the files to write are the same.
        """
        options = argparse.Namespace(**{option.dest: option.default for option in self.options} | vars(parsed))
        given = [option for option in self.options if hasattr(parsed, option.dest)]
        for choice in self.choices:
            choice.check(given, options)
        files = [Path(getattr(options, option.dest)).resolve() for option in given if option.writes]
        if twice := [file.name for file in files if files.count(file) > 1]:
            raise UsageError(f"two options write the file {twice[0]!r}; name a file for each.")
        return options
