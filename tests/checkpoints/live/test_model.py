"""Live models: which update a row is of, and that the model is what it was afterwards."""

import copy
import random
from typing import Any

import numpy as np
import peft
import pytest
import torch
from peft import LoraConfig, OFTConfig, PeftMixedModel, get_peft_model
from torch import nn

import rankkit as rk
from rankkit.checkpoints.live import wrapped
from tests.checkpoints.live.models import Net, config_of, merges, model_of, trained, truth


def row(report: Any, module: str) -> Any:
    return report.table.set_index("module").loc[module]


def same(report, module, delta):
    got, (sigma, stable) = row(report, module), truth(delta)
    assert got["status"] == "ok", got["note"]
    assert got["spectral_norm"] == pytest.approx(sigma, rel=1e-6)
    assert got["stable_rank"] == pytest.approx(stable, rel=1e-6)


def audit(model, **more):
    return rk.audit(model, progress=False, **more)


def state_of(model):
    """Everything that an audit might change."""
    layers = [
        (type(m).__name__, m.training, getattr(m, "_active_adapter", None), getattr(m, "_disable_adapters", None),
         list(getattr(m, "merged_adapters", [])), *(len(h) for k, h in vars(m).items() if "_hooks" in k and isinstance(h, dict)))
        for m in model.modules()
    ]  # fmt: skip
    tensors = [
        (k, v.dtype, v.requires_grad, v.detach().clone())
        for k, v in [*model.named_parameters(), *model.named_buffers()]
    ]
    numpys: Any = np.random.get_state()  # noqa: NPY002
    return layers, tensors, torch.get_rng_state(), random.getstate(), numpys[1].tolist()


def assert_same_state(one, two):
    assert one[0] == two[0]
    for (k, dtype, grad, x), (k2, dtype2, grad2, y) in zip(one[1], two[1], strict=True):
        assert (k, dtype, grad) == (k2, dtype2, grad2)
        assert torch.equal(x, y)
    assert torch.equal(one[2], two[2])
    assert one[3:] == two[3:]


@pytest.mark.parametrize("method", ["LORA", "OFT", "VERA", "LILY", "OSF"])
def test_a_model_is_bit_for_bit_what_it_was(method):
    model = model_of(method).train()
    model.base_model.model.one.register_forward_hook(lambda *_: None)
    before = state_of(model)
    audit(model)
    assert_same_state(before, state_of(model))


