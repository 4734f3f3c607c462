"""The methods: what each is at a rank, and which linear method stands beside it at the same scale.

Where a method has a scale of its own it is the paper's; LoRA's and its relatives' is alpha = 2 r, as in the packaged
sample. The twin of a sine is plain LoRA (or DoRA) at the sine's slope at zero: the sine as a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["METHODS", "Method", "adapted", "parameter_groups"]

ALPHA = 2  # times r, of LoRA and its relatives
OMEGA = 200.0  # sine-LoRA's for RoBERTa
OMEGA0 = 400.0  # AdaSine's; the sigmoid makes half of it at the start
VERA_RANK = 256  # PEFT's default: VeRA's count hardly depends on it, and cannot be matched
RANDLORA_RANK = 32  # PEFT's default, of its random bases: the count falls as it rises
PRUNED_FROM = 1.5  # AdaLoRA begins with so many times the rank it ends with, as its authors have it
WARM, COOL, EVERY = 0.15, 0.5, 5  # AdaLoRA prunes from this share of the steps to that one, every so many steps


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    config : callable
        Settings -> PEFT's configuration, but for the target modules.
    family : str
        "linear", "sine" or "learned": what it does to B A.
    twin : str
        The linear method that it equals while its function is a line; "" for a method that is linear.
    """

    config: Callable[[Mapping[str, Any]], Any]
    family: str = "linear"
    twin: str = ""


def _lora(scale: Callable[[Mapping[str, Any]], float] = lambda _: ALPHA, **fields: Any) -> Any:
    def config(settings: Mapping[str, Any]) -> Any:
        import peft

        return peft.LoraConfig(r=settings["rank"], lora_alpha=scale(settings) * settings["rank"], **fields)  # pyright: ignore

    return config


def _of_peft(name: str, fields: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    def config(settings: Mapping[str, Any]) -> Any:
        import peft

        return getattr(peft, name)(**fields(settings))

    return config


def _ours(name: str, fields: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    def config(settings: Mapping[str, Any]) -> Any:
        from rankkit import adapters

        return getattr(adapters, name)(r=settings["rank"], **fields(settings))

    return config


def _omega(settings: Mapping[str, Any]) -> float:
    return float(settings.get("omega", OMEGA))


def _slope(settings: Mapping[str, Any]) -> float:
    """Return the slope of sin(omega z) / sqrt(m) at zero."""
    return _omega(settings) / settings["width"] ** 0.5


def _adasine_slope(settings: Mapping[str, Any]) -> float:
    """Return AdaSine's slope at a sigmoid of one half: omega0 / 2 with 1 / sqrt(n) inside and 1 / sqrt(m) outside."""
    return OMEGA0 / 2 / settings["width"]


def _adalora(settings: Mapping[str, Any]) -> dict[str, Any]:
    rank, steps = settings["rank"], settings["steps"]
    return {
        "target_r": rank, "init_r": max(rank + 1, round(PRUNED_FROM * rank)), "lora_alpha": ALPHA * rank,
        "tinit": round(WARM * steps), "tfinal": round((1 - COOL) * steps), "deltaT": EVERY, "total_step": steps,
    }  # fmt: skip


def _loran(activation: str) -> Any:
    # dropout as everyone else's, not the 0.2 of the authors' own runs
    return _ours(
        "LoranConfig",
        lambda s: {"activation": activation, "lora_alpha": ALPHA * s["rank"], "lora_dropout": 0.0} | _sinter(s),
    )


def _sinter(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in ("amplitude", "omega") if name in settings}


def _learned(basis: str, **fields: Any) -> Method:
    return Method(_ours("LrLoraConfig", lambda _: {"basis": basis, **fields}), "learned")


METHODS: dict[str, Method] = {
    "lora": Method(_lora()),
    "rslora": Method(_lora(use_rslora=True)),
    "dora": Method(_lora(use_dora=True)),
    "adalora": Method(_of_peft("AdaLoraConfig", _adalora)),
    "vera": Method(_of_peft("VeraConfig", lambda s: {"r": VERA_RANK, "projection_prng_key": s["seed"]})),
    "randlora": Method(_of_peft("RandLoraConfig", lambda s: {"r": RANDLORA_RANK, "projection_prng_key": s["seed"]})),
    "loha": Method(_of_peft("LoHaConfig", lambda s: {"r": s["rank"], "alpha": ALPHA * s["rank"]})),
    "sine_lora": Method(_ours("SineLoraConfig", lambda s: {"omega": _omega(s)}), "sine", "lora_at_sine_scale"),
    "sine_dora": Method(_ours("SineDoraConfig", lambda s: {"omega": _omega(s)}), "sine", "dora_at_sine_scale"),
    "adasine": Method(_ours("AdaSineLoraConfig", lambda _: {"omega0": OMEGA0}), "sine", "lora_at_adasine_scale"),
    "loran_sinter": Method(_loran("sinter"), "sine", "loran_identity"),
    "loran_identity": Method(_loran("identity")),
    "lr_lora_sinc": _learned("sinc"),
    "lr_lora_gaussian": _learned("gaussian"),
    "lr_lora_bspline": _learned("bspline"),
    "lr_lora_around_identity": _learned("sinc", around_identity=True),
    "lora_at_sine_scale": Method(_lora(_slope)),
    "dora_at_sine_scale": Method(_lora(_slope, use_dora=True)),
    "lora_at_adasine_scale": Method(_lora(_adasine_slope)),
}


def adapted(encoder: Any, settings: Mapping[str, Any]) -> Any:
    """Return an encoder with the method's adapter at its start.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    import peft

    method = METHODS.get(settings["method"])
    if method is None:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {settings['method']!r}; correct the plan.")
    config = method.config({**settings, "width": encoder.config.hidden_size})
    config.target_modules = settings["targets"].split()
    return peft.get_peft_model(encoder, config)


def parameter_groups(model: Any, head: Any, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the optimizer's groups: all that the adapter trains at the run's rate, the head at its own."""
    adapter = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": adapter, "lr": settings["rate"]},
        {"params": list(head.parameters()), "lr": settings["head_rate"]},
    ]
