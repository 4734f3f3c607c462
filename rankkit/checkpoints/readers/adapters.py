"""What `rankkit.adapters` saves: PEFT's folder of a method of ours, every module with the rule it was trained with.

The configuration has the method's numbers; LR-LoRA's phi, AdaSine's frequency row and sine-DoRA's lengths are tensors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form, Sizes
from rankkit.checkpoints.layer import Adapter, Layer
from rankkit.checkpoints.methods import OURS, method_of
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import LORA_NAMES, Family, Module, parser
from rankkit.checkpoints.scaling import Scaled, scale_of, sine_of
from rankkit.checkpoints.untrusted import Config, number
from rankkit.factors import Array, host
from rankkit.rules import RULES, Activation, AdaSine, Elementwise, Sinter
from rankkit.rules.grids import alternating_phases, named_grid
from rankkit.rules.kernels import KERNELS

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+)\.lora_(?P<part>A|B|amplitude|bandwidth|grid|frequency|method)"
    r"(?:\.(?!weight$)[^.]+)?(?:\.weight)?"
)
IN_FEATURES = "sqrt(in_features)"
MOST_FUNCTIONS = 1 << 16  # of a basis: a file's word is not taken for more

Settings = Mapping[str, Any]
Read = Callable[[str], Array]  # the tensor of a part of this module


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether the configuration names a method of ours, or the tensors do where there is none."""
    if config is not None and "peft_type" in config:
        return method_of(config) in OURS
    return any(".lora_method" in key for key in keys)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, each with its rule, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the configuration is missing, so that the rules are unknown, or no module is found.
    """
    if config is None or method_of(config) not in OURS:
        raise ValueError(
            f"{tensors.source} says by its tensors that it is no plain LoRA, but its adapter_config.json, which has "
            "the rule's numbers, is missing or another method's; save the adapter again."
        )
    adapter = adapter_of(FAMILY, tensors, config)
    return replace(adapter, layers=tuple(map(_whole, adapter.layers))) if method_of(config) == "SINEDORA" else adapter


def _whole(layer: Layer) -> Layer:
    """Return a layer of sine-DoRA, which is unsupported without its magnitude."""
    if layer.magnitude is not None or layer.status != "ok":
        return layer
    return replace(layer, status="unsupported", notes=(*layer.notes, "lora_magnitude is missing"))


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = dict(module.config or {})
    if config.get("lora_alpha") is None:  # the papers' scale, 1, whatever the rank
        config["lora_alpha"] = math.sqrt(sizes.r) if config.get("use_rslora") else sizes.r

    def part(name: str) -> Array:
        if name not in module.keys:
            raise ValueError(f"lora_{name} is missing: the file is not whole")
        return module.tensors.read(module.keys[name])

    return _RULES[method_of(config)](config, part, scale_of(config, module.name, sizes.r), sizes)


def _gain(config: Settings, m: int, n: int) -> float:
    gain = config.get("gain")
    if gain is None:
        return math.sqrt(m)
    return math.sqrt(n) if gain == IN_FEATURES else number("gain", gain)


def _sine(config: Settings, part: Read, plain: Scaled, sizes: Sizes) -> Scaled:
    if config.get("on_activations"):
        raise ValueError(
            "sine-DoRA on activations takes the sine of B A x, so that there is no one weight update to measure"
        )
    return sine_of({**config, "gain": _gain(config, sizes.m, sizes.n)}, ("omega", "gain"), plain, sizes.m)


def _loran(config: Settings, part: Read, plain: Scaled, sizes: Sizes) -> Scaled:
    name = config.get("activation", "sinter")
    if name == "sinter":
        amplitude, omega = number("amplitude", config.get("amplitude", 5e-5)), number("omega", config.get("omega", 1e4))
        return plain._replace(rule=Sinter(amplitude, omega, scale=plain.scale))
    if name == "identity":
        return plain
    beta = number("beta", config.get("beta", 1.0))
    return plain._replace(rule=Activation(str(name), beta=beta, scale=plain.scale))


def _adasine(config: Settings, part: Read, plain: Scaled, sizes: Sizes) -> Scaled:
    omega0, row = number("omega0", config.get("omega0", 400.0)), host(part("frequency"))
    rule = AdaSine(
        omega0,
        row,
        gain=_gain(config, sizes.m, sizes.n) / plain.scale,
        scale_inside=bool(config.get("scale_inside", True)),
    )
    return plain._replace(rule=rule)


def _lr(config: Settings, part: Read, plain: Scaled, sizes: Sizes) -> Scaled:
    name = str(config.get("basis", "sinc"))
    if name not in KERNELS:
        raise ValueError(f"basis must be one of {', '.join(KERNELS)}, got {name[:60]!r}; mend the config.")
    alpha, omega = host(part("amplitude")), np.logaddexp(0, host(part("bandwidth")))
    if alpha.ndim != 1 or omega.shape != alpha.shape or not 1 <= alpha.size <= MOST_FUNCTIONS:
        raise ValueError(f"amplitudes {alpha.shape} and bandwidths {omega.shape} are no one basis")
    make: Any = RULES[f"{name}_basis"]
    basis = make(alpha=plain.scale * alpha, omega=omega, **_places(config, name, part, alpha.size))
    if not config.get("around_identity"):
        return plain._replace(rule=basis)
    start = float(basis.exact(np.zeros(1))[0])
    peak = float(np.max(np.linalg.norm(host(part("B")), axis=1)) * np.max(np.linalg.norm(host(part("A")), axis=0)))
    steep = abs(plain.scale) + float(basis._slope(peak, rows=sizes.m))  # pyright: ignore[reportPrivateUsage]
    return plain._replace(rule=Elementwise(lambda z: plain.scale * z + basis.exact(z) - start, lipschitz=steep))


def _places(config: Settings, name: str, part: Read, size: int) -> dict[str, Any]:
    """Return where the functions of the basis sit, as the rule calls it."""
    if name == "polynomial":
        return {}
    word = "phase" if name == "fourier" else "grid"
    if config.get("grid") == "learned":
        return {word: host(part("grid"))}
    if name == "fourier":
        return {word: alternating_phases(size)}
    interval, seed = number("interval", config.get("interval", 3.0)), number("seed", config.get("seed", 0))
    return {word: named_grid(str(config.get("grid", "uniform")), size, interval, seed=int(seed))}


_RULES: dict[str, Callable[[Settings, Read, Scaled, Sizes], Scaled]] = {
    "SINELORA": _sine,
    "SINEDORA": _sine,
    "LORAN": _loran,
    "ADASINELORA": _adasine,
    "LRLORA": _lr,
}
FAMILY = Family(
    "adapters", "module of a method of rankkit.adapters",
    parser(_KEY, "no adapter tensor: a head, modules_to_save or base weight"), _scaled, spelled=LORA_NAMES,
    beside=frozenset({"amplitude", "bandwidth", "grid", "frequency", "method"}),
)  # fmt: skip
