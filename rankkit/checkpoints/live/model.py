"""A model in memory as an adapter: one layer for each base weight that its active adapters change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.forms import EPS, Dense, Product, Shape, Sizes, formed, whole_sizes
from rankkit.checkpoints.layer import Adapter, Layer, Skipped, measured_layer
from rankkit.checkpoints.live import host, seam
from rankkit.checkpoints.live.answers import NOT_LINEAR
from rankkit.checkpoints.live.copies import undisturbed
from rankkit.checkpoints.live.factors import factored, stored_transposed
from rankkit.checkpoints.live.inputs import Reached, at_input, reaching
from rankkit.checkpoints.live.merging import applied
from rankkit.checkpoints.live.wrapped import Wrapped
from rankkit.checkpoints.module_names import PEFT_PREFIX, in_base_model, with_adapter
from rankkit.factors import Array, Factors
from rankkit.factors import host as on_host
from rankkit.rules import AdaSine, Linear

__all__ = ["of_model"]

OTHER = "no adapter tensor: a head, modules_to_save or base weight"
UNCHANGED = "its base has no weight matrix that PEFT adapts"
DISABLED = "the model has its adapters disabled, and applies the base alone: measured as if they were enabled"
SHARED = "base_model."  # before what all layers of an adapter share


def of_model(
    model: Any, *, adapter: str | Sequence[str] | None = None, each: bool = False,
    inputs: Any = None, config: Mapping[str, Any] | None = None, family: str | None = None,
) -> Adapter:  # fmt: skip
    """Return the layers that a live model's adapters change, each with the update that the model applies.

    Parameters
    ----------
    model : torch.nn.Module
        A PEFT model, or one that PEFT's layers were put into. It is not changed.
    adapter : str or sequence of str, optional
        Which of its adapters count as active; None: those that are.
    each : bool
        Also one layer for every one of these adapters by itself; all are then called path[adapter], and the sum
        path[one + two].
    inputs : mapping, tuple or tensor, optional
        What the model is called with once, so that a layer that is not linear is measured at what reaches it.
    config : mapping, optional
        In place of the configuration that the model keeps.
    family : str, optional
        The reader of factors, where their names do not tell.

    Raises
    ------
    ValueError
        If it has no adapter layers, or not the named adapter.
    """
    seam.check_adapted(model)
    known = seam.adapters_of(model)
    named = [adapter] if isinstance(adapter, str) else None if adapter is None else list(adapter)
    if named is not None and (not named or set(named) - set(known)):
        raise ValueError(f"adapter must name adapters of the model, {', '.join(known)}; got {named!r}.")
    configs = {name: config if config is not None else seam.configuration(model, name) for name in known}
    asked = _Asked(configs, family, None if inputs is None else reaching(model, inputs))
    layers: list[Layer] = []
    skipped: list[Skipped] = []
    for wrapped in _grouped(model):
        there = [name for one in wrapped.layers for name in seam.adapters_on(one)]
        active = named or [name for one in wrapped.layers for name in seam.active_on(one)]
        active = [name for name in dict.fromkeys(active) if name in there]
        alone = [[name] for name in active] if each and len(active) > 1 else []
        for names in [active, *alone] if active else []:
            found, left = asked.layers_of(wrapped, names)
            if any(map(seam.disabled, wrapped.layers)):
                found = [replace(one, notes=(*one.notes, DISABLED)) for one in found]
            label = " + ".join(names) if each else None
            layers += [replace(one, name=with_adapter(one.name, label)) for one in found]
            skipped += left
    if not layers:
        raise ValueError(f"no adapter of the model is active; name one of {', '.join(known)} with adapter=.")
    chosen = named or [
        name for name in known if any(name in seam.active_on(one) for _, one in seam.tuner_layers(model))
    ]
    skipped += _heads(model, chosen)
    rooted = any(configs[name].get("use_rslora") for name in chosen)
    return Adapter(
        type(model).__name__, "live", tuple(_distinct(layers)), tuple(dict.fromkeys(skipped)), use_rslora=rooted
    )


def _grouped(model: Any) -> Iterator[Wrapped]:
    """Return an iterator over the adapted base layers: those that mixed methods wrap more than once come once."""
    inner: set[int] = set()
    for path, layer in seam.tuner_layers(model):
        if id(layer) in inner:
            continue
        layers, below = [layer], getattr(layer, "base_layer", None)
        while not hasattr(layer, "parameter_name") and hasattr(below, "adapter_layer_names"):
            layers.append(below)
            inner.add(id(below))
            below = getattr(below, "base_layer", None)
        yield Wrapped(path, tuple(layers))


class _Asked:
    """How layers are read: with which configuration of each adapter, and by which reader."""

    def __init__(
        self, configs: Mapping[str, Mapping[str, Any]], family: str | None, reached: Mapping[int, Reached] | None
    ) -> None:
        self.configs = configs
        self.family = family
        self.reached = reached

    def layers_of(self, wrapped: Wrapped, names: Sequence[str]) -> tuple[list[Layer], list[Skipped]]:
        """Return what the named adapters make of one base layer together, and their tensors that are no part of it."""
        read = [factored(wrapped, name, self.configs.get(name, {}), self.family) for name in names]
        by_factors = [one for one in read if one is not None]
        if self.reached is not None and any(
            isinstance(layer.rule, AdaSine) for one in by_factors for layer in one.layers
        ):
            return [_through(wrapped, names, self.measured)], []
        left = [entry for one in by_factors for entry in one.skipped]
        if len(by_factors) == len(names) == 1:
            return list(by_factors[0].layers), left
        if len(by_factors) == len(names) and (together := _together([one.layers for one in by_factors], names)):
            return [together], left
        return [_through(wrapped, names, self.measured)], left

    def measured(self, wrapped: Wrapped, names: Sequence[str], *, transposed: bool) -> Product:
        """Return the update of one base layer, by its own code: as one update, or at the input that reached it."""
        reached = None if self.reached is None else self.reached.get(id(wrapped.layers[0]))
        try:
            if seam.by_input(wrapped.layers[0]):
                raise ValueError(NOT_LINEAR)
            if seam.quantised(wrapped.innermost):
                return _rebuilt(self.configs, wrapped, names, transposed=transposed)
            return applied(wrapped, names, transposed=transposed)
        except ValueError as error:
            if NOT_LINEAR not in str(error):
                raise
            if reached is None:
                missed = "pass inputs= to measure it at an input" if self.reached is None else "inputs= do not reach it"
                raise ValueError(f"{NOT_LINEAR}; {missed}") from None
        return at_input(wrapped, names, reached)


def _through(wrapped: Wrapped, names: Sequence[str], measured: Callable[..., Product]) -> Layer:
    """Return the layer whose update is measured through the model's own."""
    base = wrapped.innermost
    transposed = stored_transposed(base)
    path, shape = in_base_model(wrapped.path), _shape(base, wrapped.groups)
    notes = () if len(names) == 1 else (_sum_of(names),)
    if reason := seam.no_matrix(wrapped.layers[0]):
        return measured_layer(path, None, status="unsupported", notes=(*notes, reason))
    if shape is None or (sizes := _sizes(shape, transposed, wrapped, names)) is None:
        return measured_layer(path, None, status="unsupported", notes=(*notes, UNCHANGED))
    stored = {
        key: tensor
        for layer in wrapped.layers for name in names for key, tensor in seam.tensors_of(layer, path, name).items()
    }  # fmt: skip
    dtypes = dict.fromkeys(info.dtype for info in StateDict(stored).info.values())
    return measured_layer(
        path, sizes, partial(measured, wrapped, names, transposed=transposed), dtype="/".join(dtypes), notes=notes,
        transposed=transposed, weight=lambda: wrapped.matrix(seam.wide(base), transposed=transposed),
    )  # fmt: skip


