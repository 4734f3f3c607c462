"""Options that several commands have: what to print, the rule, the law of the factors, the device."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from rankkit.cli.arguments import ENDINGS, data_file, drawing, number, positive, size, tolerance
from rankkit.cli.command import Choice, Option, UsageError, needs

__all__ = [
    "ALL", "AMPLITUDE", "COUNTED", "DEVICE", "FAMILIES", "FAMILY", "FORMAT", "GAIN", "INIT", "LAW_CHOICE", "MEASURED",
    "MEMORY", "MEMORY_CHOICE", "METRICS", "OUTPUT", "PLOT", "PROGRESS", "RTOL", "RULES", "SAMPLES", "SPREAD",
    "check_device", "check_family", "law_named", "rule_choice", "rule_named",
]  # fmt: skip

# what to print, and where
FORMAT = Option(
    ("--format",),
    "What to print: text, json, csv or markdown (default: from the extension of the file given with -o, otherwise "
    "text).",
    choices=("text", "json", "csv", "markdown"), metavar="FORMAT",
)  # fmt: skip
OUTPUT = Option(
    ("-o", "--output"), "Write the data to this file instead of stdout: JSON for .json, CSV for .csv, Markdown for "
    ".md, otherwise text.", read=data_file, metavar="FILE", writes=True,
)  # fmt: skip
PLOT = Option(
    ("--plot",), f"Draw a picture and write it to this file ({ENDINGS}).", read=drawing, metavar="FILE",
    writes=True,
)  # fmt: skip
PROGRESS = Option(("--no-progress",), "Show no progress bar.", to="progress", flag=False)

# how a rank is counted
RTOL = Option(
    ("--rtol",),
    "The tolerance of numerical_rank, which counts the singular values above RTOL * sigma_1; sigma_1 is the largest "
    "one (default: max(rows, columns) * 2^-23).",
    read=tolerance, metavar="RTOL",
)  # fmt: skip

# The help must not load what defines these names; a test compares them.
FAMILIES = (
    "sine", "loran", "adapters", "vera", "randlora", "delora", "kohya", "diffusers", "cloneofsimo", "gguf",
    "torchtune", "megatron", "mlx", "loralib", "peft", "pairs",
)  # fmt: skip
SAMPLES = (
    "lora", "rslora", "dora", "adalora", "vera", "loha", "sine", "sine-dora", "adasine", "loran", "lr-lora",
)  # fmt: skip
METRICS = (
    "spectral_norm", "frobenius_norm", "nuclear_norm", "stable_rank", "numerical_rank", "effective_rank",
    "effective_rank_energy", "participation_ratio", "energy_rank_90", "energy_rank_95", "energy_rank_99",
    "condition_number",
)  # fmt: skip
COUNTED = (
    "modules", "skipped_tensors", "dead_modules", "assumed_modules", "zero_modules", "nonfinite_modules",
    "unpaired_modules", "unsupported_modules", "ok_modules",
)  # fmt: skip
MEASURED = (
    "stable_rank", "numerical_rank", "effective_rank", "effective_rank_energy", "participation_ratio",
    "energy_rank_90", "energy_rank_95", "energy_rank_99", "utilization", "spectral_norm", "frobenius_norm", "scale",
    "r",
)  # fmt: skip

# how an adapter is read
ALL = Option(
    ("--all",),
    "Measure every adapter in the folder and in its subfolders, such as the checkpoints of a run, into one table; the "
    "column adapter says which.",
    default=False, flag=True,
)  # fmt: skip
FAMILY = Option(
    ("--family",),
    f"Read the adapter in this format: {', '.join(FAMILIES)} (default: recognised from the tensor names and the "
    "configuration).",
    metavar="NAME",
)  # fmt: skip

# phi, which makes the update
RULES = ("sine", "sinter", "relu", "leaky_relu", "sigmoid", "tanh", "swish", "gelu")
GAIN = Option(
    ("--gain",), "Divide the sine by this number (default: the square root of the number of rows).", read=positive,
    metavar="NUMBER",
)  # fmt: skip
AMPLITUDE = Option(
    ("--amplitude",), "The amplitude of sinter, which is x + amplitude * x * sin(omega * x) for every entry x of B A.",
    read=number, default=5e-5, metavar="NUMBER",
)  # fmt: skip

# the law of random factors
LAWS = ("kaiming_uniform", "xavier_uniform", "uniform", "normal")
INIT = Option(
    ("--init",), f"The distribution from which the entries of the factors are drawn: {', '.join(LAWS)}.",
    default="kaiming_uniform", choices=LAWS, metavar="DISTRIBUTION",
)  # fmt: skip
SPREAD = Option(
    ("--a",), "The parameter a of kaiming_uniform; PEFT's LoRA uses sqrt(5) = 2.236 for A.", read=number, default=0.0,
    metavar="NUMBER",
)  # fmt: skip
LAW_CHOICE = Choice(lambda options: f"with --init {options.init}", {"with --init kaiming_uniform": ("--a",)})

# where the work is done
DEVICE = Option(
    ("--device",), "Compute on this torch device, for instance cuda (default: numpy on the CPU).", metavar="DEVICE"
)
MEMORY = Option(
    ("--memory",),
    "Memory that rankkit may use on the device, for instance 4GB or 512MB (default: most of what is free on a GPU, "
    "1 GiB on the CPU).",
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
    from rankkit.checks import torch_device

    try:
        torch_device("--device", options.device)
    except ValueError as error:
        raise UsageError(str(error)) from None
