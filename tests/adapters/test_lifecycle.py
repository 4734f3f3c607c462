"""A method's whole life on PEFT's machinery: make, save, load elsewhere, switch, disable, merge."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, cast

import peft
import pytest
import torch
from torch import nn

import rankkit as rk
from rankkit.adapters import AdaSineLoraConfig, LoranConfig, LrLoraConfig, SineLoraConfig, parameter_groups, phases

from .nets import COMMON, METHODS, ONE_EACH, UPDATES, Net, adapted, layers, shaken

X = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))


def close(a, b, tol=2e-6):
    return torch.allclose(a, b, rtol=tol, atol=tol)


def test_saved_adapters_load_in_a_new_process(tmp_path):
    """All methods in one process of their own, which knows the base and the folders alone."""
    outputs = {}
    for i, method in enumerate(METHODS):
        model = adapted(method, modules_to_save=["head"], rank_pattern={"second": 3}).eval()
        model.save_pretrained(tmp_path / str(i))
        outputs[i] = model(X).detach()
    torch.manual_seed(0)
    torch.save((Net().state_dict(), X, outputs), tmp_path / "known.pt")
    code = f"""
        import peft, torch
        import rankkit.adapters
        from tests.adapters.nets import Net
        base, X, outputs = torch.load({str(tmp_path / "known.pt")!r})
        for i, expected in outputs.items():
            net = Net()
            net.load_state_dict(base)
            model = peft.PeftModel.from_pretrained(net, {str(tmp_path)!r} + f"/{{i}}").eval()
            assert torch.allclose(model(X), expected, atol=1e-6), i
            with model.disable_adapter():
                assert not torch.allclose(model(X), expected, atol=1e-3), i
        print(len(outputs))
    """
    command, root = [sys.executable, "-c", textwrap.dedent(code)], Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.stdout.strip() == str(len(METHODS)), done.stderr


@pytest.mark.parametrize("method", UPDATES)
def test_merging_changes_no_output(method):
    model = adapted(method, dtype=torch.float64, spread=0.2).eval()
    x = X.double()
    before, weight = model(x).detach(), layers(model)["first"].weight.detach().clone()
    model.merge_adapter()
    assert close(model(x), before)
    model.unmerge_adapter()
    assert torch.allclose(layers(model)["first"].weight, weight, atol=1e-12)
    assert close(model(x), before)
    merged = model.merge_and_unload(safe_merge=True)
    assert isinstance(merged, Net)
    assert close(merged(x), before)


@pytest.mark.parametrize("method", ONE_EACH)
def test_adapters_are_added_switched_disabled_and_deleted(method):
    model = adapted(method).eval()
    model.add_adapter("other", METHODS[method](r=2))
    one = model(X).detach()
    model.set_adapter("other")
    shaken(model, spread=0.5)
    two = model(X).detach()
    assert not close(one, two, 1e-3)
    model.set_adapter("default")
    assert torch.equal(model(X), one)
    with model.disable_adapter():
        plain = model(X)
    assert not close(plain, one, 1e-3)
    torch.manual_seed(0)
    assert close(plain, Net()(X))
    with torch.no_grad():
        mixed = model(X, adapter_names=["default", "other", "__base__", "default", "other", "__base__"])
    for rows, expected in (([0, 3], one), ([1, 4], two), ([2, 5], plain)):
        assert close(mixed[rows], expected[rows], 1e-5)
    model.delete_adapter("other")
    assert torch.equal(model(X), one)


@pytest.mark.parametrize("method", ["sine", "Sinter", "LR, sinc"])
def test_two_active_adapters_add_their_updates(method):
    model = adapted(method, dtype=torch.float64).eval()
    model.add_adapter("other", METHODS[method]())
    model.set_adapter("other")
    shaken(model)
    model.base_model.set_adapter(["default", "other"])
    both, layer = model(X.double()).detach(), layers(model)["first"]
    total = layer.weight + layer.get_delta_weight("default") + layer.get_delta_weight("other")
    assert torch.allclose(layer(X.double()), nn.functional.linear(X.double(), total, layer.base_layer.bias))
    model.merge_adapter()
    assert close(model(X.double()), both)


def test_training_inference_and_gradients_see_one_update():
    for method in METHODS:
        model = adapted(method, dtype=torch.float64)
        trained = model(X.double()).detach()
        model.eval()
        with torch.no_grad():
            assert close(model(X.double()), trained, 1e-9), method
        assert close(model(X.double()), trained, 1e-9), method


def test_what_is_formed_for_inference_follows_the_factors():
    model = adapted("sine").eval()
    with torch.no_grad():
        before = model(X)
        assert torch.equal(model(X), before)
        layers(model)["first"].lora_B["default"].weight.data.mul_(0.5)  # PyTorch counts no version of .data
        assert not close(model(X), before, 1e-3)


def test_ranks_and_scales_by_pattern():
    model = adapted("sine", rank_pattern={"second": 2}, alpha_pattern={"first": 12})
    first, second = layers(model).values()
    assert [first.r["default"], first.scaling["default"]] == [4, 3]
    assert [second.r["default"], second.scaling["default"]] == [2, 1], "the papers' scale is 1, whatever the rank"
    assert layers(adapted("Sinter", lora_alpha=16))["first"].scaling["default"] == 4


def test_all_linear_takes_linear_and_conv1d(tmp_path):
    model = peft.get_peft_model(Net(), SineLoraConfig(omega=10, target_modules="all-linear"))
    assert sum("lora_A" in name for name, _ in model.named_parameters()) == 3


@pytest.mark.parametrize("method", ["LR, sinc", "LR, shared", "sine-DoRA"])
def test_low_memory_loading(tmp_path, method):
    model = adapted(method).eval()
    model.save_pretrained(tmp_path)
    torch.manual_seed(0)
    again: Any = peft.PeftModel.from_pretrained(Net(), tmp_path, low_cpu_mem_usage=True).eval()
    assert close(again(X), model(X))
    if method == "LR, shared":
        first, second = layers(again).values()
        assert first.lora_amplitude["default"] is second.lora_amplitude["default"]
        assert close(shaken(again)(X), again(X))


def test_layers_share_what_they_are_told_to():
    first, second = layers(adapted("LR, shared")).values()
    assert first.lora_amplitude["default"] is second.lora_amplitude["default"]
    assert first.lora_bandwidth["default"] is second.lora_bandwidth["default"]
    assert first.lora_B["default"] is not second.lora_B["default"]
    first, second = layers(adapted("LR, sinc")).values()
    assert first.lora_amplitude["default"] is not second.lora_amplitude["default"]


def test_phi_has_a_learning_rate_of_its_own():
    rest, phi = parameter_groups(adapted("LR, sinc"), lr=1e-3, phi_lr=1e-1)
    assert (rest["lr"], phi["lr"]) == (1e-3, 1e-1)
    assert sorted(p.numel() for p in phi["params"]) == [9, 9, 9, 9]
    assert len(rest["params"]) == 4
    assert len(parameter_groups(adapted("sine"), lr=1e-3, phi_lr=1e-1)) == 1


def test_defaults_are_the_papers():
    assert (LrLoraConfig().size, LrLoraConfig().interval, LrLoraConfig().omega0) == (50, 3.0, 1.0)
    loran = LoranConfig()
    assert (loran.r, loran.lora_alpha, loran.lora_dropout, loran.amplitude, loran.omega) == (64, 16, 0.2, 5e-5, 1e4)
    assert (AdaSineLoraConfig().omega0, AdaSineLoraConfig().scale_inside) == (400.0, True)
    start = layers(peft.get_peft_model(Net(), LrLoraConfig(**COMMON)))["first"]
    assert torch.equal(start.lora_amplitude["default"], torch.zeros(50))
    assert start.lora_bandwidth["default"].detach().numpy() == pytest.approx(0.5413, abs=1e-4)  # ln(e - 1)


# what is refused, each in one sentence


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SineLoraConfig(omega=0), "omega must be a number that is finite and > 0, got 0"),
        (lambda: SineLoraConfig(omega=float("nan")), "omega must be a number that is finite and > 0, got nan"),
        (lambda: SineLoraConfig(), "omega must be a number .* got None"),
        (lambda: SineLoraConfig(omega=1, gain=0), "gain must be a number that is finite and > 0, got 0"),
        (lambda: SineLoraConfig(omega=1, gain="rows"), "gain must be a number .* got 'rows'; leave it out for sqrt"),
        (lambda: SineLoraConfig(omega=1, use_dora=True), "use_dora makes another update than SineLoraConfig's"),
        (lambda: SineLoraConfig(omega=1, use_rslora=True), "use_rslora .* got lora_alpha=None, .*; set lora_alpha, or"),
        (
            lambda: SineLoraConfig(omega=1, init_lora_weights="pissa"),
            "init_lora_weights must be True, False or 'gaussian'",
        ),
        (lambda: SineLoraConfig(omega=1, r=cast(Any, "4")), "r must be an integer >= 1, got '4'; it is the rank"),
        (lambda: LrLoraConfig(size=1), "size must be an integer >= 2, got 1"),
        (lambda: LrLoraConfig(basis="wavelet"), "basis must be one of sinc, .* got 'wavelet'"),
        (lambda: LrLoraConfig(grid="square"), "grid must be one of uniform, .* got 'square'"),
        (lambda: LrLoraConfig(share=["phase"]), r"share must be of grid, bandwidth, amplitude, got \['phase'\]"),
        (lambda: LoranConfig(activation="sin"), "activation must be one of sinter, .* got 'sin'"),
        (lambda: AdaSineLoraConfig(omega0=-1), "omega0 must be a number that is finite and > 0, got -1"),
    ],
)
def test_bad_configurations(make, message):
    with pytest.raises(ValueError, match=message) as told:
        make()
    assert "\n" not in str(told.value)


def test_without_peft_the_import_says_how_to_install_it():
    code = "import sys; sys.modules['peft'] = None; import rankkit.adapters"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].startswith("ImportError: rankkit.adapters needs PEFT, got none; install it")


def test_other_layers_are_refused_by_name():
    net: Any = nn.Sequential(nn.Embedding(5, 4), nn.Conv2d(1, 1, 3))
    for name, kind in (("0", "Embedding"), ("1", "Conv2d")):
        with pytest.raises(ValueError, match=f"{name} is a {kind}: SineLoraConfig adapts Linear and Conv1D layers"):
            peft.get_peft_model(net, SineLoraConfig(omega=1, target_modules=[name]))


def test_methods_do_not_mix():
    model = adapted("sine")
    with pytest.raises(ValueError, match="different peft types"):
        model.add_adapter("other", peft.LoraConfig(**COMMON))
    net: Any = Net()
    peft.inject_adapter_in_model(peft.LoraConfig(**COMMON), net, "plain")
    with pytest.raises(
        ValueError, match="one model takes adapters of one method: it has LORA, the new one is SINELORA"
    ):
        peft.inject_adapter_in_model(SineLoraConfig(omega=1, **COMMON), net, "sine")
    net: Any = Net()
    peft.inject_adapter_in_model(SineLoraConfig(omega=1, **COMMON), net, "sine")
    with pytest.raises(ValueError, match="a LoraConfig cannot be added to a layer of SineLoraConfig"):
        peft.inject_adapter_in_model(peft.LoraConfig(**COMMON), net, "plain")


def test_adasine_cannot_be_merged():
    model = adapted("AdaSine")
    for merge in (model.merge_adapter, model.merge_and_unload, layers(model)["first"].merge):
        with pytest.raises(ValueError, match="AdaSine-LoRA has no weight update"):
            merge()


def test_sine_dora_on_activations_cannot_be_merged_nor_audited(tmp_path):
    model = adapted("sine-DoRA on activations").eval()
    layer = layers(model)["first"]
    for call in (model.merge_adapter, model.merge_and_unload, lambda: layer.get_delta_weight("default")):
        with pytest.raises(ValueError, match="sine-DoRA on activations has no weight update"):
            call()
    before = model(X).detach()
    layer.lora_B["default"].weight.data.mul_(0.5)  # what is kept for inference follows the factors
    assert not close(model(X), before, 1e-3)
    model.save_pretrained(tmp_path)
    table = rk.audit(tmp_path, progress=False).table
    assert list(table["status"]) == ["unsupported"] * 2
    assert table["note"].str.contains("no one weight update").all()
    saved: Any = "adapter/"
    with pytest.raises(TypeError, match="model must be a torch module, got str; audit a saved adapter with rankkit"):
        phases(saved)
    with pytest.raises(ValueError, match="no adapter with a frequency"):
        phases(model)


def test_weighted_sums_of_factors_are_refused():
    with pytest.raises(ValueError, match="no sum of updates"):
        adapted("sine").add_weighted_adapter(["default"], [1.0], "both")


def test_merging_twice_does_nothing_and_says_so():
    model = adapted("sine").eval()
    model.merge_adapter()
    once = layers(model)["first"].weight.detach().clone()
    with pytest.warns(UserWarning, match="already merged"):
        model.merge_adapter()
    assert torch.equal(layers(model)["first"].weight, once)


def test_sine_dora_merges_one_adapter_at_a_time():
    model = adapted("sine-DoRA")
    model.add_adapter("other", METHODS["sine-DoRA"]())
    with pytest.raises(ValueError, match="one adapter at a time"):
        model.merge_adapter(["default", "other"])


def test_files_that_are_not_whole_are_not_loaded(tmp_path):
    from safetensors.torch import load_file, save_file

    file = tmp_path / "adapter_model.safetensors"
    adapted("LR, sinc").save_pretrained(tmp_path)
    state = load_file(file)
    save_file({key: value for key, value in state.items() if "first.lora_amplitude" not in key}, file)
    with pytest.raises(ValueError, match="is not whole: of its 10 tensors 1 is missing, such as .*lora_amplitude"):
        peft.PeftModel.from_pretrained(Net(), tmp_path)
    adapted("sine").save_pretrained(tmp_path / "sine")
    adapted("Sinter").save_pretrained(tmp_path / "loran")
    (tmp_path / "sine" / "adapter_model.safetensors").replace(tmp_path / "loran" / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="the tensors are those of SINELORA, the configuration says LORAN"):
        peft.PeftModel.from_pretrained(Net(), tmp_path / "loran")


@pytest.mark.parametrize("method", ONE_EACH)
def test_a_diverged_training_ends_in_one_sentence(tmp_path, method):
    model = adapted(method)
    layers(model)["first"].lora_B["default"].weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="the training diverged"):
        model(X)
    with pytest.raises(ValueError, match="nothing is saved: NaN or infinite entries in 1 tensor of adapter 'default'"):
        model.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))
