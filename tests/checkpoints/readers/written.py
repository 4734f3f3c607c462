"""A second description of every format: what its trainer writes for a module, and the update that it applies.

Each writer takes a generator, the sizes m, n and r of a module and its path, and returns a `Written`. The updates are put
together by numpy alone, from what the trainers' own code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

__all__ = ["SHARED", "WRITERS", "Written"]

KERNEL = (3, 2)


class Written(NamedTuple):
    """A file of one module.

    Attributes
    ----------
    state : mapping of str to array
        Its tensors.
    updates : mapping of str to array
        What a row is called -> its update, scale included.
    r : int
        The most rank that it can have.
    scale : float
        The factor in front.
    config : dict or None
    beside : tuple of str
        Keys of tensors without which the file is another sound one.
    """

    state: dict[str, np.ndarray]
    updates: Mapping[str, np.ndarray]
    r: int
    scale: float
    config: dict[str, Any] | None = None
    beside: tuple[str, ...] = ()


Rng = np.random.Generator
Writer = Callable[[Rng, int, int, int, str], Written]


def _factors(rng: Rng, m: int, n: int, r: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((m, r)), rng.standard_normal((r, n))


def _alpha(rng: Rng) -> float:
    return float(rng.integers(1, 9))


# -- B and A of one matrix, under their names


def _plain(
    first: str, second: str, rng: Rng, m: int, n: int, r: int, path: str, *, front: str = "", alpha: str = "",
    turned: bool = False, rooted: bool = False, named: Mapping[str, Any] | None = None,
) -> Written:  # fmt: skip
    """A beside B; alpha as a tensor of that name, or in a configuration with the fields `named`."""
    (B, A), value = _factors(rng, m, n, r), _alpha(rng)
    scale = value / (math.sqrt(r) if rooted else r)
    stored = (A.T.copy(), B.T.copy()) if turned else (A, B)
    state = {f"{front}{path}{name}": x for name, x in zip((first, second), stored, strict=True)}
    config: dict[str, Any] | None = {**named, "r": r, "lora_alpha": value} if named is not None else None
    if alpha:
        state[f"{front}{path}{alpha}"] = np.array(value)
    if rooted and config is not None:
        config["use_rslora"] = True
    return Written(
        state, {path: scale * B @ A}, r, scale, config, tuple(key for key in state if alpha and key.endswith(alpha))
    )


def _factor(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """MLX's scale multiplies directly, whatever the rank."""
    (B, A), value = _factors(rng, m, n, r), _alpha(rng)
    config = {"fine_tune_type": "lora", "lora_parameters": {"rank": r, "scale": value, "alpha": 77.0}}
    state = {f"{path}.lora_a": A.T.copy(), f"{path}.lora_b": B.T.copy()}
    return Written(state, {path: value * B @ A}, r, value, config)


