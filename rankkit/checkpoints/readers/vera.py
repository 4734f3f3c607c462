"""PEFT's VeRA and RandLoRA: trained vectors of each module around projections that all modules share.

Both have one shape of file: two trained tensors per module, and A and B once, where they are stored at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from rankkit.checkpoints.assumptions import WIDTH
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form, Product, Shape, Sizes
from rankkit.checkpoints.layer import Adapter, Layer
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import Family, Module, parser, says
from rankkit.checkpoints.scaling import Scaled
from rankkit.checkpoints.untrusted import Config, number
from rankkit.factors import Array, Factors, namespace

__all__ = ["narrowed", "read_randlora", "read_vera", "recognises_randlora", "recognises_vera"]

ASSUMED = "as wide as the shared projections: the module's own width is not stored"
RANK, ALPHA = 32, 640  # r and randlora_alpha where a config does not say: the defaults of PEFT's RandLoraConfig


def recognises_vera(keys: list[str], config: Config) -> bool:
    """Return whether these are VeRA's keys or configuration."""
    return _recognises("VERA", "vera_lambda_", keys, config)


def recognises_randlora(keys: list[str], config: Config) -> bool:
    """Return whether these are RandLoRA's keys or configuration."""
    return _recognises("RANDLORA", "randlora_lambda", keys, config)


def _recognises(method: str, mark: str, keys: list[str], config: Config) -> bool:
    if config is not None and "peft_type" in config:
        return method_of(config) == method
    return any(f".{mark}" in key for key in keys)


def read_vera(tensors: Tensors, config: Config) -> Adapter:
    """Return the layers: diag(lambda_b) B diag(lambda_d) A with the shared B, A cut to the module's size.

    Raises
    ------
    ValueError
        If no module is found, or the shared projections are not in the file.
    """
    return _read(VERA, tensors, config)


def read_randlora(tensors: Tensors, config: Config) -> Adapter:
    """Return the layers: sums of shared bases scaled by lambda and gamma, times alpha / r.

    Raises
    ------
    ValueError
        If no module is found, or the shared projections are not in the file.
    """
    return _read(RANDLORA, tensors, config)


def narrowed(layer: Layer, m: int, n: int) -> Layer:
    """Return a layer whose projections are as wide as the widest module's, cut to the shape of its own weight.

    Parameters
    ----------
    layer : Layer
        Of VeRA or RandLoRA.
    m, n : int
        Rows and columns of the base's weight.

    Raises
    ------
    ValueError
        If no cut of the product has this shape: the reason, for the row.
    """
    known, wide = (layer.m or 0, layer.n or 0), layer.form is VERA_FORM
    if (m != known[0] or n > known[1]) if wide else (min(m, n) != known[1] or max(m, n) > known[0]):
        raise ValueError(f"its vectors fit no weight of {m} x {n}")
    form = layer.form._replace(combine=partial(_cut, layer.form.combine, m, n))
    notes, assumed = (
        [entry for entry in kept if entry not in (ASSUMED, WIDTH)] for kept in (layer.notes, layer.assumed)
    )
    return replace(layer, m=m, n=n, form=form, notes=tuple(notes), assumed=tuple(assumed))


def _cut(combine: Callable[..., Product], m: int, n: int, *parts: Array) -> Factors:
    whole = combine(*parts)
    assert isinstance(whole, Factors)
    if m <= whole.shape[0] and n <= whole.shape[1]:
        return Factors(whole.B[:m, :], whole.A[:, :n])
    xp = namespace(whole.B)  # RandLoRA's longer side is the columns'
    return Factors(xp.matrix_transpose(whole.A[:, :m]), xp.matrix_transpose(whole.B[:n, :]))


class _Shared(NamedTuple):
    """A family, and the keys of what its modules train and of what they share."""

    family: Family
    trained: re.Pattern[str]
    shared: re.Pattern[str]