@pytest.mark.parametrize("method", ["OFT", "HIRA"])
def test_an_audit_that_fails_half_way_leaves_the_model_as_it_was(method, monkeypatch):
    model = model_of(method).train()
    before = state_of(model)
    real, calls = wrapped.copied, []

    def fails_at_the_second(layer, **more):
        calls.append(layer)
        made = real(layer, **more)
        if len(calls) == 2:
            made.merge()
            torch.rand(3)
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(wrapped, "copied", fails_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        audit(model)
    assert_same_state(before, state_of(model))


def test_a_merge_that_is_not_what_the_layer_applies_is_not_believed(monkeypatch):
    from peft.tuners.hra.layer import HRALinear

    model = model_of("HRA")
    true = merges(model)["one"]
    real = HRALinear.merge

    def twice(self, *args, **more):
        real(self, *args, **more)
        self.base_layer.weight.data *= 1.5

    monkeypatch.setattr(HRALinear, "merge", twice)
    report = audit(model)
    same(report, "one", true)
    assert "not what the layer applies" in row(report, "one")["note"]


def test_models_without_a_wrapper_of_peft():
    torch.manual_seed(0)
    model = trained(peft.inject_adapter_in_model(LoraConfig(r=4, target_modules=["one"]), Net()))
    same(audit(model), "one", merges(model)["one"])
    del model.peft_config
    same(audit(model), "one", merges(model)["one"])


def test_several_active_adapters_are_summed_and_each_alone_on_request():
    model = model_of("LORA", r=4)
    model.add_adapter("second", LoraConfig(r=3, lora_alpha=12, target_modules=["one"], use_rslora=True))
    model.base_model.set_adapter(["default", "second"])
    trained(model, seed=3)
    both = audit(model)
    same(both, "one", merges(model)["one"])
    assert row(both, "one")["r"] == 7
    assert "default and second" in row(both, "one")["note"]
    same(audit(model, adapter="second"), "one", merges(model, ["second"])["one"])
    same(audit(model, adapter=["default"]), "one", merges(model, ["default"])["one"])
    each = audit(model, each=True)
    assert [*each.table["module"]] == ["one", "one", "one", "two"]
    assert [*each.table["adapter"]] == ["default + second", "default", "second", "default"]
    for adapter, names in (("default + second", None), ("second", ["second"])):
        assert each.spectra[f"one[{adapter}]"][0] == pytest.approx(truth(merges(model, names)["one"])[0], rel=1e-6)
    assert each.plot() is not None
    with pytest.raises(ValueError, match="default, second"):
        audit(model, adapter="third")


def test_several_active_adapters_of_a_method_without_factors():
    model = model_of("HIRA")
    model.add_adapter("second", config_of("HIRA", r=3))
    model.base_model.set_adapter(["default", "second"])
    trained(model, seed=3)
    report = audit(model, each=True)
    for adapter, names in (("default + second", None), ("second", ["second"])):
        assert report.spectra[f"one[{adapter}]"][0] == pytest.approx(truth(merges(model, names)["one"])[0], rel=1e-6)


def test_mixed_methods_on_one_weight_are_one_row():
    torch.manual_seed(0)
    model: Any = PeftMixedModel(Net(), LoraConfig(r=4, target_modules=["one", "two"]), "a")
    model.add_adapter("b", OFTConfig(oft_block_size=8, target_modules=["one"]))
    model.set_adapter(["a", "b"])
    trained(model)
    merged: Any = copy.deepcopy(model).double()
    W = merged.base_model.model.one.get_base_layer().weight.detach().clone()
    delta = (merged.merge_and_unload().one.weight.detach() - W).numpy()
    report = audit(model)
    assert [*report.table["module"]] == ["one", "two"]
    same(report, "one", delta)


def test_the_scale_is_the_one_that_is_applied_now():
    model = model_of("LORA", r=4, lora_alpha=8)
    with peft.helpers.rescale_adapter_scale(model, 0.25):
        got = audit(model)
        same(got, "one", merges(model)["one"])
    assert row(got, "one")["scale"] == pytest.approx(0.5, rel=1e-12)
    model.base_model.model.two.set_scale("default", 3)
    same(audit(model), "two", merges(model)["two"])


def test_padding_for_hot_swaps_does_not_divide_the_scale():
    from peft.utils.hotswap import prepare_model_for_compiled_hotswap

    model = model_of("LORA", r=4, lora_alpha=8)
    true = merges(model)["one"]
    prepare_model_for_compiled_hotswap(model, target_rank=12)
    same(audit(model), "one", true)


@pytest.mark.parametrize("method", ["OFT", "LORA", "HIRA"])
def test_a_merged_model_is_measured_as_before_it_was_merged(method):
    model = model_of(method)
    true = merges(model)["one"]
    model.merge_adapter()
    before = state_of(model)
    same(audit(model), "one", true)
    assert_same_state(before, state_of(model))


class Shapes(nn.Module):
    def __init__(self):
        super().__init__()
        from transformers.pytorch_utils import Conv1D

        self.emb, self.lin = nn.Embedding(20, 16), nn.Linear(16, 16)
        self.conv = nn.Conv2d(6, 8, 3, padding=1, stride=2)
        self.gpt = Conv1D(16, 16)  # square: only its type tells that it is stored as (in, out)

    def forward(self, ids):
        return self.gpt(self.lin(self.emb(ids)))


@pytest.mark.parametrize("more", [{}, {"use_dora": True}, {"use_rslora": True}])
def test_every_kind_of_layer_and_the_turn_of_its_weight(more):
    torch.manual_seed(1)
    model = trained(get_peft_model(Shapes(), LoraConfig(r=4, target_modules=["emb", "lin", "conv", "gpt"], **more)))
    report = audit(model)
    deltas = merges(model)
    assert {*report.table["module"]} == {"emb", "lin", "conv", "gpt"}
    for path in ("emb", "lin", "conv", "gpt"):
        same(report, path, deltas[path])
    assert row(report, "emb")[["m", "n"]].tolist() == [16, 20]
    if more.get("use_dora"):
        assert all("true update" in note for note in report.table["note"])


def test_multihead_attention_is_not_taken_from_a_merge_that_counts_twice():
    torch.manual_seed(0)
    model: Any = nn.Module()
    model.attn = nn.MultiheadAttention(16, 2, batch_first=True)
    model.forward = lambda x: model.attn(x, x, x)[0]
    model = trained(get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["attn"])))
    report = audit(model)
    layers = {
        "attn": model.base_model.model.attn, "attn.base_layer.out_proj": model.base_model.model.attn.base_layer.out_proj
    }  # fmt: skip
    for path, layer in layers.items():
        B, A = (getattr(layer, name)["default"].weight.detach().double().numpy() for name in ("lora_B", "lora_A"))
        same(report, path, 2 * B @ A)


def test_heads_are_listed_and_not_measured():
    model = model_of("LORA", modules_to_save=["norm"])
    report = audit(model)
    assert [*report.table["module"]] == ["one", "two"]
    assert {entry.key.split(".")[-2] for entry in report.skipped} == {"norm"}


@pytest.mark.parametrize(("model", "said"), [(Net(), "no adapter layers")])
def test_a_model_without_adapters_is_refused(model, said):
    with pytest.raises(ValueError, match=said):
        audit(model)


def test_offloaded_weights_are_a_reason_and_no_crash():
    model = model_of("OFT")
    layer = model.base_model.model.one
    layer.base_layer.weight = nn.Parameter(torch.empty(24, 16, device="meta"))
    got = row(audit(model), "one")
    assert got["status"] == "unsupported"
    assert "offloaded" in got["note"]


