"""What is written for products of more than two factors, for groups, for experts, and by methods that share matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.checkpoints.readers.written import KERNEL, PEFT, Rng, Written, drawn_alpha, factors

__all__ = [
    "write_experts",
    "write_loha",
    "write_loha_kernel",
    "write_lokr",
    "write_merged",
    "write_middle",
    "write_parts",
    "write_randlora",
    "write_vera",
    "write_whole",
]


# -- kohya and LyCORIS


def write_middle(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, M = rng.standard_normal((m, r, 1, 1)), rng.standard_normal((r, r + 1, *KERNEL))
    A, value = rng.standard_normal((r + 1, n, 1, 1)), drawn_alpha(rng)
    delta = value / (r + 1) * np.einsum("mi,ijkl,jn->mnkl", B[:, :, 0, 0], M, A[:, :, 0, 0]).reshape(m, -1)
    state = {f"{path}.lora_{x}.weight": y for x, y in (("up", B), ("mid", M), ("down", A))}
    return Written(
        state | {f"{path}.alpha": np.array(value)}, {path: delta}, r, value / (r + 1), None, (f"{path}.alpha",)
    )


def write_loha(peft: bool, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B1, A1), (B2, A2), value = factors(rng, m, n, r), factors(rng, m, n, r), drawn_alpha(rng)
    front = PEFT if peft else ""
    state = {f"{front}{path}.hada_{x}": y for x, y in (("w1_a", B1), ("w1_b", A1), ("w2_a", B2), ("w2_b", A2))}
    delta = value / r * (B1 @ A1) * (B2 @ A2)
    if peft:
        return Written(state, {path: delta}, r * r, value / r, {"peft_type": "LOHA", "r": r, "alpha": value})
    return Written(
        state | {f"{path}.alpha": np.array(value)}, {path: delta}, r * r, value / r, None, (f"{path}.alpha",)
    )


def write_loha_kernel(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """The alpha of convolutions, by the header's word, since there is a kernel."""
    parts = [
        (rng.standard_normal((r, r, *KERNEL)), rng.standard_normal((r, m)), rng.standard_normal((r, n))) for _ in "12"
    ]
    one, two = (np.einsum("ijkl,im,jn->mnkl", *part).reshape(m, -1) for part in parts)
    state = {
        f"{path}.hada_{x}{i}{y}": t
        for i, part in enumerate(parts, 1)
        for (x, y), t in zip((("t", ""), ("w", "_a"), ("w", "_b")), part, strict=True)
    }
    return Written(state, {path: 3 / r * one * two}, r * r, 3 / r, {"r": r, "lora_alpha": 7, "conv_alpha": 3})


def write_lokr(
    first: str, second: str, config: dict[str, Any] | None, rng: Rng, m: int, n: int, r: int, path: str
) -> Written:
    """Either part whole, of two factors, or (the second) of a core with a kernel; alpha is divided by a rank in the file."""
    front = PEFT if config is not None else ""
    state: dict[str, np.ndarray] = {}
    wholes, ranks = [], []
    for i, kind, rows, columns, k in ((1, first, 3, 2, r + 1), (2, second, m, n, r)):
        name = f"{front}{path}.lokr_w{i}"
        if kind == "whole":
            state[name] = rng.standard_normal((rows, columns))
            wholes.append(state[name])
            ranks.append(min(rows, columns))
            continue
        if kind == "kernel":
            core, a, b = (
                rng.standard_normal((k, k, *KERNEL)),
                rng.standard_normal((k, rows)),
                rng.standard_normal((k, columns)),
            )
            state |= {f"{front}{path}.lokr_t{i}": core, f"{name}_a": a, f"{name}_b": b}
            wholes.append(np.einsum("ijkl,im,jn->mnkl", core, a, b).reshape(rows, -1))
        else:
            a, b = factors(rng, rows, columns, k)
            state |= {f"{name}_a": a, f"{name}_b": b}
            wholes.append(a @ b)
        ranks.append(min(k, *wholes[-1].shape))
    dim = r if second != "whole" else r + 1 if first != "whole" else None
    delta, beside = np.kron(*wholes), ()
    if config is None:
        value = drawn_alpha(rng)
        state[f"{path}.alpha"] = np.array(value)
        beside, scale = (f"{path}.alpha",), 1.0 if dim is None else value / dim
    else:
        scale = config.get("alpha", 8) / (dim or config["r"])
        config = {
            "peft_type": "LOKR",
            "r": dim or config["r"],
            **{name: x for name, x in config.items() if name != "r"},
        }
    return Written(state, {path: scale * delta}, math.prod(ranks), scale, config, beside)


