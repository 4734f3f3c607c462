"""Options that several commands have: what to print, the rule, the law of the factors, the device."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from rankkit.cli.arguments import drawing, non_negative, number, positive, size, writable
from rankkit.cli.command import Choice, Option, UsageError, needs

__all__ = [
    "AMPLITUDE", "DEVICE", "FAMILY", "FORMAT", "GAIN", "INIT", "LAW_CHOICE", "MEMORY", "MEMORY_CHOICE", "OUTPUT",
    "PLOT", "PROGRESS", "RTOL", "RULES", "SPREAD", "check_device", "check_family", "law_named", "rule_choice",
    "rule_named",
]  # fmt: skip

# what to print, and where
FORMAT = Option(
    ("--format",),
    "What to print: text, json, csv or markdown (default: as the output file's name ends, else text).",
    choices=("text", "json", "csv", "markdown"), metavar="FORMAT",
)  # fmt: skip
OUTPUT = Option(
    ("-o", "--output"), "Write the data to this file instead of to stdout.", read=writable, metavar="FILE", writes=True
)
PLOT = Option(
    ("--plot",), "Draw a picture into this file (.png, .svg, .pdf).", read=drawing, metavar="FILE", writes=True
)
PROGRESS = Option(("--no-progress",), "Show no progress bar.", to="progress", flag=False)

# how a rank is counted
RTOL = Option(
    ("--rtol",),
    "Singular values up to RTOL sigma_1 do not count in numerical_rank (default: max(rows, columns) eps(float32)).",
    read=non_negative, metavar="RTOL",
)  # fmt: skip

# how an adapter is read
FAMILY = Option(
    ("--family",), "Read the adapter as peft, kohya, diffusers, mlx, ... (default: what its keys tell).", metavar="NAME"
)

# phi, which makes the update
RULES = ("sine", "sinter", "relu", "leaky_relu", "sigmoid", "tanh", "swish", "gelu")
GAIN = Option(
    ("--gain",), "The sine is divided by this (default: the square root of the number of rows).", read=positive,
    metavar="NUMBER",
)  # fmt: skip
AMPLITUDE = Option(("--amplitude",), "The amplitude of the sinter rule.", read=number, default=5e-5, metavar="NUMBER")

# the law of random factors
LAWS = ("kaiming_uniform", "xavier_uniform", "uniform", "normal")
INIT = Option(
    ("--init",), f"The law from which the factors are drawn: {', '.join(LAWS)}.", default="kaiming_uniform",
    choices=LAWS, metavar="LAW",
)  # fmt: skip
SPREAD = Option(
    ("--a",), "The parameter a of kaiming_uniform; LoRA takes sqrt(5) = 2.236.", read=number, default=0.0,
    metavar="NUMBER",
)  # fmt: skip
LAW_CHOICE = Choice(lambda options: f"with --init {options.init}", {"with --init kaiming_uniform": ("--a",)})

# where the work is done
DEVICE = Option(
    ("--device",), "Compute on this torch device, for instance cuda (default: numpy on the CPU).", metavar="DEVICE"
)
MEMORY = Option(
    ("--memory",), "Bytes it may use on the device, for instance 4GB or 512MB (default: most of what is free there).",
    read=size, metavar="SIZE",
)  # fmt: skip
MEMORY_CHOICE = needs(DEVICE, "--memory")


def rule_choice(flag: str, decided: Callable[[argparse.Namespace], str | None], *of_sine: str) -> Choice:
    """Return the choice of a rule: --gain and the options `of_sine` belong to the sine, --amplitude to sinter.

    Parameters
    ----------
    flag : str
        The option that names the rule.
    decided : callable
        Parsed options -> the rule's name; None: none is chosen.
    *of_sine : str
        Further options that belong to the sine.
    """

    def state(name: str | None) -> str:
        return f"with {flag} {name}" if name else f"without {flag}"

    uses = {"sine": ("--gain", *of_sine), "sinter": ("--amplitude",)}
    return Choice(lambda options: state(decided(options)), {state(name): used for name, used in uses.items()})


def rule_named(name: str, options: argparse.Namespace) -> Callable[[float], Any]:
    """Return omega -> Rule, with what --gain and --amplitude say."""
    from rankkit import rules

    if name == "sine":
        return partial(rules.Sine, gain=options.gain)
    if name == "sinter":
        return partial(rules.Sinter, options.amplitude)
    return partial(rules.Activation, name)


def law_named(options: argparse.Namespace) -> Any:
    """Return the Initializer that --init and --a name."""
    from rankkit import initializers

    if options.init == "kaiming_uniform":
        return initializers.KaimingUniform(a=options.a)
    return initializers.INITIALIZERS[options.init]()


def check_family(options: argparse.Namespace) -> None:
    """Raise a UsageError unless --family names a family of adapters."""
    from rankkit.checkpoints import READERS

    if options.family is not None and options.family not in READERS:
        raise UsageError(f"--family must be one of {', '.join(READERS)}, got {options.family!r}; or leave it out.")


def check_device(options: argparse.Namespace) -> None:
    """Raise a UsageError unless torch can use the --device here."""
    if options.device is None:
        return
    import torch

    try:
        torch.empty(1, device=options.device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--device must be one that torch can use here, got {options.device!r}: {reason}") from None
