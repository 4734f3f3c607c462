"""Non-linear updates on a torch device: modules of one shape and rule at once, as many as its memory holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from rankkit.audits.update import Applied, Prepared, apply, finished, not_finite, opened, prepare, tolerance
from rankkit.checkpoints import Layer
from rankkit.checks import integer
from rankkit.execution import Batches, device_memory
from rankkit.factors import Array, Factors, host
from rankkit.rules import Rule
from rankkit.spectrum import Spectrum, spectrum_of

__all__ = ["apply_in_batches", "decomposed_together"]

COPIES = 6  # float64 matrices of the update's size that are alive at once while it is formed and decomposed


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
        As for `update.apply`, which computes every linear update.
    device : str
        Torch device.
    memory : int, optional
        Bytes that a batch may use; None: most of what the device has free. Where the device runs out of memory, the
        batches of that shape and rule are halved from then on.

    Raises
    ------
    ValueError
        If memory is not an integer >= 1.
    RuntimeError
        If the device has no room even for one update.
    """
    free = device_memory(device) if memory is None else integer("memory", memory, advice="it is a number of bytes")
    waiting: dict[Hashable, _Waiting] = {}
    for layer in layers:
        if (layer.rule if rule is None else rule).linear:
            yield layer, apply(layer, rule, exact=exact, top=top)
            continue
        ready = prepare(opened(layer), rule)
        if isinstance(ready, Applied):
            yield layer, ready
            continue
        alike = waiting.setdefault(_kind(ready), _Waiting(free // _bytes(layer)))
        alike.members.append(ready)
        if len(alike.members) >= alike.batches.size:
            yield from alike.drained(device, exact=exact, top=top)
    for alike in waiting.values():
        yield from alike.drained(device, exact=exact, top=top)


def _kind(ready: Prepared) -> Hashable:
    """Return what the updates of one batch have in common."""
    product = ready.opened.product
    assert isinstance(product, Factors)  # `prepare` refuses any other product under a rule that is not linear
    return product.shape, product.r, ready.rule


def _bytes(layer: Layer) -> int:
    """Return how much memory one update takes."""
    return 8 * COPIES * (layer.m or 1) * (layer.n or 1)


class _Waiting:
    """Modules of one kind until a batch is full, and how many of them the device has been found to take."""

    def __init__(self, size: int) -> None:
        self.members: list[Prepared] = []
        self.batches = Batches(max(1, size))

    def drained(self, device: str, *, exact: bool, top: int | None) -> Iterator[tuple[Layer, Applied]]:
        """Return an iterator over (layer, what became of it) for all that wait; afterwards none does."""
        members, self.members = self.members, []
        work = partial(decomposed_together, device=device, exact=exact, top=top)
        for results in self.batches.run(work, members):
            for ready, applied in results:
                yield ready.opened.layer, applied


def decomposed_together(
    batch: Sequence[Prepared], *, device: str, exact: bool = False, top: int | None = None
) -> list[tuple[Prepared, Applied]]:
    """Return what became of every module of a batch; one whose update is not finite costs the others nothing.

    Parameters
    ----------
    batch : sequence of Prepared
        Modules of one shape, stored rank and rule.
    device : str
        Torch device.
    exact, top
        As for `update.apply`.
    """
    try:
        spectra, plain = _spectra(batch, device, exact=exact, top=top)
    except ValueError:  # at least one of them is not finite: each half is tried by itself
        if len(batch) == 1:
            return [(batch[0], not_finite(batch[0]))]
        half = len(batch) // 2
        again = partial(decomposed_together, device=device, exact=exact, top=top)
        return [*again(batch[:half]), *again(batch[half:])]
    return [(ready, finished(ready, _one(spectra, i), _one(plain, i))) for i, ready in enumerate(batch)]


def _spectra(batch: Sequence[Prepared], device: str, *, exact: bool, top: int | None) -> tuple[Spectrum, Spectrum]:
    """Return the spectra of a stack of updates of one shape and rule, and of their B A alone."""
    stacked = Factors(_stacked(batch, "B"), _stacked(batch, "A"))
    placed, rule = stacked.to(device=device), batch[0].rule
    update = rule(placed)
    assert not isinstance(update, Factors)
    with np.errstate(over="ignore", invalid="ignore"):
        tol = tolerance(update, exact=exact, top=top)
        spectra = spectrum_of(update, top=top, forming_error=rule.forming_error(placed), tol=tol)
        return spectra, spectrum_of(stacked)


def _stacked(batch: Sequence[Prepared], factor: str) -> Array:
    return np.stack([host(getattr(ready.opened.product, factor)) for ready in batch])


def _one(spectra: Spectrum, i: int) -> Spectrum:
    """Return one spectrum of a stack."""
    relative = np.broadcast_to(spectra.relative_error, spectra.energy.shape)
    return Spectrum(
        spectra.values[i], spectra.shape, spectra.complete, spectra.energy[i], spectra.noise_floor[i], relative[i]
    )