def write_whole(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    W = rng.standard_normal((m, n, 3))
    return Written({f"{path}.diff": W}, {path: W.reshape(m, -1)}, min(m, 3 * n), 1.0)


def write_parts(shared: bool, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """A fused projection in three parts, each with a B and an A of its own, or all over one A."""
    parts = [factors(rng, m + i, n, r) for i in range(3)]
    state = {f"{path}.lora_up.{i}.weight": b for i, (b, _) in enumerate(parts)}
    if shared:
        state[f"{path}.lora_down.weight"] = np.concatenate([a for _, a in parts])
    else:
        state |= {f"{path}.lora_down.{i}.weight": a for i, (_, a) in enumerate(parts)}
    state[f"{path}.alpha"] = np.array(3.0)
    return Written(
        state, {path: 3 / r * np.concatenate([b @ a for b, a in parts])}, 3 * r, 3 / r, None, (f"{path}.alpha",)
    )


# -- loralib and LitGPT


def write_merged(
    heights: Callable[[int], tuple[int, ...]],
    named: Callable[[int], dict[str, Any]],
    rng: Rng,
    m: int,
    n: int,
    r: int,
    path: str,
) -> Written:
    """Groups of these heights, one for each update; alpha is divided by the rank of one."""
    parts = [factors(rng, rows, n, r) for rows in heights(n)]
    state = {f"{path}.lora_{x}": np.concatenate([part[i] for part in parts]) for i, x in enumerate("BA")}
    delta = 5 / r * np.concatenate([b @ a for b, a in parts])
    return Written(state, {path: delta}, len(parts) * r, 5 / r, {"lora_alpha": 5, **named(n)})


# -- experts


def write_experts(
    rng: Rng, m: int, n: int, r: int, path: str, *, names: tuple[str, str], layout: str, config: dict[str, Any]
) -> Written:
    """Four experts: packed by PEFT or unsloth, with an axis of their own, or folded into the rows of A alone."""
    E = 4
    parts = [factors(rng, m, n, r) for _ in range(E)]
    B, A = np.stack([b for b, _ in parts]), np.stack([a for _, a in parts])
    folded = A.reshape(E * r, n)
    if layout == "rank_major":
        stored = folded, B.transpose(1, 2, 0).reshape(m, r * E)
    elif layout == "grouped_by_expert":
        stored = folded, B.transpose(1, 0, 2).reshape(m, E * r)
    elif layout == "axis":
        stored = A, B
    elif layout == "turned":
        stored = A.swapaxes(1, 2).copy(), B.swapaxes(1, 2).copy()
    else:
        stored = folded, B
    state = {f"{path}{name}": x for name, x in zip(names, stored, strict=True)}
    scale = config["lora_parameters"]["scale"] if "lora_parameters" in config else 5 / r
    called = path + (".up_proj" if "target_parameters" in config else "")
    fields = {"lora_B_layout": layout} if "target_parameters" in config else {}
    fields |= {} if "lora_parameters" in config else {"r": r, "lora_alpha": 5}
    return Written(
        state, {f"{called}[{e}]": scale * b @ a for e, (b, a) in enumerate(parts)}, r, scale, config | fields
    )


# -- what shares matrices between modules


def write_vera(more: int, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """The shared B has rows for the widest module; a narrower one takes the first of them."""
    B, A = factors(rng, m + more, n, r)
    b, d = rng.standard_normal(m), rng.standard_normal(r)
    state = {"base_model.vera_A": A, "base_model.vera_B": B}
    state |= {f"{PEFT}{path}.vera_lambda_b": b, f"{PEFT}{path}.vera_lambda_d": d}
    return Written(state, {path: np.diag(b) @ B[:m] @ np.diag(d) @ A}, r, 1.0, {"peft_type": "VERA", "r": r})


def write_randlora(more: int, config: dict[str, Any], rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Columns of `count` bases of rank r, with diagonals of the module's own; what is wider than the module is cut.

    PEFT flattens B with the base's number slowest and A with it fastest, and multiplies them so.
    """
    count = 3
    B, A = rng.standard_normal((m, count + more, r)), rng.standard_normal((r, 1, n + more))
    lam, gamma = rng.standard_normal((r, count)), rng.standard_normal((count, n))
    rows = [lam[j, i] * A[j, 0, :n] * gamma[i] for j in range(r) for i in range(count)]
    columns = [B[:, i, j] for i in range(count) for j in range(r)]
    delta = sum(np.outer(column, row) for column, row in zip(columns, rows, strict=True))
    scale = config.get("randlora_alpha", 640) / config.get("r", 32)
    state = {"base_model.randlora_A": A, "base_model.randlora_B": B}
    state |= {f"{PEFT}{path}.randlora_lambda": lam, f"{PEFT}{path}.randlora_gamma": gamma}
    return Written(state, {path: scale * np.asarray(delta)}, r * count, scale, {"peft_type": "RANDLORA", **config})
