"""What is written for two factors of one matrix, by PEFT and by those whose files differ from its by names alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.checkpoints.readers.written import KERNEL, PEFT, Rng, Written, drawn_alpha, factors

__all__ = [
    "write_adalora",
    "write_convolution",
    "write_delora",
    "write_embedding",
    "write_enabled",
    "write_factor",
    "write_grouped",
    "write_list",
    "write_loran",
    "write_mixer",
    "write_numbered",
    "write_padded",
    "write_patterns",
    "write_plain",
    "write_pull_request",
    "write_sine",
]


# -- B and A of one matrix, under their names


def write_plain(
    first: str, second: str, rng: Rng, m: int, n: int, r: int, path: str, *, front: str = "", alpha: str = "",
    turned: bool = False, rooted: bool = False, named: Mapping[str, Any] | None = None,
) -> Written:  # fmt: skip
    """A beside B; alpha as a tensor of that name, or in a configuration with the fields `named`."""
    (B, A), value = factors(rng, m, n, r), drawn_alpha(rng)
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


def write_factor(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """MLX's scale multiplies directly, whatever the rank."""
    (B, A), value = factors(rng, m, n, r), drawn_alpha(rng)
    config = {"fine_tune_type": "lora", "lora_parameters": {"rank": r, "scale": value, "alpha": 77.0}}
    state = {f"{path}.lora_a": A.T.copy(), f"{path}.lora_b": B.T.copy()}
    return Written(state, {path: value * B @ A}, r, value, config)


def write_list(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = factors(rng, m, n, r)
    config = {"lora_alpha": 3.0}
    return Written({"0": B, "1": A}, {"list:0": 3 / r * B @ A}, r, 3 / r, config)


def write_numbered(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = factors(rng, m, n, r)
    return Written({"unet:7:up": B, "unet:7:down": A}, {"unet:7": 3 / r * B @ A}, r, 3 / r, {"lora_alpha": 3.0})


# -- PEFT


def write_patterns(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = factors(rng, m, n, r)
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


def write_embedding(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B, A), value = factors(rng, m, n, r), drawn_alpha(rng)
    state = {f"{PEFT}{path}.lora_embedding_A": A, f"{PEFT}{path}.lora_embedding_B": B}
    return Written(state, {path: value / r * B @ A}, r, value / r, {"peft_type": "LORA", "r": r, "lora_alpha": value})


def write_convolution(
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
    B, A, value = rng.standard_normal((m, r, 1, 1)), rng.standard_normal((r, n, *KERNEL)), drawn_alpha(rng)
    config = (
        {"r": r, "lora_alpha": value} | config
        if config is not None
        else {"peft_type": "LORA", "r": r, "lora_alpha": value}
    )
    scale = config.get("conv_alpha", value) / r
    delta = scale * np.einsum("mr,rnkl->mnkl", B[:, :, 0, 0], A).reshape(m, -1)
    return Written({f"{front}{path}{first}": A, f"{front}{path}{second}": B}, {path: delta}, r, scale, config)


def write_grouped(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Three groups of a convolution, each with its own rows of A and of B."""
    parts = [(rng.standard_normal((m, r)), rng.standard_normal((r, n, *KERNEL))) for _ in range(3)]
    B = np.concatenate([b for b, _ in parts])[:, :, None, None]
    A = np.concatenate([a for _, a in parts])
    delta = np.concatenate([b @ a.reshape(r, -1) for b, a in parts])
    config = {"peft_type": "LORA", "r": 3 * r, "lora_alpha": 6 * r}
    return Written(
        {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}, {path: 2 * delta}, 3 * r, 2.0, config
    )


def write_enabled(on: tuple[bool, ...], rng: Rng, m: int, n: int, r: int, path: str) -> Written:
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


def write_mixer(name: str, rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    (B, A), C, value = factors(rng, m, n, r), rng.standard_normal((r, r)), drawn_alpha(rng)
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B, f"{PEFT}{path}.{name}": C}
    config = {"peft_type": "LORA", "r": r, "lora_alpha": value}
    return Written(state, {path: value / r * B @ C @ A}, r, value / r, config, (f"{PEFT}{path}.{name}",))


def write_adalora(
    fields: Mapping[str, Any], start: float, alpha: float, rng: Rng, m: int, n: int, r: int, path: str
) -> Written:
    (B, A), E = factors(rng, m, n, r), rng.standard_normal((r, 1))
    scale = alpha / (start + 1e-5)
    state = {f"{PEFT}{path}.lora_{x}": y for x, y in (("A", A), ("B", B), ("E", E))}
    config = {"peft_type": "ADALORA", "r": r + 5, **fields}
    return Written(state, {path: scale * B @ (E * A)}, r, scale, config)


def write_padded(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """Factors that hot swapping filled up with zeros: the configuration's rank divides alpha."""
    B, A = factors(rng, m, n, r)
    wide_B, wide_A = np.zeros((m, r + 2)), np.zeros((r + 2, n))
    wide_B[:, :r], wide_A[:r] = B, A
    config = {"peft_type": "LORA", "r": r, "lora_alpha": 5}
    state = {f"{PEFT}{path}.lora_A.weight": wide_A, f"{PEFT}{path}.lora_B.weight": wide_B}
    return Written(state, {path: 5 / r * B @ A}, r + 2, 5 / r, config)


def write_pull_request(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """The sine of PEFT's pull request 2457: alpha / r sin(frequency B A) / scaling."""
    B, A = factors(rng, m, n, r)
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


def write_sine(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = factors(rng, m, n, r)
    config = {"peft_type": "SINLORA", "r": r, "lora_alpha": 3, "freq": 2.5, "s": math.sqrt(n)}
    state = {f"{PEFT}{path}.lora_A.weight": A, f"{PEFT}{path}.lora_B.weight": B}
    return Written(state, {path: 3 / r * np.sin(2.5 * B @ A) / math.sqrt(n)}, r, 3 / r / math.sqrt(n), config)


def write_loran(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    B, A = factors(rng, m, n, r)
    fields = {"mlora_alpha": 3, "mlora_af": "Sin", "mlora_af_sin_A": 0.5, "mlora_af_sin_omega": 2.5}
    state = {f"{PEFT}{path}.mlora_A.weight": A, f"{PEFT}{path}.mlora_B.weight": B}
    x = B @ A
    return Written(
        state, {path: 3 / r * (x + 0.5 * x * np.sin(2.5 * x))}, r, 3 / r, {"peft_type": "MLORA", "r": [r, n], **fields}
    )


def write_delora(rng: Rng, m: int, n: int, r: int, path: str) -> Written:
    """One direction of B and of A is shorter than PEFT divides by at least, 1e-4."""
    B, A = factors(rng, m, n, r)
    B[:, 0], A[-1] = 1e-6 * B[:, 0], 1e-6 * A[-1]
    w, strength = rng.uniform(1, 2, n), rng.uniform(1, 2, 1)
    lengths = np.maximum(np.linalg.norm(B, axis=0), 1e-4) * np.maximum(np.linalg.norm(A, axis=1), 1e-4)
    state = {f"{PEFT}{path}.delora_{x}": y for x, y in (("A", A), ("B", B), ("lambda", strength), ("w_norm", w))}
    delta = B @ np.diag(strength[0] / r / lengths) @ A @ np.diag(w)
    return Written(state, {path: delta}, r, 1.0, {"peft_type": "DELORA", "r": r, "lora_alpha": 9})
