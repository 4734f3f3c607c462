"""What every command shares: options, formats, and where data and words go."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rankkit.cli.arguments import non_negative, number, writable

__all__ = [
    "EPILOG", "LAWS", "RULES", "command", "emit", "format_of", "law_named", "law_options", "picture", "rule_named",
    "rule_options", "say", "write",
]  # fmt: skip

RULES = ("sine", "sinter", "relu", "leaky_relu", "sigmoid", "tanh", "swish", "gelu")
LAWS = ("kaiming_uniform", "xavier_uniform", "uniform", "normal")
EPILOG = "exit status: 0 done, 1 could not analyse, 2 usage, 3 a --fail-on gate tripped"


def command(commands: Any, name: str, run: Callable[[Any], int], summary: str, example: str, trouble: int) -> Any:
    """Return a command's parser with what all share: --format, --output, --plot, --rtol, --no-progress.

    `trouble` is the exit status when it cannot do what was asked.
    """
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example:\n  {example}\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run, trouble=trouble)
    parser.add_argument("--format", choices=("text", "json", "csv", "markdown"), help="what to print (default: text)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=writable, help="write the data there instead of to stdout"
    )
    parser.add_argument("--plot", metavar="FILE", type=writable, help="draw a picture (.png, .svg, .pdf)")
    parser.add_argument(
        "--rtol", type=non_negative, help="rank tolerance relative to sigma_1 (default: max(m, n) eps(float32))"
    )
    parser.add_argument("--no-progress", dest="progress", action="store_false", default=None, help="no progress bar")
    return parser


def law_options(parser: Any) -> None:
    """Add the law of the factors."""
    parser.add_argument(
        "--init", choices=LAWS, default="kaiming_uniform", help="law of the factors (default: kaiming_uniform)"
    )
    parser.add_argument("--a", type=number, default=0.0, help="kaiming_uniform's a: 0 (default), or LoRA's sqrt(5)")


def law_named(options: argparse.Namespace) -> Any:
    """Return the Initializer that --init and --a name."""
    from rankkit import initializers

    if options.init == "kaiming_uniform":
        return initializers.KaimingUniform(a=options.a)
    return initializers.INITIALIZERS[options.init]()


def rule_options(parser: Any) -> None:
    """Add what rules take beside their frequency."""
    parser.add_argument("--gain", type=non_negative, help="divisor of the sine (default: the root of the rows)")
    parser.add_argument("--amplitude", type=number, default=5e-5, help="Sinter's amplitude (default: 5e-5)")


def rule_named(name: str, options: argparse.Namespace) -> Callable[[float], Any]:
    """Return omega -> Rule."""
    from rankkit import rules

    if name == "sine":
        return partial(rules.Sine, gain=options.gain)
    if name == "sinter":
        return partial(rules.Sinter, options.amplitude)
    return partial(rules.Activation, name)


def format_of(options: argparse.Namespace) -> str:
    """Return what --format says, else what the output file's ending says, else text."""
    endings = {".json": "json", ".csv": "csv", ".md": "markdown"}
    return options.format or endings.get(Path(options.output or "").suffix, "text")


def emit(options: argparse.Namespace, columns: dict[str, Any]) -> None:
    """Print a table in the format that was asked for."""
    from rankkit.report.tables import FORMATS

    write(options, FORMATS[format_of(options)](columns))


def write(options: argparse.Namespace, text: str) -> None:
    """Print text, or write it to --output, whole or not at all."""
    if options.output is None:
        print(text, flush=True)
        return
    from rankkit.files import write_atomically

    data = f"{text}\n".encode()
    say(f"wrote {write_atomically(options.output, lambda file: file.write(data))}")


def picture(axes: Any, file: str) -> None:
    """Write the figure that holds the axes."""
    from rankkit.files import write_atomically

    figure, suffix = axes[0].figure, Path(file).suffix.removeprefix(".") or "png"
    if suffix not in figure.canvas.get_supported_filetypes():
        raise ValueError(f"--plot cannot write .{suffix} files; name a .png, .svg or .pdf file.")
    say(f"wrote {write_atomically(file, lambda out: figure.savefig(out, format=suffix))}")


def say(text: str) -> None:
    """Tell the user something that is not data."""
    print(text, file=sys.stderr)