def _family(name: str, form: Form, scaled: Callable[[Module, Form, Sizes], Scaled]) -> _Shared:
    trained = re.compile(rf"(?P<module>.+)\.{name}_(?P<part>{'|'.join(form.parts[:2])})(?:\.[^.]+)?")
    shared = re.compile(rf"(?:.+\.)?{name}_(?P<part>A|B)(?:\.[^.]+)?")
    rest = "no adapter tensor"
    family = Family(
        name, f"{name} module", parser(trained, rest), scaled, form=lambda module: form, notes=(ASSUMED,),
        unknown=(WIDTH,), says=says, beside=frozenset(),
    )  # fmt: skip
    return _Shared(family, trained, shared)


def _read(kind: _Shared, tensors: Tensors, config: Config) -> Adapter:
    found = [(match["part"], key) for key in tensors.info if (match := kind.shared.fullmatch(key))]
    name, bases = kind.family.name, dict(found)
    if bases.keys() != {"A", "B"} and any(map(kind.trained.fullmatch, tensors.info)):
        raise ValueError(
            f"{tensors.source} holds no {name}_A and {name}_B: its projections are drawn from a seed and were not "
            "saved; train or save it with save_projection=True."
        )
    return adapter_of(kind.family, tensors, config, bases)


def _vera_sizes(b: Shape, d: Shape, B: Shape, A: Shape) -> Sizes | None:
    """Sizes; the inputs are as many as A's columns, which PEFT makes as wide as the widest adapted module."""
    fits = len(b) == len(d) == 1 and len(A) == len(B) == 2 and d[0] == A[0] == B[1] and b[0] <= B[0]
    return Sizes(b[0], A[1], d[0]) if fits else None


def _vera(lambda_b: Array, lambda_d: Array, B: Array, A: Array) -> Factors:
    xp = namespace(B)
    b, d, wide_B, wide_A = (xp.astype(x, xp.float64) for x in (lambda_b, lambda_d, B, A))
    return Factors(b[:, None] * wide_B[: b.shape[0], :], d[:, None] * wide_A)


def _vera_scale(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return Scaled.linear(1.0)


def _randlora_sizes(lam: Shape, gamma: Shape, B: Shape, A: Shape) -> Sizes | None:
    fits = len(lam) == len(gamma) == 2 and len(A) == len(B) == 3 and lam[1] == gamma[0] and lam[0] == A[0] == B[2]
    fits = fits and A[1] == 1 and gamma[1] <= A[2] and lam[1] <= B[1]
    return Sizes(B[0], gamma[1], lam[0] * lam[1]) if fits else None


def _randlora(lam: Array, gamma: Array, B: Array, A: Array) -> Factors:
    """Return the product with B's side as rows: which side is larger only the base model knows."""
    xp = namespace(B)
    wide_lam, wide_gamma, wide_B, wide_A = (xp.astype(x, xp.float64) for x in (lam, gamma, B, A))
    r, count, small = lam.shape[0], lam.shape[1], gamma.shape[1]
    update_A = wide_lam[:, :, None] * wide_A[:, :, :small] * wide_gamma[None, :, :]
    update_B = wide_B[:, :count, :]
    return Factors(xp.reshape(update_B, (B.shape[0], count * r)), xp.reshape(update_A, (r * count, small)))


def _randlora_scale(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = module.config or {}
    rank = number("r", config.get("r", RANK))
    if not rank > 0:
        raise ValueError(f"r must be positive, got {rank:g}; mend the config.")
    return Scaled.linear(number("randlora_alpha", config.get("randlora_alpha", ALPHA)) / rank)


VERA_FORM = Form(("lambda_b", "lambda_d", "B", "A"), _vera_sizes, _vera)
RANDLORA_FORM = Form(("lambda", "gamma", "B", "A"), _randlora_sizes, _randlora)
VERA = _family("vera", VERA_FORM, _vera_scale)
RANDLORA = _family("randlora", RANDLORA_FORM, _randlora_scale)
