"""LR-LoRA as a PEFT adapter: W + phi(B A) with a phi that each layer learns."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rankkit.adapters.blocks import wide
from rankkit.adapters.config import NonlinearConfig
from rankkit.adapters.curves import Curve
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.product import eager
from rankkit.adapters.registration import register
from rankkit.adapters.sampled import sampled
from rankkit.checks import finite, integer
from rankkit.rules.grids import alternating_phases, named_grid
from rankkit.rules.kernels import KERNELS

__all__ = ["LrLoraConfig", "LrLoraModel", "fixed_grid", "parameter_groups"]

GRIDS = ("uniform", "chebyshev", "random", "learned")
SHARED = ("grid", "bandwidth", "amplitude")
LEAST_REACH = 0.05  # in units of 1 / bandwidth: a slope from samples that lie closer together is their rounding
NAMES = {"amplitude": "lora_amplitude", "bandwidth": "lora_bandwidth", "grid": "lora_grid"}


@dataclass
class LrLoraConfig(NonlinearConfig):
    """LR-LoRA: the update is phi(B A), phi(x) = sum_i alpha_i sinc(omega_i (x - x_i)) (LR-LoRA paper, eq. 4).

    Every layer learns its own amplitudes alpha_i, which begin at 0, and bandwidths omega_i = softplus(w_i), which begin
    at omega0 (section 3.3). All other arguments are those of `peft.LoraConfig`.

    At this start B's gradient is zero: with B = 0 every entry of B A is 0, where the slope of a phi that is symmetric
    about 0 vanishes, and on a symmetric grid phi stays symmetric. Gradient descent never leaves it. AdamW does, by
    rounding alone, as it divides a gradient of 1e-17 by its own size. `around_identity` starts elsewhere.

    Parameters
    ----------
    basis : str
        "sinc", or what the paper compares it with: "gaussian", "bspline", "fourier", "polynomial" (table 13).
    size : int
        N, the number of basis functions; the paper's is 50.
    interval : float
        The grid covers [-interval, interval]; the paper's is 3.
    grid : str
        "uniform", "chebyshev", "random" or "learned", which starts as uniform (table 14).
    omega0 : float
        Bandwidth at the start; the paper's is 1.
    share : tuple of str
        What all layers have in common, of "grid", "bandwidth" and "amplitude" (table 20). A grid that is not learned
        is common in any case.
    around_identity : bool
        Not the paper's: the update is z + phi(z) - phi(0) at z = B A. It starts as plain LoRA does, with a gradient
        for B.
    seed : int
        Of the random grid.

    Notes
    -----
    The paper prints no start for two bases. At equal omega_i their functions are one and the same for ever, so that
    they are spread here: Fourier's over the harmonics of the interval as cosines and sines in turn, the polynomial's
    over [omega0 / 2, 3 omega0 / 2].
    """

    METHOD: ClassVar[str] = "LRLORA"

    basis: str = field(default="sinc")
    size: int = field(default=50)
    interval: float = field(default=3.0)
    grid: str = field(default="uniform")
    omega0: float = field(default=1.0)
    share: Any = field(default=())
    around_identity: bool = field(default=False)
    seed: int = field(default=0)

    def _check(self) -> None:
        if self.basis not in KERNELS:
            raise ValueError(f"basis must be one of {', '.join(KERNELS)}, got {self.basis!r}; the paper's is 'sinc'.")
        if self.grid not in GRIDS:
            raise ValueError(f"grid must be one of {', '.join(GRIDS)}, got {self.grid!r}; the paper's is 'uniform'.")
        self.size = integer("size", self.size, least=2, advice="the paper's is 50")
        self.interval = finite("interval", self.interval, least=0, strict=True, advice="the paper's is 3")
        self.omega0 = finite("omega0", self.omega0, least=0, strict=True, advice="the paper's is 1")
        self.seed = integer("seed", self.seed, least=0)
        self.share = [self.share] if isinstance(self.share, str) else list(self.share)
        if wrong := set(self.share) - set(SHARED):
            raise ValueError(f"share must be of {', '.join(SHARED)}, got {sorted(wrong)}.")


def fixed_grid(config: Any) -> Any:
    """Return where the basis functions sit at the start (Fourier: their phases), shape (size,), in float64."""
    if config.basis == "fourier":
        return alternating_phases(config.size)
    return named_grid(config.grid, config.size, config.interval, seed=config.seed)


def _bandwidths(config: LrLoraConfig) -> Tensor:
    """Return omega_i at the start."""
    places = torch.arange(config.size, dtype=torch.float64)
    if config.basis == "fourier":
        return config.omega0 * math.pi / config.interval * (1 + places // 2)
    if config.basis == "polynomial":
        return config.omega0 * (0.5 + places / (config.size - 1))
    return torch.full_like(places, config.omega0)


@final
class LrLoraLayer(NonlinearLayer):
    """A layer with a learned phi."""

    config_class: ClassVar[type] = LrLoraConfig
    extra_names: ClassVar[tuple[str, ...]] = tuple(NAMES.values())
    adapter_layer_names = (*NonlinearLayer.adapter_layer_names, *NAMES.values())
    lora_amplitude: Any

    def _extra(self, config: Any) -> dict[str, Tensor]:
        start = {
            "lora_amplitude": torch.zeros(config.size),
            "lora_bandwidth": torch.expm1(_bandwidths(config)).log().float(),  # softplus's inverse
        }
        if config.grid == "learned":
            start["lora_grid"] = torch.from_numpy(fixed_grid(config)).float()
        return start

    def parts(self, adapter: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return (alpha, omega, grid) in float64."""
        amplitude, bandwidth, grid = (getattr(self, name) for name in NAMES.values())
        alpha = amplitude[adapter].double()
        places = (
            grid[adapter].double() if adapter in grid else torch.from_numpy(fixed_grid(self.configs[adapter])).to(alpha)
        )
        return alpha, nn.functional.softplus(bandwidth[adapter].double()), places

    @eager
    def curve(self, adapter: str, B: Tensor, A: Tensor) -> tuple[Curve, Tensor | None]:
        """Return phi on what B A can reach, with its samples."""
        config, (alpha, omega, places) = self.configs[adapter], self.parts(adapter)
        reach = float(B.detach().norm(dim=1).max() * A.detach().norm(dim=0).max())
        if not math.isfinite(reach) or not bool(omega.isfinite().all()):
            raise ValueError(
                f"adapter {adapter!r} has NaN or infinite factors or bandwidths: the training diverged; use a smaller "
                "learning rate and begin again from the last good checkpoint."
            )

        reach = max(reach, LEAST_REACH / max(float(omega.detach().max()), 1e-30))

        def basis(points: Tensor) -> Tensor:
            inner = omega * points[:, None]
            shift = {"fourier": places, "polynomial": 0}.get(config.basis, -omega * places)
            return KERNELS[config.basis](inner + shift)

        kind = wide(torch.promote_types(B.dtype, A.dtype))
        curve, points = sampled(basis, reach, kind, B.device, order=3 if config.basis == "bspline" else 4)

        def samples_at(points: Tensor) -> Tensor:
            phi = basis(points) @ alpha
            return points + phi - basis(points.new_zeros(1)) @ alpha if config.around_identity else phi

        # made again in the backward pass: a table's samples of N functions are not kept
        samples: Tensor = checkpoint(samples_at, points, use_reentrant=False)  # pyright: ignore[reportAssignmentType]
        curve.take(samples)
        return curve, samples


