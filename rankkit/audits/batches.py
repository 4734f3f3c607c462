"""Non-linear updates on a torch device: modules of one shape and rule at once, as many as its memory holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

from rankkit.audits.update import Applied, Prepared, apply, finished, not_finite, prepare, tolerance
from rankkit.checkpoints import Layer
from rankkit.execution import device_memory
from rankkit.factors import Factors, host
from rankkit.rules import Rule
from rankkit.spectrum import Spectrum, spectrum_of

__all__ = ["apply_in_batches"]

COPIES = 6  # of an update's m n float64 numbers, while it is formed and decomposed


def apply_in_batches(
    layers: Iterable[Layer],
    rule: Rule | None,
    *,
    device: str,
    memory: int | None = None,
    exact: bool = False,
    top: int | None = None,
) -> Iterator[tuple[Layer, Applied]]:
    """Return an iterator over (layer, what became of it), in the order in which batches fill.

    Parameters
    ----------
    layers, rule, exact, top
        As for `applied.apply`, which handles every linear update.
    device : str
        Torch device.
    memory : int, optional
        Bytes a batch may take; None: most of what the device has free. Halved where the device runs out of it.
    """
    waiting: dict[Hashable, list[tuple[Layer, Prepared]]] = {}
    free = device_memory(device) if memory is None else memory
    for layer in layers:
        if (layer.rule if rule is None else rule).linear:
            yield layer, apply(layer, rule, exact=exact, top=top)
            continue
        ready = prepare(layer, rule)
        if isinstance(ready, Applied):
            yield layer, ready
            continue
        key = (ready.product.shape, ready.product.r, ready.rule)  # type: ignore[union-attr]
        batch = waiting.setdefault(key, [])
        batch.append((layer, ready))
        if len(batch) >= max(1, free // (8 * COPIES * (layer.m or 1) * (layer.n or 1))):
            yield from _together(waiting.pop(key), device, exact=exact, top=top)
    for batch in waiting.values():
        yield from _together(batch, device, exact=exact, top=top)


def _together(
    batch: Sequence[tuple[Layer, Prepared]], device: str, *, exact: bool, top: int | None
) -> Iterator[tuple[Layer, Applied]]:
    """Return an iterator over a batch's results; halves it where the device has no room."""
    try:
        spectra, plain = _spectra([ready for _, ready in batch], device, exact=exact, top=top)
    except ValueError:  # one of them is not finite: which?
        if len(batch) == 1:
            yield batch[0][0], not_finite(batch[0][1])
            return
    except RuntimeError as error:
        if len(batch) == 1 or type(error).__name__ != "OutOfMemoryError":
            raise
    else:
        for i, (layer, ready) in enumerate(batch):
            yield layer, finished(ready, _one(spectra, i), _one(plain, i))
        return
    half = len(batch) // 2
    yield from _together(batch[:half], device, exact=exact, top=top)
    yield from _together(batch[half:], device, exact=exact, top=top)


def _spectra(batch: Sequence[Prepared], device: str, *, exact: bool, top: int | None) -> tuple[Spectrum, Spectrum]:
    """Return the spectra of a stack of updates of one shape and rule, and of their B A alone."""
    products = [ready.product for ready in batch]
    stacked = Factors(*(np.stack([host(getattr(p, name)) for p in products]) for name in ("B", "A")))
    placed, rule = stacked.to(device=device), batch[0].rule
    update = rule(placed)
    with np.errstate(over="ignore", invalid="ignore"):
        error = rule.forming_error(placed)
        return (
            spectrum_of(update, top=top, forming_error=error, tol=tolerance(update, exact=exact, top=top)),  # type: ignore[arg-type]
            spectrum_of(stacked),
        )


def _one(spectra: Spectrum, i: int) -> Spectrum:
    """Return one of a stack."""
    return Spectrum(
        spectra.values[i], spectra.shape, spectra.complete, spectra.energy[i],
        spectra.noise_floor[i], np.broadcast_to(spectra.relative_error, spectra.energy.shape)[i],
    )  # fmt: skip