def _list(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = _factors(rng, m, n, r)
    config = {"lora_alpha": 3.0}
    return Written({"0": B, "1": A}, {"list:0": 3 / r * B @ A}, r, 3 / r, config)


def _numbered(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = _factors(rng, m, n, r)
    return Written({"unet:7:up": B, "unet:7:down": A}, {"unet:7": 3 / r * B @ A}, r, 3 / r, {"lora_alpha": 3.0})


# -- PEFT

PEFT = "base_model.model."


def _patterns(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = _factors(rng, m, n, r)
    last = path.rpartition(".")[2]
    config = {
        "peft_type": "LORA",
        "r": 99,
        "lora_alpha": 99,
        "rank_pattern": {last: r},
        "alpha_pattern": {f"x|{last}": 5},
    }
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}
    return Written(state, {path: 5 / r * B @ A}, r, 5 / r, config)


def _embedding(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B, A), value = _factors(rng, m, n, r), _alpha(rng)
    state = {f"{PEFT}{path}.lora_embedding_A": A, f"{PEFT}{path}.lora_embedding_B": B}
    return Written(state, {path: value / r * B @ A}, r, value / r, {"peft_type": "LORA", "r": r, "lora_alpha": value})


def _convolution(
    first: str,
    second: str,
    rng: Rng,
    m: int,
    n: int,
    r: int,
    path: str,
    *,
    front: str = "",
    config: dict[str, Any] | None = None,
) -> Written:
    """Beside a configuration the header's alpha of convolutions with a kernel counts, where there is one."""
    B, A, value = rng.standard_normal((m, r, 1, 1)), rng.standard_normal((r, n, *KERNEL)), _alpha(rng)
    config = (
        {"r": r, "lora_alpha": value} | config
        if config is not None
        else {"peft_type": "LORA", "r": r, "lora_alpha": value}
    )
    scale = config.get("conv_alpha", value) / r
    delta = scale * np.einsum("mr,rnkl->mnkl", B[:, :, 0, 0], A).reshape(m, -1)
    return Written({f"{front}{path}{first}": A, f"{front}{path}{second}": B}, {path: delta}, r, scale, config)


def _grouped(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Three groups of a convolution, each with its own rows of A and of B."""
    parts = [(rng.standard_normal((m, r)), rng.standard_normal((r, n, *KERNEL))) for _ in range(3)]
    B = np.concatenate([b for b, _ in parts])[:, :, None, None]
    A = np.concatenate([a for _, a in parts])
    delta = np.concatenate([b @ a.reshape(r, -1) for b, a in parts])
    config = {"peft_type": "LORA", "r": 3 * r, "lora_alpha": 6 * r}
    return Written(
        {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}, {path: 2 * delta}, 3 * r, 2.0, config
    )


def _enabled(on: tuple[bool, ...], rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Old PEFT's fused projections: an update for each group that is on, rows of zeros for the others."""
    parts = [(rng.standard_normal((m, r)), rng.standard_normal((r, n))) if group else None for group in on]
    held = [part for part in parts if part]
    state = {
        f"{PEFT}{path}.lora_A.weight": np.concatenate([a for _, a in held]),
        f"{PEFT}{path}.lora_B.weight": np.concatenate([b for b, _ in held])[:, :, None],
    }
    delta = np.concatenate([part[0] @ part[1] if part else np.zeros((m, n)) for part in parts])
    config = {"peft_type": "LORA", "r": r, "lora_alpha": 3 * r, "enable_lora": list(on)}
    return Written(state, {path: 3 * delta}, len(held) * r, 3.0, config)


def _mixer(name: str, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B, A), C, value = _factors(rng, m, n, r), rng.standard_normal((r, r)), _alpha(rng)
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B, f"{PEFT}{path}.{name}": C}
    config = {"peft_type": "LORA", "r": r, "lora_alpha": value}
    return Written(state, {path: value / r * B @ C @ A}, r, value / r, config, (f"{PEFT}{path}.{name}",))


def _adalora(
    fields: Mapping[str, Any], start: float, alpha: float, rng: Rng, m: int, n: int, r: int, path: str
) -> Written:
    (B, A), E = _factors(rng, m, n, r), rng.standard_normal((r, 1))
    scale = alpha / (start + 1e-5)
    state = {f"{PEFT}{path}.lora_{x}": y for x, y in (("A", A), ("B", B), ("E", E))}
    config = {"peft_type": "ADALORA", "r": r + 5, **fields}
    return Written(state, {path: scale * B @ (E * A)}, r, scale, config)


def _padded(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Factors that hot swapping filled up with zeros: the configuration's rank divides alpha."""
    B, A = _factors(rng, m, n, r)
    wide_B, wide_A = np.zeros((m, r + 2)), np.zeros((r + 2, n))
    wide_B[:, :r], wide_A[:r] = B, A
    config = {"peft_type": "LORA", "r": r, "lora_alpha": 5}
    state = {f"{PEFT}{path}.lora_A.weight": wide_A, f"{PEFT}{path}.lora_B.weight": wide_B}
    return Written(state, {path: 5 / r * B @ A}, r + 2, 5 / r, config)


def _pull_request(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """The sine of PEFT's pull request 2457: alpha / r sin(frequency B A) / scaling."""
    B, A = _factors(rng, m, n, r)
    config = {
        "peft_type": "LORA",
        "r": r,
        "lora_alpha": 3,
        "use_sinelora": True,
        "sinelora_frequency": 2.5,
        "sinelora_scaling": 7.0,
    }
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}
    return Written(state, {path: 3 / r * np.sin(2.5 * B @ A) / 7}, r, 3 / r / 7, config)


def _sine(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = _factors(rng, m, n, r)
    config = {"peft_type": "SINLORA", "r": r, "lora_alpha": 3, "freq": 2.5, "s": math.sqrt(n)}
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}
    return Written(state, {path: 3 / r * np.sin(2.5 * B @ A) / math.sqrt(n)}, r, 3 / r / math.sqrt(n), config)


def _loran(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = _factors(rng, m, n, r)
    fields = {"mlora_alpha": 3, "mlora_af": "Sin", "mlora_af_sin_A": 0.5, "mlora_af_sin_omega": 2.5}
    state = {f"{PEFT}{path}.mlora_A.weight": A, f"{PEFT}{path}.mlora_B.weight": B}
    x = B @ A
    return Written(
        state, {path: 3 / r * (x + 0.5 * x * np.sin(2.5 * x))}, r, 3 / r, {"peft_type": "MLORA", "r": [r, n], **fields}
    )


def _delora(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """One direction of B and of A is shorter than PEFT divides by at least, 1e-4."""
    B, A = _factors(rng, m, n, r)
    B[:, 0], A[-1] = 1e-6 * B[:, 0], 1e-6 * A[-1]
    w, strength = rng.uniform(1, 2, n), rng.uniform(1, 2, 1)
    lengths = np.maximum(np.linalg.norm(B, axis=0), 1e-4) * np.maximum(np.linalg.norm(A, axis=1), 1e-4)
    state = {f"{PEFT}{path}.delora_{x}": y for x, y in (("A", A), ("B", B), ("lambda", strength), ("w_norm", w))}
    delta = B @ np.diag(strength[0] / r / lengths) @ A @ np.diag(w)
    return Written(state, {path: delta}, r, 1.0, {"peft_type": "DELORA", "r": r, "lora_alpha": 9})


# -- kohya and LyCORIS


def _middle(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, M = rng.standard_normal((m, r, 1, 1)), rng.standard_normal((r, r + 1, *KERNEL))
    A, value = rng.standard_normal((r + 1, n, 1, 1)), _alpha(rng)
    delta = value / (r + 1) * np.einsum("mi,ijkl,jn->mnkl", B[:, :, 0, 0], M, A[:, :, 0, 0]).reshape(m, -1)
    state = {f"{path}.lora_{x}.weight": y for x, y in (("up", B), ("mid", M), ("down", A))}
    return Written(
        state | {f"{path}.alpha": np.array(value)}, {path: delta}, r, value / (r + 1), None, (f"{path}.alpha",)
    )


def _loha(peft: bool, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B1, A1), (B2, A2), value = _factors(rng, m, n, r), _factors(rng, m, n, r), _alpha(rng)
    front = PEFT if peft else ""
    state = {f"{front}{path}.hada_{x}": y for x, y in (("w1_a", B1), ("w1_b", A1), ("w2_a", B2), ("w2_b", A2))}
    delta = value / r * (B1 @ A1) * (B2 @ A2)
    if peft:
        return Written(state, {path: delta}, r * r, value / r, {"peft_type": "LOHA", "r": r, "alpha": value})
    return Written(
        state | {f"{path}.alpha": np.array(value)}, {path: delta}, r * r, value / r, None, (f"{path}.alpha",)
    )


def _loha_kernel(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
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


def _lokr(
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
            a, b = _factors(rng, rows, columns, k)
            state |= {f"{name}_a": a, f"{name}_b": b}
            wholes.append(a @ b)
        ranks.append(min(k, *wholes[-1].shape))
    dim = r if second != "whole" else r + 1 if first != "whole" else None
    delta, beside = np.kron(*wholes), ()
    if config is None:
        value = _alpha(rng)
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


def _whole(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    W = rng.standard_normal((m, n, 3))
    return Written({f"{path}.diff": W}, {path: W.reshape(m, -1)}, min(m, 3 * n), 1.0)


def _parts(shared: bool, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """A fused projection in three parts, each with a B and an A of its own, or all over one A."""
    parts = [_factors(rng, m + i, n, r) for i in range(3)]
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


def _merged(
    heights: Callable[[int], tuple[int, ...]],
    named: Callable[[int], dict[str, Any]],
    rng: Rng,
    m: int,
    n: int,
    r: int,
    path: str,
) -> Written:
    """Groups of these heights, one for each update; alpha is divided by the rank of one."""
    parts = [_factors(rng, rows, n, r) for rows in heights(n)]
    state = {f"{path}.lora_{x}": np.concatenate([part[i] for part in parts]) for i, x in enumerate("BA")}
    delta = 5 / r * np.concatenate([b @ a for b, a in parts])
    return Written(state, {path: delta}, len(parts) * r, 5 / r, {"lora_alpha": 5, **named(n)})


# -- experts


def _experts(
    rng: Rng, m: int, n: int, r: int, path: str, *, names: tuple[str, str], layout: str, config: dict[str, Any]
) -> Written:
    """Four experts: packed by PEFT or unsloth, with an axis of their own, or folded into the rows of A alone."""
    E = 4
    parts = [_factors(rng, m, n, r) for _ in range(E)]
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


def _vera(more: int, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """The shared B has rows for the widest module; a narrower one takes the first of them."""
    B, A = _factors(rng, m + more, n, r)
    b, d = rng.standard_normal(m), rng.standard_normal(r)
    state = {"base_model.vera_A": A, "base_model.vera_B": B}
    state |= {f"{PEFT}{path}.vera_lambda_b": b, f"{PEFT}{path}.vera_lambda_d": d}
    return Written(state, {path: np.diag(b) @ B[:m] @ np.diag(d) @ A}, r, 1.0, {"peft_type": "VERA", "r": r})


def _randlora(more: int, config: dict[str, Any], rng: Rng, m: int, n: int, r: int, path: str) -> Written:
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


# -- all of them

_NO: dict[str, Any] = {}
_OWN = {"peft_type": "LORA"}
_UP = {"peft_type": "LORA", "target_parameters": ["up_proj"], "target_modules": ["q_proj"]}
_MLX = {"fine_tune_type": "lora", "lora_parameters": {"scale": 3.0}}


# the names of A and of B, and what else a format of two factors has
_PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "peft": (".lora_A.weight", ".lora_B.weight", {"front": PEFT, "named": _OWN}),
    "peft, rslora": (".lora_A.weight", ".lora_B.weight", {"front": PEFT, "named": _OWN, "rooted": True}),
    "peft without its prefix": (".lora_A.weight", ".lora_B.weight", {"named": _OWN}),
    "kohya": (".lora_down.weight", ".lora_up.weight", {"alpha": ".alpha"}),
    "kohya, a header's alpha": (".lora_down.weight", ".lora_up.weight", {"named": _NO}),
    "diffusers": (".lora_A.weight", ".lora_B.weight", {"front": "", "alpha": ".alpha"}),
    "diffusers, lora": (".lora.down.weight", ".lora.up.weight", {"alpha": ".lora.alpha"}),
    "diffusers, lora linear": (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight", {"named": _NO}),
    "loralib": (".lora_A", ".lora_B", {"named": _NO}),
    "loralib, OpenDelta": (".lora.lora_A", ".lora.lora_B", {"named": _NO}),
    "torchtune": (".lora_a.weight", ".lora_b.weight", {"named": _OWN}),
    "megatron": (".adapter.linear_in.weight", ".adapter.linear_out.weight", {"named": _NO}),
    "gguf": (".weight.lora_a", ".weight.lora_b", {"named": _NO}),
    "pairs": (".a", ".b", {"named": _NO}),
    **{f"pairs, {first}": (f".lora_{first}.weight", f".lora_{second}.weight", {"named": _NO}) for first, second in (
        ("in", "out"), ("first", "second"), ("1", "2"), ("right", "left"), ("r", "l"), ("v", "u"), ("V", "U"),
        ("encoder", "decoder"), ("enc", "dec"), ("reduce", "expand"), ("down_proj", "up_proj"), ("proj_down", "proj_up"),
        ("w1", "w2"))},
    "pairs, llama": (".adaptor.A.weight", ".adaptor.B.weight", {"named": _NO}),
    "pairs, fsdp": (".lora_AB.0.weight", ".lora_AB.1.weight", {"named": _NO}),
    "pairs, control": (".down.weight", ".up.weight", {"named": _NO}),
    "pairs, turned": (".lora_right_weight", ".lora_left_weight", {"named": _NO, "turned": True}),
}  # fmt: skip

# writers whose file has tensors that belong to no one module: it holds no second module of another file's
SHARED = ("vera", "randlora", "cloneofsimo")

WRITERS: dict[str, Writer] = {
    **{name: partial(_plain, first, second, **more) for name, (first, second, more) in _PAIRS.items()},
    "peft, patterns": _patterns, "peft, embedding": _embedding, "peft, grouped convolution": _grouped, "peft, padded": _padded,
    "peft, convolution": partial(_convolution, ".lora_A.weight", ".lora_B.weight", front=PEFT),
    "peft, one group of three": partial(_enabled, (False, False, True)),
    "peft, two groups of three": partial(_enabled, (True, False, True)),
    "peft, all groups": partial(_enabled, (True, True)),
    **{f"peft, {name}": partial(_mixer, name) for name in ("lora_AB.weight", "lora_mixer.weight", "default_lora_latent_mapping.weight")},
    "adalora": partial(_adalora, {"init_r": 5, "lora_alpha": 3}, 5, 3),
    "adalora without alpha": partial(_adalora, {"init_r": 5, "lora_alpha": 0}, 5, 5),
    "adalora, defaults": partial(_adalora, {}, 12, 8),
    "peft's sine": _pull_request, "sine": _sine, "loran": _loran, "delora": _delora,
    "kohya, convolution": partial(_convolution, ".lora_down.weight", ".lora_up.weight", config={}),
    "kohya, alpha of convolutions": partial(_convolution, ".lora_down.weight", ".lora_up.weight", config={"conv_alpha": 3}),
    "kohya, middle": _middle, "kohya, parts": partial(_parts, False), "kohya, parts over one": partial(_parts, True),
    "lycoris full": _whole, "loha": partial(_loha, False), "peft's loha": partial(_loha, True), "loha, kernel": _loha_kernel,
    **{f"lokr, {one} and {two}": partial(_lokr, one, two, None) for one in ("whole", "pair") for two in ("whole", "pair", "kernel")},
    "peft's lokr": partial(_lokr, "pair", "pair", {"alpha": 5, "r": 1}),
    "peft's lokr, whole": partial(_lokr, "whole", "whole", {"alpha": 5, "r": 7}),
    "peft's lokr, default": partial(_lokr, "pair", "whole", {"r": 7}),
    "mlx": _factor, "cloneofsimo, list": _list, "cloneofsimo": _numbered,
    "loralib, merged": partial(_merged, lambda n: (n, n), lambda n: {}),
    "loralib, three groups": partial(_merged, lambda n: (4, 4, 4), lambda n: {}),
    "loralib, sixteen groups": partial(_merged, lambda n: (2,) * 16, lambda n: {}),
    "litgpt": partial(_merged, lambda n: (16, 8, 8), lambda n: {"n_head": 4, "n_query_groups": 2, "head_size": 4}),
    "litgpt, heads of the width": partial(_merged, lambda n: (n // 2 * 2, n // 2, n // 2), lambda n: {"n_head": 2, "n_query_groups": 1}),
    "experts of peft": partial(_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="rank_major", config=_UP),
    "experts of unsloth": partial(_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="grouped_by_expert", config=_UP),
    "experts with an axis": partial(_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="axis", config=_OWN),
    "experts, turned": partial(_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="turned", config=_OWN),
    "experts of mlx": partial(_experts, names=(".lora_a", ".lora_b"), layout="folded", config=_MLX),
    "experts of mlx with an axis": partial(_experts, names=(".lora_a", ".lora_b"), layout="axis", config=_MLX),
    "experts of llama.cpp": partial(_experts, names=(".weight.lora_a", ".weight.lora_b"), layout="axis", config=_NO),
    "vera": partial(_vera, 0), "vera, wider": partial(_vera, 2),
    "randlora": partial(_randlora, 0, {"r": 4, "randlora_alpha": 3}), "randlora, wider": partial(_randlora, 2, {}),
}  # fmt: skip
