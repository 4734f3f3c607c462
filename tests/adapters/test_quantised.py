"""A base that bitsandbytes keeps in 8 or 4 bit: it stays as it is, and the update stands beside it."""

from typing import Any

import peft
import pytest
import torch
from torch import nn

from .nets import METHODS, ONE_EACH, one, shaken

bnb = pytest.importorskip("bitsandbytes")
X = torch.randn(7, 64, generator=torch.Generator().manual_seed(1))


def quantised(bits: int) -> Any:
    torch.manual_seed(0)
    layer = nn.Linear(64, 96)
    if bits == 8:
        coarse = bnb.nn.Linear8bitLt(64, 96, has_fp16_weights=False)
    else:
        coarse = bnb.nn.Linear4bit(64, 96, quant_type="nf4", compute_dtype=torch.float32)
    coarse.load_state_dict(layer.state_dict())
    return coarse.to("cpu")


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("method", [*ONE_EACH, "sine-DoRA on activations"])
def test_the_update_stands_beside_the_base(bits, method):
    net = one(quantised(bits))
    model = shaken(peft.get_peft_model(net, METHODS[method](target_modules=["first"])), spread=0.1)
    layer: Any = net.first
    plain, stored = layer.base_layer(X).detach(), layer.base_layer.weight.data.clone()
    trained = [p for p in model.parameters() if p.requires_grad]
    y = model(X)
    y.sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in trained)
    assert torch.equal(layer.base_layer.weight.data, stored)
    if "AdaSine" in method or "activations" in method:
        assert not torch.allclose(y, plain, atol=1e-3)
        return
    assert torch.allclose(y, plain + X @ layer.get_delta_weight("default").T, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="an update cannot be added to a quantised weight"):
        model.merge_adapter()
