"""One small sound adapter for every reader, and the fields of a configuration that the readers look up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import rankkit as rk

__all__ = ["SOUND", "Sound", "fields_read"]

M, N, R = 5, 6, 2
RNG = np.random.default_rng(2)


class Sound(NamedTuple):
    """An adapter: its tensors, and the configuration that it comes with."""

    state: Mapping[str, Any]
    config: dict[str, Any] | None = None


def _normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def _pair(down: str, up: str, modules: tuple[str, ...] = ("l.0.q", "l.1.v"), turned: bool = False) -> dict[str, Any]:
    """Return factors of two modules under the two names; turned: as libraries store them that multiply from the left."""
    shapes = ((down, (N, R) if turned else (R, N)), (up, (R, M) if turned else (M, R)))
    return {f"{module}{name}": _normal(*shape) for module in modules for name, shape in shapes}


def _ours(kind: str, more: Mapping[str, Any] | None = None, **fields: Any) -> Sound:
    state = _pair(".lora_A.weight", ".lora_B.weight", ("base_model.model.q", "base_model.model.v"))
    state |= {
        f"base_model.model.{module}.lora_{name}": np.asarray(value, np.float32)
        for module in "qv"
        for name, value in (more or {}).items()
    }
    return Sound(state, {"peft_type": kind, "r": R, "lora_alpha": 4, **fields})


LORA = (".lora_A.weight", ".lora_B.weight")
SOUND: dict[str, Sound] = {
    "peft": Sound(
        _pair(*LORA, ("base_model.model.l.0.q", "base_model.model.l.1.v")),
        {"peft_type": "LORA", "r": R, "lora_alpha": 4, "rank_pattern": {"v": R}, "alpha_pattern": {"q": 3},
         "use_rslora": True, "target_modules": ["q", "v"], "layers_to_transform": [0], "bias": "none"},
    ),
    "dora": Sound(
        _pair(*LORA, ("base_model.model.q",)) | {"base_model.model.q.lora_magnitude_vector": np.ones(M, np.float32)},
        {"peft_type": "LORA", "r": R, "lora_alpha": 4, "use_dora": True},
    ),
    "adalora": Sound(
        {"base_model.model.q.lora_A": _normal(R, N), "base_model.model.q.lora_B": _normal(M, R),
         "base_model.model.q.lora_E": _normal(R, 1), "base_model.model.q.ranknum": np.float32(R)},
        {"peft_type": "ADALORA", "r": R, "init_r": R, "lora_alpha": 4},
    ),
    "sine": Sound(_pair(*LORA), {"peft_type": "SINLORA", "r": R, "lora_alpha": 4, "freq": 30.0, "s": 2.4}),
    "loran": Sound(
        _pair(".mlora_A.weight", ".mlora_B.weight"),
        {"peft_type": "MLORA", "r": [R, N], "mlora_alpha": 4, "mlora_af": "Sin", "mlora_af_sin_A": 0.1, "mlora_af_sin_omega": 9.0},
    ),
    "adapters": _ours("SINELORA", omega=30.0, gain=2.0),
    "adapters loran": _ours("LORAN", activation="sinter", amplitude=0.1, omega=9.0, beta=1.0),
    "adapters adasine": _ours("ADASINELORA", {"frequency": np.ones(N)}, omega0=4.0, gain="sqrt(in_features)", scale_inside=True),
    "adapters lr": _ours("LRLORA", {"amplitude": np.ones(4), "bandwidth": np.ones(4)}, basis="sinc", grid="uniform",
                         interval=3.0, seed=0, around_identity=False),
    "adapters sine-dora": _ours("SINEDORA", {"magnitude_vector": np.ones(M)}, omega=30.0, gain=2.0, on_activations=False),
    "vera": Sound(
        {"base_model.vera_A": _normal(R, N), "base_model.vera_B": _normal(M, R)}
        | {f"base_model.model.{m}.vera_lambda_{x}": _normal(k) for m in "qv" for x, k in (("b", M), ("d", R))},
        {"peft_type": "VERA", "r": R},
    ),
    "randlora": Sound(
        {"base_model.randlora_A": _normal(R, 1, M), "base_model.randlora_B": _normal(N, 3, R)}
        | {f"base_model.model.{m}.randlora_{x}": _normal(*k) for m in "qv" for x, k in (("lambda", (R, 3)), ("gamma", (3, M)))},
        {"peft_type": "RANDLORA", "r": R, "randlora_alpha": 4},
    ),
    "delora": Sound(
        {f"base_model.model.{m}.delora_{x}": _normal(*k) for m in "qv"
         for x, k in (("A", (R, N)), ("B", (M, R)), ("lambda", (1,)), ("w_norm", (N,)))},
        {"peft_type": "DELORA", "r": R, "lora_alpha": 4},
    ),
    "loha": Sound({f"x.hada_{x}": _normal(*k) for x, k in (("w1_a", (M, R)), ("w1_b", (R, N)), ("w2_a", (M, R)), ("w2_b", (R, N)))}
                  | {"x.alpha": np.float32(2)}),
    "cloneofsimo": Sound({f"unet:{i}:{x}": _normal(*k) for i in range(2) for x, k in (("up", (M, R)), ("down", (R, N)))}),
    "torchtune": Sound(_pair(".lora_a.weight", ".lora_b.weight"), {"r": R, "lora_alpha": 4, "peft_type": "LORA"}),
    "megatron": Sound(_pair(".adapter.linear_in.weight", ".adapter.linear_out.weight"), {"lora_alpha": 4}),
    "mlx": Sound(_pair(".lora_a", ".lora_b", turned=True), {"fine_tune_type": "lora", "num_layers": 2,
                 "lora_parameters": {"scale": 2.0, "alpha": 4, "rank": R}}),
    "loralib": Sound(_pair(".lora_A", ".lora_B"), {"lora_alpha": 4, "enable_lora": [True], "alpha": 4, "composition_mode": "add"}),
    "pairs": Sound(_pair(".lora_in.weight", ".lora_out.weight"), {"alpha": 4, "rank": R}),
}  # fmt: skip


class _Recorder(dict[str, Any]):
    """A configuration that notes which fields are asked for."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.asked: set[str] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def fields_read() -> list[str]:
    """Return the names of the fields that the readers look up in a configuration, as they do for the sound adapters."""
    return sorted({name for sound in SOUND.values() for name in _asked(sound)})


def _asked(sound: Sound) -> Iterator[str]:
    recorder = _Recorder(sound.config or {})
    rk.audit(sound.state, config=recorder, progress=False)
    yield from (name for name in (*recorder.asked, *recorder) if isinstance(name, str))