class Packed(nn.Module):
    """A base layer whose weight is codes and a scale, read back as PEFT reads HQQ's."""

    def __init__(self, weight):
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.bias = None
        self.scale = float(weight.abs().max()) / 127
        self.W_q = nn.Parameter(torch.round(weight.detach() / self.scale).to(torch.int8), requires_grad=False)

    def dequantize(self):
        return self.W_q.float() * self.scale

    def forward(self, x):
        return x @ self.dequantize().to(x.dtype).T


@pytest.mark.parametrize(
    ("method", "more"),
    [("LORA", {}), ("LORA", {"use_dora": True}), ("OFT", {}), ("HIRA", {}), ("VERA", {}), ("RANDLORA", {})],
)
def test_a_quantised_base_is_read_back_as_peft_does(method, more):
    model = model_of(method, target_modules=["one"], **more)
    layer = model.base_model.model.one
    packed = Packed(layer.base_layer.weight)
    layer.base_layer = nn.Linear(16, 24, bias=False)
    layer.base_layer.weight = nn.Parameter(packed.dequantize(), requires_grad=False)
    true = merges(model)["one"]
    layer.base_layer = packed
    before = state_of(model)
    same(audit(model), "one", true)
    assert_same_state(before, state_of(model))


def test_factors_that_were_made_for_the_codes_of_a_weight_are_no_update():
    """PEFT makes LoHa's factors as large as the codes of a 4-bit weight, which its forward pass then cannot use."""
    model = model_of("LOHA", target_modules=["one"])
    base = model.base_model.model.one.base_layer
    base.in_features, base.out_features = 8, 48
    got = row(audit(model), "one")
    assert got["status"] == "unsupported"
    assert "48 x 8" in got["note"]


class Convolved(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.c = nn.Conv2d(8, 12, (3, 2), stride=2, padding=1, groups=groups)

    def forward(self, x):
        return self.c(x)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dora", [False, True])
def test_convolutions_in_groups(groups, dora):
    """The oracle is the matrix of all inputs that answers an image as the layer does; DoRA's lengths are PEFT's."""
    torch.manual_seed(0)
    model = trained(get_peft_model(Convolved(groups), LoraConfig(r=4, target_modules=["c"], use_dora=dora)), size=0.3)
    layer = copy.deepcopy(model.base_model.model.c).double().requires_grad_(False)
    base, A, B = layer.base_layer, layer.lora_A["default"].weight, layer.lora_B["default"].weight
    rows, ranks, inputs = 12 // groups, 4 // groups, 8 // groups
    blocks, weight = (torch.zeros(12, 8, 3, 2, dtype=torch.float64) for _ in range(2))
    for g in range(groups):
        out, of = slice(g * rows, (g + 1) * rows), slice(g * inputs, (g + 1) * inputs)
        blocks[out] = 2 * torch.einsum("or,rikl->oikl", B[out, :, 0, 0], A[g * ranks : (g + 1) * ranks])
        weight[out, of] = base.weight[out]
    change = blocks
    if dora:
        magnitude = layer.lora_magnitude_vector["default"]
        product = magnitude.get_lora_weight(lora_A=layer.lora_A["default"], lora_B=layer.lora_B["default"])
        lengths = magnitude.get_weight_norm(base.weight, product.reshape(base.weight.shape), scaling=2)
        change = (magnitude.weight / lengths).reshape(-1, 1, 1, 1) * (weight + blocks) - weight
    x = torch.randn(1, 8, 9, 9, dtype=torch.float64)
    whole = nn.functional.conv2d(x, change, stride=2, padding=1)
    torch.testing.assert_close(layer(x) - base(x), whole)
    before = state_of(model)
    same(audit(model), "c", change.reshape(12, -1).detach().numpy())
    assert_same_state(before, state_of(model))


def test_a_layer_that_is_no_convolution_of_its_input_is_refused():
    """PEFT's OFT rotates what overlapping windows see, and folds it back."""
    model = Convolved(1)
    model.c = nn.Conv2d(8, 12, 3, padding=1)
    model = trained(get_peft_model(model, OFTConfig(r=0, oft_block_size=4, target_modules=["c"])))
    got = row(audit(model), "c")
    assert got["status"] == "unsupported"
    assert "no convolution" in got["note"]


def test_disabled_adapters_are_said_on_every_row():
    model = trained(get_peft_model(Net(), LoraConfig(target_modules=["one"])))
    assert "disabled" not in row(audit(model), "one")["note"]
    with model.disable_adapter():
        assert "has its adapters disabled" in row(audit(model), "one")["note"]


def test_offloaded_factors_are_a_reason_and_cost_no_other_row():
    model = trained(get_peft_model(Net(), LoraConfig(target_modules=["one", "two"])))
    model.base_model.model.two.to("meta")
    report = audit(model)
    assert row(report, "one")["status"] == "ok"
    assert row(report, "two")["status"] == "unsupported"
    assert "offloaded" in row(report, "two")["note"]