def _rebuilt(
    configs: Mapping[str, Mapping[str, Any]], wrapped: Wrapped, names: Sequence[str], *, transposed: bool
) -> Product:
    """Return the update of a layer on a quantised weight: measured by the same adapter around the weight read back."""
    layer, *others = wrapped.layers
    if len(names) > 1 or others:
        raise ValueError("several adapters on a quantised weight; name one of them with adapter=")
    path, name = in_base_model(wrapped.path), names[0]
    own = {key.removeprefix(f"{path}."): value for key, value in seam.tensors_of(layer, path, name).items()}
    with undisturbed():
        weight = seam.wide(wrapped.innermost).astype(np.float32)  # the widest type that a quantised weight is read into
        shared, widest = seam.projections(layer, name)
        model = host.hosted(path, weight, configs.get(name, {}), own, shared, widest=widest)
    built = next(one for at, one in seam.tuner_layers(model) if in_base_model(at) == path)
    return applied(Wrapped(path, (built,)), [host.ADAPTER], transposed=transposed)


def _sum_of(names: Sequence[str]) -> str:
    return f"the sum of the adapters {' and '.join(names)}"


def _shape(base: Any, groups: int) -> Shape | None:
    """Return the shape of a base layer's weight, the inputs of its groups side by side; None where it has no one."""
    weight = getattr(base, "weight", None)
    if seam.quantised(base) and hasattr(base, "out_features"):
        return base.out_features, base.in_features
    if weight is None or weight.ndim < 2:
        return None if weight is None else tuple(weight.shape)
    return (weight.shape[0], groups * weight.shape[1], *weight.shape[2:])