@final
class LrLoraModel(NonlinearModel):
    """PEFT's model of LR-LoRA."""

    layer_class: ClassVar[type[NonlinearLayer]] = LrLoraLayer

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Add an adapter to every target, and let them share what they are to share."""
        super().inject_adapter(model, adapter_name, *args, **kwargs)
        self._tie()
        if not self._load_state_dict_post_hooks:
            # loading with low_cpu_mem_usage puts a parameter of its own in every layer
            self.register_load_state_dict_post_hook(LrLoraModel._tie)

    def _tie(self, *_: Any) -> None:
        for adapter, config in self.peft_config.items():
            tie(self, adapter, getattr(config, "share", []))


def tie(model: nn.Module, adapter: str, share: list[str]) -> None:
    """Give all layers one and the same parameter for each of these quantities."""
    layers = [m for m in model.modules() if isinstance(m, LrLoraLayer) and adapter in m.lora_amplitude]
    for name in (NAMES[quantity] for quantity in share):
        held = [getattr(layer, name) for layer in layers if adapter in getattr(layer, name)]
        for parameters in held[1:]:
            parameters[adapter] = held[0][adapter]


def parameter_groups(model: nn.Module, *, lr: float, phi_lr: float) -> list[dict[str, Any]]:
    """Return an optimizer's parameter groups: everything trainable at lr, but LR-LoRA's phi at a rate of its own.

    Parameters
    ----------
    model : nn.Module
    lr, phi_lr : float
        Learning rates, > 0; phi's own is for amplitudes, bandwidths and learned grids.
    """
    lr, phi_lr = finite("lr", lr, least=0, strict=True), finite("phi_lr", phi_lr, least=0, strict=True)
    groups: tuple[list[nn.Parameter], list[nn.Parameter]] = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[any(f".{part}." in f".{name}" for part in NAMES.values())].append(parameter)
    return [{"params": rest, "lr": rate} for rest, rate in zip(groups, (lr, phi_lr), strict=True) if rest]


register(LrLoraConfig.METHOD, LrLoraConfig, LrLoraModel)
