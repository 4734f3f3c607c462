"""PEFT's VeRA and RandLoRA: trained vectors of a module around projections shared by all, where these are stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import number
from rankkit.factors import Array, Factors, namespace

__all__ = ["read_randlora", "read_vera", "recognises_randlora", "recognises_vera"]

Shape = tuple[int, ...]
ASSUMED = "as wide as the shared projections: the module's own width is not stored"


def recognises_vera(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether these are VeRA's keys or configuration."""
    return _recognises("VERA", "vera_lambda_", keys, config)


def recognises_randlora(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether these are RandLoRA's keys or configuration."""
    return _recognises("RANDLORA", "randlora_lambda", keys, config)


def _recognises(method: str, mark: str, keys: list[str], config: Mapping[str, Any] | None) -> bool:
    if config is not None and "peft_type" in config:
        return method_of(config) == method
    return any(f".{mark}" in key for key in keys)


def read_vera(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the layers: diag(lambda_b) B diag(lambda_d) A with the shared B, A cut to the module's size.

    Raises
    ------
    ValueError
        If no module is found, or the shared projections are not in the file.
    """
    return _read(tensors, "vera", ("lambda_b", "lambda_d"), VERA, lambda m, n, r: Scaled.linear(1.0))


def read_randlora(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the layers: sums of shared bases scaled by lambda and gamma, times alpha / r.

    Raises
    ------
    ValueError
        If no module is found, or the shared projections are not in the file.
    """
    return _read(tensors, "randlora", ("lambda", "gamma"), RANDLORA, partial(_randlora_scale, config or {}))


def _read(tensors: Tensors, family: str, trained: tuple[str, ...], form: Form, scaled: Any) -> Adapter:
    key = re.compile(rf"(?P<module>.+)\.{family}_(?P<part>{'|'.join(trained)})(?:\.[^.]+)?")
    shared = re.compile(rf"(?:.+\.)?{family}_(?P<part>A|B)(?:\.[^.]+)?")

    def parse(name: str) -> tuple[str, str] | str:
        if match := key.fullmatch(name):
            return match["module"].removeprefix("base_model.model."), match["part"]
        return "the projections all modules share" if shared.fullmatch(name) else "no adapter tensor"

    modules, skipped = grouped(tensors, parse)
    if not modules:
        raise nothing_found(tensors, f"{family} module")
    bases = {match["part"]: name for name in tensors.info if (match := shared.fullmatch(name))}
    if bases.keys() != {"A", "B"}:
        raise ValueError(
            f"{tensors.source} holds no {family}_A and {family}_B: its projections are drawn from a seed and were not "
            "saved; train or save it with save_projection=True."
        )
    layers = [
        layer_of(module, keys | bases, tensors, form, scaled, notes=(ASSUMED,)) for module, keys in modules.items()
    ]
    return Adapter(tensors.source, family, tuple(layers), tuple(s for s in skipped if s.key not in bases.values()))


def _vera_sizes(b: Shape, d: Shape, B: Shape, A: Shape) -> tuple[int, int, int] | None:
    """Sizes; the inputs are as many as A's columns, which PEFT makes as wide as the widest adapted module."""
    fits = len(b) == len(d) == 1 and len(A) == len(B) == 2 and d[0] == A[0] == B[1] and b[0] <= B[0]
    return (b[0], A[1], d[0]) if fits else None


def _vera(lambda_b: Array, lambda_d: Array, B: Array, A: Array) -> Factors:
    xp = namespace(B)
    b, d, wide_B, wide_A = (xp.astype(x, xp.float64) for x in (lambda_b, lambda_d, B, A))
    return Factors(b[:, None] * wide_B[: b.shape[0], :], d[:, None] * wide_A)


def _randlora_sizes(lam: Shape, gamma: Shape, B: Shape, A: Shape) -> tuple[int, int, int] | None:
    fits = len(lam) == len(gamma) == 2 and len(A) == len(B) == 3 and lam[1] == gamma[0] and lam[0] == A[0] == B[2]
    fits = fits and A[1] == 1 and gamma[1] <= A[2] and lam[1] <= B[1]
    return (B[0], gamma[1], lam[0] * lam[1]) if fits else None


def _randlora(lam: Array, gamma: Array, B: Array, A: Array) -> Factors:
    """Return the product with B's side as rows: which side is larger only the base model knows."""
    xp = namespace(B)
    lam, gamma, B, A = (xp.astype(x, xp.float64) for x in (lam, gamma, B, A))
    r, count, small = lam.shape[0], lam.shape[1], gamma.shape[1]
    update_A = lam[:, :, None] * A[:, :, :small] * gamma[None, :, :]
    return Factors(xp.reshape(B[:, :count, :], (B.shape[0], count * r)), xp.reshape(update_A, (r * count, small)))


def _randlora_scale(config: Mapping[str, Any], m: int, n: int, r: int) -> Scaled:
    rank = number("r", config.get("r", 32))
    if not rank > 0:
        raise ValueError(f"r must be positive, got {rank:g}; mend the config.")
    return Scaled.linear(number("randlora_alpha", config.get("randlora_alpha", 640)) / rank)


VERA = Form(("lambda_b", "lambda_d", "B", "A"), _vera_sizes, _vera)
RANDLORA = Form(("lambda", "gamma", "B", "A"), _randlora_sizes, _randlora)