def _sizes(shape: Shape, transposed: bool, wrapped: Wrapped, names: Sequence[str]) -> Sizes | None:
    """Return outputs, inputs and the most rank of the update of a base weight of this shape."""
    sizes = whole_sizes(shape[::-1] if transposed else shape)
    if sizes is None:
        return None
    ranks = [seam.rank_bound(layer, name) for layer in wrapped.layers for name in names]
    return sizes._replace(r=min(sizes.r, sum(sizes.r if rank is None else rank for rank in ranks)))


def _together(read: Sequence[Sequence[Layer]], names: Sequence[str]) -> Layer | None:
    """Return the sum of updates that are known by their factors; None where they do not add up as factors."""
    if any(len(layers) != 1 for layers in read):
        return None
    terms = [layers[0] for layers in read]
    plain = all(one.status == "ok" and isinstance(one.rule, Linear) and one.magnitude is None for one in terms)
    if not plain or len({(one.m, one.n) for one in terms}) > 1:
        return None
    first = terms[0]
    sizes = Sizes(first.m or 0, first.n or 0, sum(one.r or 0 for one in terms))
    dtypes = dict.fromkeys(name for one in terms for name in one.dtype.split("/"))
    return measured_layer(
        first.name, sizes, partial(_added, terms), dtype="/".join(dtypes), transposed=first.transposed,
        notes=(*dict.fromkeys(note for one in terms for note in one.notes), _sum_of(names)), weight=first.weight,
    )  # fmt: skip


def _added(terms: Sequence[Layer]) -> Product:
    """Return the sum of the terms, as one product where all of them are products."""
    products = [one.product() for one in terms]
    factors = [one for one in products if isinstance(one, Factors)]
    if len(factors) == len(terms):
        B = np.hstack([term.scale * _doubled(one.B) for term, one in zip(terms, factors, strict=True)])
        return Factors(B, np.vstack([_doubled(one.A) for one in factors]))
    dense = [formed(one, term.rule) for term, one in zip(terms, products, strict=True)]
    whole = sum(one.matrix for one in dense)
    return Dense(whole, sum(one.error for one in dense) + EPS * len(dense) * float(np.linalg.norm(whole)))


def _doubled(x: Array) -> Array:
    return on_host(x).astype(np.float64)


def _distinct(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Return an iterator over the layers, none of which has another's name."""
    seen: dict[str, int] = {}
    for layer in layers:
        seen[layer.name] = seen.get(layer.name, 0) + 1
        yield layer if seen[layer.name] == 1 else replace(layer, name=f"{layer.name}#{seen[layer.name]}")


def _heads(model: Any, adapters: Sequence[str]) -> Iterator[Skipped]:
    """Return an iterator over the tensors of a saved adapter that are in none of its layers."""
    from peft import get_peft_model_state_dict  # pyright: ignore[reportUnknownVariableType]

    places = tuple(f"{path}." for path, _ in seam.tuner_layers(model))
    for name in adapters:
        if name not in (getattr(model, "peft_config", None) or {}):
            continue
        try:
            state: Mapping[str, Any] = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
        except (AttributeError, KeyError, TypeError, ValueError):  # only what is not measured is listed by it
            continue
        for key, tensor in state.items():
            shared = key.startswith(SHARED) and not key.startswith(PEFT_PREFIX)
            if not key.startswith(places) and not shared:
                yield Skipped(key, tuple(tensor.shape), OTHER)
