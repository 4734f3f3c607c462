"""The command line: rankkit sweep, rankkit audit. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rankkit.arguments import frequencies, gate, non_negative, number, positive_int, writable

__all__ = ["main"]

_ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "swish", "gelu")
_LAWS = ("kaiming_uniform", "xavier_uniform", "uniform", "normal")
EPILOG = "exit status: 0 done, 1 could not analyse, 2 usage, 3 a --fail-on gate tripped"


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
    _add_sweep(commands)
    _add_audit(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[Any], int], summary: str, example: str, trouble: int) -> Any:
    command = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example:\n  {example}\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.set_defaults(run=run, trouble=trouble)
    command.add_argument("--format", choices=("text", "json", "csv", "markdown"), help="what to print (default: text)")
    command.add_argument(
        "-o", "--output", metavar="FILE", type=writable, help="write the data there instead of to stdout"
    )
    command.add_argument("--plot", metavar="FILE", type=writable, help="draw a picture (.png, .svg, .pdf)")
    command.add_argument(
        "--rtol", type=non_negative, help="rank tolerance relative to sigma_1 (default: max(m, n) eps(float32))"
    )
    command.add_argument("--no-progress", dest="progress", action="store_false", default=None, help="no progress bar")
    return command


def _add_sweep(commands: Any) -> None:
    sweep = _command(
        commands, "sweep", _sweep, "measure how the rank of phi(omega B A) grows with the frequency omega",
        "rankkit sweep --d 512 --r 2 --omegas 1:1000:40:log --seeds 10 --plot curve.png", trouble=2,
    )  # fmt: skip
    sweep.add_argument("--d", type=positive_int, default=512, help="rows of the update (default: 512)")
    sweep.add_argument("--n", type=positive_int, help="columns of the update (default: d)")
    sweep.add_argument("--r", type=positive_int, default=2, help="rank of the factors (default: 2)")
    sweep.add_argument(
        "--omegas", type=frequencies, metavar="LIST",
        help="1,10,100 or FIRST:LAST:COUNT or FIRST:LAST:COUNT:log (default: staircase to plateau)",
    )  # fmt: skip
    sweep.add_argument("--seeds", type=positive_int, help="how many random draws (default: 5)")
    sweep.add_argument(
        "--protocol", choices=("adasine",), help="a published setting: adasine is omega = 1..1000, 100 seeds, rank only"
    )
    sweep.add_argument("--rule", choices=("sine", "sinter", *_ACTIVATIONS), default="sine", help="phi (default: sine)")
    sweep.add_argument("--gain", type=non_negative, help="divisor of the sine (default: sqrt(d))")
    sweep.add_argument("--amplitude", type=number, default=5e-5, help="Sinter's amplitude (default: 5e-5)")
    sweep.add_argument(
        "--init", choices=_LAWS, default="kaiming_uniform", help="law of the factors (default: kaiming_uniform)"
    )
    sweep.add_argument("--a", type=number, default=0.0, help="kaiming_uniform's a: 0 (default), or LoRA's sqrt(5)")
    sweep.add_argument("--metrics", type=lambda text: text.split(","), metavar="LIST",
                       help="comma-separated (default: numerical_rank,stable_rank)")  # fmt: skip
    sweep.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="working precision of the update"
    )
    sweep.add_argument("--device", help="torch device, e.g. cuda (default: numpy on the CPU)")
    sweep.add_argument("--memory", type=positive_int, metavar="BYTES", help="what the torch device may use")
    sweep.add_argument("--n-jobs", type=positive_int, help="workers (default: all cores); results do not depend on it")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster, e.g. tcp://host:8786")
    sweep.add_argument(
        "--store", metavar="FOLDER", help="keep every finished chunk there; the same command goes on where it stopped"
    )
    sweep.add_argument("--save", metavar="FOLDER", help="keep the whole sweep (sweep.csv, sweep.json) for Sweep.load")


def _add_audit(commands: Any) -> None:
    audit = _command(
        commands, "audit", _audit, "measure, module by module, how much of its rank a trained adapter uses",
        'rankkit audit path/to/adapter --plot audit.png --fail-on "dead_modules > 0"', trouble=1,
    )  # fmt: skip
    what = audit.add_mutually_exclusive_group(required=True)
    what.add_argument("path", nargs="*", default=[], help="adapter folders or files, of any format it knows")
    what.add_argument("--sample", action="store_true", help="the small trained adapter that comes with rankkit")
    audit.add_argument(
        "--family", metavar="NAME", help="read it as peft, kohya, diffusers, mlx, ... (default: by its keys)"
    )
    audit.add_argument("--spectra", metavar="FILE.npz", type=writable, help="write every module's singular values")
    audit.add_argument(
        "--fail-on", action="append", default=[], metavar="CONDITION", type=gate,
        help='exit 3 if it holds, e.g. "dead_modules > 0" or "min(utilization) < 0.1"; may be repeated',
    )  # fmt: skip


def _sweep(options: argparse.Namespace) -> int:
    from rankkit import execution, initializers, rules
    from rankkit.sweep import sweep_frequency

    law = initializers.INITIALIZERS[options.init]
    law = partial(law, a=options.a) if options.init == "kaiming_uniform" else law
    made: dict[str, Callable[[float], rules.Rule]] = {
        "sine": partial(rules.Sine, gain=options.gain),
        "sinter": partial(rules.Sinter, options.amplitude),
        **{name: partial(rules.Activation, name) for name in _ACTIVATIONS},
    }
    with execution.cluster(options.scheduler):
        sweep = sweep_frequency(
            options.d, options.r, n=options.n, omegas=options.omegas, seeds=options.seeds, rule=made[options.rule],
            initializer=law(), metrics=options.metrics, rtol=options.rtol, dtype=options.dtype,
            protocol=options.protocol, store=options.store, device=options.device, memory=options.memory,
            n_jobs=options.n_jobs, progress=options.progress,
        )  # fmt: skip
    if options.save:
        _say(f"wrote {sweep.save(options.save)}")
    columns: dict[str, Any] = sweep.columns
    if _format(options) in ("text", "markdown"):
        summary = sweep.summary()
        wanted = ["omega", "c", "omega_std", *(f"{m}_{what}" for m in sweep.metrics for what in ("mean", "std"))]
        columns = {name: summary[name].tolist() for name in wanted}
    _emit(options, columns)
    if options.plot:
        _picture(sweep.plot(), options.plot)
    return 0


# the audit table's columns that fit a terminal, with the words that head them there
_BRIEF = {
    "module": "module", "m": "m", "n": "n", "r": "r", "scale": "scale", "stable_rank": "stable",
    "numerical_rank": "numerical", "effective_rank": "effective", "energy_rank_90": "90% energy",
    "utilization": "stable/r", "status": "status", "note": "note",
}  # fmt: skip
_SUMMARY = {
    "kind": "kind", "modules": "modules", "ok": "ok", "dead": "dead", "r_median": "r", "stable_rank_median": "stable",
    "effective_rank_median": "effective", "energy_rank_90_median": "90% energy", "utilization_median": "stable/r",
    "utilization_min": "least", "utilization_max": "most",
}  # fmt: skip


def _audit(options: argparse.Namespace) -> int:
    from rankkit.audit import audit
    from rankkit.data import sample_adapter

    reports, failed = [], False
    for source in [sample_adapter()] if options.sample else options.path:
        try:
            reports.append(audit(source, family=options.family, rtol=options.rtol, progress=options.progress))
        except (ValueError, OSError) as error:  # the others keep their reports
            failed = True
            _say(f"rankkit audit: {error}")
    if len(reports) > 1 and (options.output or options.plot or options.spectra):
        raise ValueError("--output, --plot and --spectra take one adapter; audit them one by one.")
    if _format(options) == "json" and reports:
        records = [report.record() for report in reports]
        _write(options, json.dumps(records if len(options.path) > 1 else records[0], indent=2, allow_nan=False))
    statuses = [_report(options, report, heading=len(reports) > 1) for report in reports]
    return 1 if failed else max(statuses)


def _report(options: argparse.Namespace, report: Any, *, heading: bool) -> int:
    """Print one adapter's report and return its exit status."""
    kind = _format(options)
    if heading and kind in ("text", "markdown"):
        _write(options, f"{'## ' if kind == 'markdown' else ''}{report.source}\n")
    if kind == "csv":
        _emit(options, report.columns)
        _say(report.coverage)
    elif kind != "json":
        from rankkit.report import FORMATS

        noted = any(report.columns["note"])
        brief = {head: report.columns[name] for name, head in _BRIEF.items() if name != "note" or noted}
        summary = {head: report.summary_columns()[name] for name, head in _SUMMARY.items()}
        _write(options, "\n\n".join([FORMATS[kind](brief), FORMATS[kind](summary), report.coverage]))
    if options.spectra:
        _say(f"wrote {report.save(options.spectra)}")
    if options.plot:
        _picture(report.plot(), options.plot)
    tripped = [condition for condition in options.fail_on if condition.trips(report)]
    for condition in tripped:
        _say(f"gate tripped: {condition.text} (the value is {condition.value(report):g})")
    return 3 if tripped else 0


def _format(options: argparse.Namespace) -> str:
    """Return what --format says, else what the output file's ending says, else text."""
    endings = {".json": "json", ".csv": "csv", ".md": "markdown"}
    return options.format or endings.get(Path(options.output or "").suffix, "text")


def _emit(options: argparse.Namespace, columns: dict[str, Any]) -> None:
    from rankkit.report import FORMATS

    _write(options, FORMATS[_format(options)](columns))


def _write(options: argparse.Namespace, text: str) -> None:
    if options.output is None:
        print(text, flush=True)
        return
    from rankkit.store import write_atomically

    data = f"{text}\n".encode()
    _say(f"wrote {write_atomically(options.output, lambda file: file.write(data))}")


def _picture(axes: Any, file: str) -> None:
    from rankkit.store import write_atomically

    figure, suffix = axes[0].figure, Path(file).suffix.removeprefix(".") or "png"
    if suffix not in figure.canvas.get_supported_filetypes():
        raise ValueError(f"--plot cannot write .{suffix} files; name a .png, .svg or .pdf file.")
    _say(f"wrote {write_atomically(file, lambda out: figure.savefig(out, format=suffix))}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
