"""The adapters on a GPU: the numbers of the CPU's float64, in any dtype and with any setting of the products."""

import copy

import numpy as np
import peft
import pytest
import torch
from torch import nn

import rankkit as rk
from rankkit.adapters import SineLoraConfig, phases
from rankkit.adapters.blocks import ON_A_DEVICE, Base, update_of
from rankkit.adapters.curves import SineCurve
from rankkit.adapters.product import adapted_product

from .nets import METHODS, ONE_EACH, UPDATES, adapted, layers, one

pytestmark = pytest.mark.gpu
X = torch.randn(64, 12, generator=torch.Generator().manual_seed(1))


def relative(got, exact):
    return float((got.double().cpu() - exact).norm() / exact.norm())


def results(model, x):
    """Return the output and every gradient, on the CPU."""
    x = x.clone().requires_grad_()
    y = model(x)
    trained = [p for p in model.parameters() if p.requires_grad]
    grads = torch.autograd.grad(y.float().sin().sum() if y.dtype != torch.float64 else y.sin().sum(), [x, *trained])
    return [y.detach().cpu(), *(grad.cpu() for grad in grads)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dropout", [False, True])
def test_outputs_and_gradients_are_the_cpus(method, dropout):
    """Dropout of a vanishing rate keeps every input, but takes the road without a folded base."""
    model = adapted(method, lora_dropout=1e-12 if dropout else 0.0)
    exact = results(copy.deepcopy(model).double(), X.double())
    for got, wanted in zip(results(model.cuda(), X.cuda()), exact, strict=True):
        assert relative(got, wanted) < 2e-4


def test_blocks_make_no_difference():
    m, n, r = 2 * ON_A_DEVICE[1] // 4096 + 5, 4096, 2
    torch.manual_seed(0)
    x, W, B, A = (torch.randn(*s, dtype=torch.float64, device="cuda") for s in ((3, n), (m, n), (m, r), (r, n)))
    leaves = [t.requires_grad_() for t in (x, B, A)]
    y = adapted_product(x, B, A, SineCurve.of(3.0, 2.0), 0.7, base=Base(lambda: W))
    plain = x @ (W + 0.7 * torch.sin(3 * B @ A) / 2).T
    assert torch.allclose(y, plain, rtol=1e-10)
    for ours, theirs in zip(*(torch.autograd.grad(out.cos().sum(), leaves) for out in (y, plain)), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("phase", "bound"), [(1, 2e-7), (100, 2e-5), (300, 6e-5)])
@pytest.mark.parametrize("autocast", [False, True])
def test_phases_are_formed_in_float32_with_tf32_allowed(phase, bound, autocast):
    torch.manual_seed(0)
    B, A = torch.randn(256, 8), torch.randn(8, 512)
    omega = phase / 8**0.5
    exact = torch.sin(omega * (B.double() @ A.double()))
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            got = update_of(B.cuda(), A.cuda(), SineCurve.of(omega, 1.0), 1.0)
    finally:
        torch.set_float32_matmul_precision(precision)
    assert relative(got, exact) < bound


@pytest.mark.parametrize("method", ONE_EACH)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bit_bases_and_autocast_train(method, dtype):
    model = adapted(method, net=None).cuda()
    with torch.autocast("cuda", dtype):
        model(X.cuda()).float().pow(2).sum().backward()
    half = peft.get_peft_model(one(nn.Linear(12, 20)).to("cuda", dtype), METHODS[method](target_modules=["first"]))
    half(X.cuda().to(dtype)).float().pow(2).sum().backward()
    for net in (model, half):
        trained = [p for p in net.parameters() if p.requires_grad]
        assert trained
        assert all(p.dtype is torch.float32 and p.grad is not None and p.grad.isfinite().all() for p in trained)


@pytest.mark.parametrize("method", UPDATES)
def test_merged_saved_and_audited_as_on_the_cpu(method, tmp_path):
    model = adapted(method).cuda().eval()
    before = model(X.cuda()).detach()
    audit = rk.audit(model, progress=False)
    model.save_pretrained(tmp_path)
    folder = rk.audit(str(tmp_path), base=None, progress=False)
    if "DoRA" not in method:
        np.testing.assert_allclose(audit.table["spectral_norm"], folder.table["spectral_norm"], rtol=1e-6)
    model.merge_adapter()
    assert torch.allclose(model(X.cuda()), before, rtol=1e-4, atol=1e-4)


def test_phases_are_told_where_the_model_is():
    model = adapted("sine")
    here = phases(model)
    for there, phase in zip(phases(model.cuda()), here, strict=True):
        assert there.regime == phase.regime
        assert there.rms == pytest.approx(phase.rms, rel=1e-6)


def test_a_step_takes_no_more_memory_than_loras():
    """A layer of 4096 x 4096: the update has 64 MiB in float32, and is never there as a whole."""

    def peak(config):
        torch.manual_seed(0)
        model = peft.get_peft_model(one(nn.Linear(4096, 4096)).cuda(), config)
        model.base_model.model.first.lora_B["default"].weight.data.normal_(0, 0.01)
        x, grad = (torch.randn(32, 64, 4096, device="cuda") for _ in range(2))
        x.requires_grad_()
        most = 0
        for _ in range(2):  # in the first step libraries take work space of their own
            torch.cuda.reset_peak_memory_stats()
            held = torch.cuda.memory_allocated()
            y = model(x)
            y.backward(grad)
            most = torch.cuda.max_memory_allocated() - held
            model.zero_grad(set_to_none=True)
            x.grad = y = None
        return most

    common = {"r": 16, "target_modules": ["first"], "lora_dropout": 0.0}
    assert peak(SineLoraConfig(omega=200, **common)) <= peak(peft.LoraConfig(**common))


@pytest.mark.parametrize("method", ["sine", "AdaSine"])
def test_compiled_models_give_the_same(method):
    model = adapted(method).cuda()
    x = X.cuda()
    assert torch.allclose(torch.compile(model)(x), model(x), rtol=1e-4, atol=1e-5)
    assert layers(model)
