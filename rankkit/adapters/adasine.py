"""AdaSine-LoRA as a PEFT adapter: a sine of the low-rank output, at a frequency that depends on the input."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, final

import torch
from torch import Tensor, nn

from rankkit.adapters.blocks import exactly, rows_at_once, wide
from rankkit.adapters.config import NonlinearConfig, check_gain, divisor
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.registration import register
from rankkit.checks import finite

__all__ = ["AdaSineLoraConfig", "AdaSineModel"]

_NO_UPDATE = (
    "AdaSine-LoRA has no weight update to merge or to return, since its frequency depends on the input; keep the "
    "adapter beside its base."
)


@dataclass
class AdaSineLoraConfig(NonlinearConfig):
    """AdaSine-LoRA: the output gains sin(omega0 sigmoid(w x) s B A x) / g (AdaSine-LoRA paper, eq. 8).

    It has no weight update, so that it cannot be merged. All other arguments are those of `peft.LoraConfig`.

    Parameters
    ----------
    omega0 : float
        Largest frequency, > 0; the paper's is 400.
    gain : float or str, optional
        The divisor g. None: the square root of the number of rows of the weight (section 4.1). "sqrt(in_features)": the
        sine-LoRA authors' code.
    scale_inside : bool
        s = 1 / sqrt(d) with d inputs inside the sine, as in the paper's experiments (appendix, extended setup); False:
        s = 1, as eq. 8 is printed.

    Notes
    -----
    The experiments also name a LoRA scale of alpha = 32. Eq. 8 has none, and neither has this unless lora_alpha is
    given.
    """

    METHOD: ClassVar[str] = "ADASINELORA"

    omega0: float = field(default=400.0)
    gain: float | str | None = field(default=None)
    scale_inside: bool = field(default=True)

    def _check(self) -> None:
        self.omega0 = finite("omega0", self.omega0, least=0, strict=True, advice="the paper's is 400")
        self.gain = check_gain(self.gain, finite)


@final
class AdaSineLayer(NonlinearLayer):
    """A layer with an input-dependent sine."""

    config_class: ClassVar[type] = AdaSineLoraConfig
    extra_names: ClassVar[tuple[str, ...]] = ("lora_frequency",)
    adapter_layer_names = (*NonlinearLayer.adapter_layer_names, "lora_frequency")
    lora_frequency: Any

    def _extra(self, config: Any) -> dict[str, Tensor]:
        return {"lora_frequency": nn.Linear(self.in_features, 1, bias=False).weight.detach()}

    def _folded(self, x: Tensor, adapter: str) -> Tensor | None:
        return None

    def _delta(self, x: Tensor, adapter: str) -> Tensor:
        config, (B, A) = self.configs[adapter], self._sound(adapter)
        inside = 1 / math.sqrt(self.in_features) if config.scale_inside else 1.0
        outside = self._factor(adapter) / divisor(config.gain, self.out_features, self.in_features)
        x = self.lora_dropout[adapter](x)
        return _response(x, B, A, self.lora_frequency[adapter], config.omega0, inside, outside)

    def curve(self, adapter: str, B: Tensor, A: Tensor) -> NoReturn:
        """Raise: the function of an entry of B A depends on the input."""
        raise ValueError(_NO_UPDATE)

    def _update(self, adapter: str) -> NoReturn:
        raise ValueError(_NO_UPDATE)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> NoReturn:
        """Raise: there is no update to add."""
        raise ValueError(_NO_UPDATE)


# operators of torch's, so that torch.compile takes them into its graph: only x, B, A and w are kept between the passes
_ARGUMENTS = "Tensor x, Tensor B, Tensor A, Tensor w, float omega0, float inside, float outside"


@torch.library.custom_op("rankkit::adasine", mutates_args=(), schema=f"({_ARGUMENTS}) -> Tensor")
def _response(x: Tensor, B: Tensor, A: Tensor, w: Tensor, omega0: float, inside: float, outside: float) -> Tensor:
    """Return sin(omega(x) inside B A x) outside, by blocks of inputs."""
    kind = wide(torch.promote_types(x.dtype, B.dtype))
    flat = x.reshape(-1, x.shape[-1])
    y = torch.empty(flat.shape[0], B.shape[0], dtype=kind, device=x.device)
    with exactly(x.device):
        for tokens, _, omega, low in _tokens(flat, B, A, w, kind, omega0):
            out = torch.mm(low * (omega * inside)[:, None], B.to(kind).T, out=y[tokens])
            out.sin_().mul_(outside)
    return y.view(*x.shape[:-1], B.shape[0])


@torch.library.custom_op(
    "rankkit::adasine_gradients", mutates_args=(),
    schema=f"(Tensor grad, {_ARGUMENTS}) -> (Tensor, Tensor, Tensor, Tensor)",
)  # fmt: skip
def _response_gradients(
    grad: Tensor, x: Tensor, B: Tensor, A: Tensor, w: Tensor, omega0: float, inside: float, outside: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the loss's gradients by x, B, A and w."""
    kind = wide(torch.promote_types(x.dtype, B.dtype))
    flat, g = x.reshape(-1, x.shape[-1]), grad.reshape(-1, grad.shape[-1])
    wide_B, wide_A, row = B.to(kind), A.to(kind), w.to(kind)
    dx = torch.empty_like(flat)
    dB, dA, dw = torch.zeros_like(wide_B), torch.zeros_like(wide_A), torch.zeros_like(row)
    with exactly(x.device):
        for tokens, part, omega, low in _tokens(flat, B, A, w, kind, omega0):
            h = low @ wide_B.T
            slope = (h * (omega * inside)[:, None]).cos_().mul_(g[tokens]).mul_(outside)
            domega = (slope * h).sum(1).mul_(inside)
            slope.mul_((omega * inside)[:, None])  # now the gradient by h
            dlow = slope @ wide_B
            dB.addmm_(slope.T, low)
            dA.addmm_(dlow.T, part)
            dlogit = domega * omega * (1 - omega / omega0)
            dw.addmm_(dlogit[None], part)
            dx[tokens] = torch.addmm(dlogit[:, None] * row, dlow, wide_A).to(dx.dtype)
    return dx.view(x.shape), dB.to(B.dtype), dA.to(A.dtype), dw.to(w.dtype)


