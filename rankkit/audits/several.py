"""The audits of several adapters as one table, with a column that says which adapter a row is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rankkit.audits.record import Audit
from rankkit.checkpoints.layer import Skipped
from rankkit.checkpoints.module_names import split_adapter, with_adapter

__all__ = ["labelled", "together"]


def labelled(report: Audit) -> Audit:
    """Return an audit whose modules are called path[adapter] with the two apart: the columns module and adapter."""
    parts = [split_adapter(name) for name in report.columns["module"]]
    rest = {name: values for name, values in report.columns.items() if name != "module"}
    columns = {"module": [path for path, _ in parts], "adapter": [adapter for _, adapter in parts], **rest}
    return replace(report, columns=columns)


def together(source: str, reports: Mapping[str, Audit | ValueError]) -> Audit:
    """Return one audit of several adapters; spectra are kept as module[adapter].

    Parameters
    ----------
    source : str
        What they have in common.
    reports : mapping of str to Audit or ValueError
        By adapter; an error is why one could not be read, which becomes an entry of `skipped`.

    Raises
    ------
    ValueError
        If none could be read.
    """
    known = {name: report for name, report in reports.items() if isinstance(report, Audit)}
    if not known:
        raise ValueError("; ".join(f"{name}: {error}" for name, error in reports.items()))
    names = dict.fromkeys(name for report in known.values() for name in report.columns)
    columns = {name: [value for report in known.values() for value in report.columns[name]] for name in names}
    labels = [adapter for adapter, report in known.items() for _ in report.columns["module"]]
    modules = columns.pop("module")
    spectra = {
        with_adapter(module, adapter): values
        for adapter, report in known.items() for module, values in report.spectra.items()
    }  # fmt: skip
    skipped = [
        entry._replace(key=f"{adapter}/{entry.key}") for adapter, report in known.items() for entry in report.skipped
    ]
    skipped += [
        Skipped(adapter, (), str(report)) for adapter, report in reports.items() if isinstance(report, ValueError)
    ]
    return Audit(
        source, {"module": modules, "adapter": labels, **columns}, spectra, tuple(skipped),
        use_rslora=any(report.use_rslora for report in known.values()),
    )  # fmt: skip