@_response.register_fake
def _(x: Tensor, B: Tensor, *rest: Any) -> Tensor:
    return x.new_empty((*x.shape[:-1], B.shape[0]), dtype=wide(torch.promote_types(x.dtype, B.dtype)))


@_response_gradients.register_fake
def _(grad: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    return tuple(torch.empty_like(tensor) for tensor in rest[:4])


def _set_up(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.constants = inputs[4:]


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    return (*_response_gradients(grad, *ctx.saved_tensors, *ctx.constants), None, None, None)


_response.register_autograd(_backward, setup_context=_set_up)


def _tokens(flat: Tensor, B: Tensor, A: Tensor, w: Tensor, kind: torch.dtype, omega0: float) -> Any:
    """Yield (their slice, inputs, frequencies, A x) for one block of inputs after the other."""
    step = rows_at_once(flat.shape[0], B.shape[0], flat.device, flat.numel())
    for start in range(0, flat.shape[0], step):
        tokens = slice(start, start + step)
        part = flat[tokens].to(kind)
        omega = omega0 * torch.sigmoid(part @ w.to(kind)[0])
        yield tokens, part, omega, part @ A.to(kind).T


@final
class AdaSineModel(NonlinearModel):
    """PEFT's model of AdaSine-LoRA."""

    layer_class: ClassVar[type[NonlinearLayer]] = AdaSineLayer

    def _check_merge_allowed(self) -> None:
        raise ValueError(_NO_UPDATE)


register(AdaSineLoraConfig.METHOD, AdaSineLoraConfig, AdaSineModel)
