"""What is trained is what is audited: folder, live model, merged difference and the rule of the audit agree."""

import json
from typing import Any

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit.audits.weights import Base
from rankkit.checkpoints import open_adapter
from rankkit.rules import AdaSine

from .nets import METHODS, UPDATES, adapted, layers


def applied(model, name):
    """Return the update that the live layer adds to its weight, (m, n)."""
    layer = layers(model)[name]
    delta = layer.get_delta_weight("default").detach().double().numpy()
    return delta.T if layer.fan_in_fan_out else delta


def base_of(model):
    state = model.state_dict()
    return {key.removeprefix("base_model.model."): value for key, value in state.items() if "base_layer" in key}


@pytest.mark.parametrize("method", UPDATES)
def test_folder_and_live_model_give_the_rule_of_the_adapter(tmp_path, method):
    model = adapted(method, dtype=torch.float64, rank_pattern={"second": 3}, alpha_pattern={"second": 5})
    model.save_pretrained(tmp_path)
    for source in (tmp_path, model):
        opened = open_adapter(source)
        assert [layer.status for layer in opened.layers] == ["ok", "ok"]
        for layer in opened.layers:
            if layer.magnitude:
                turned: Any = Base(base_of(model)).adapted(layer).product()
                update = turned.matrix
            else:
                product: Any = layer.product()
                update = layer.rule(product)
                update = update.product() if hasattr(update, "product") else update
            exact = applied(model, layer.name)
            assert np.max(np.abs(np.asarray(update) - exact)) < 1e-12 * max(1, np.max(np.abs(exact)))


@pytest.mark.parametrize("method", UPDATES)
def test_audits_agree_with_the_merged_difference(tmp_path, method):
    model = adapted(method, dtype=torch.float64)
    model.save_pretrained(tmp_path)
    base = base_of(model)
    more: dict[str, Any] = {"base": base} if method == "sine-DoRA" else {}
    tables = [rk.audit(source, progress=False, **more).table.set_index("module") for source in (tmp_path, model)]
    before = {name: layer.weight.detach().clone() for name, layer in layers(model).items()}
    merged = model.merge_and_unload()
    for name, weight in before.items():
        change = (merged.get_submodule(name).weight - weight).detach().numpy()
        sigma = np.linalg.svd(change, compute_uv=False)
        for table in tables:
            assert table.loc[name, "status"] == "ok"
            assert table.loc[name, "spectral_norm"] == pytest.approx(sigma[0], rel=1e-6)
            assert table.loc[name, "stable_rank"] == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=1e-6)


@pytest.mark.parametrize("method", ["AdaSine", "AdaSine, as printed"])
def test_adasine_responds_as_its_rule_and_has_no_update(tmp_path, method):
    model = adapted(method, dtype=torch.float64)
    model.save_pretrained(tmp_path)
    opened = open_adapter(tmp_path)
    layer: Any
    for layer in opened.layers:
        x = torch.randn(5, layer.n, dtype=torch.float64)
        live = layers(model)[layer.name]
        difference = live(x) - live.base_layer(x)
        assert isinstance(layer.rule, AdaSine)
        assert np.allclose(
            layer.rule.response(layer.product(), x.numpy()), difference.detach().numpy(), rtol=0, atol=1e-12
        )
    table = rk.audit(tmp_path, progress=False).table
    assert list(table["status"]) == ["unsupported"] * 2
    assert table["note"].str.contains("no one weight update").all()
    other = rk.audit(tmp_path, rule=rk.rules.Sine(3.0), progress=False).table
    assert list(other["status"]) == ["ok"] * 2


def test_another_rule_in_place_of_a_sines_own():
    model = adapted("sine", dtype=torch.float64)
    table = rk.audit(model, rule=rk.rules.Linear(), progress=False).table.set_index("module")
    layer = layers(model)["first"]
    plain = (layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach().numpy()
    assert table.loc["first", "spectral_norm"] == pytest.approx(np.linalg.norm(plain, 2), rel=1e-9)
    trained: Any = open_adapter(model).layers[0].product()
    assert rk.frequency_for_rank(4, factors=trained).value > 0


def test_sine_dora_without_its_base_says_so(tmp_path):
    adapted("sine-DoRA").save_pretrained(tmp_path)
    assert rk.audit(tmp_path, progress=False).table["note"].str.startswith("DoRA: direction part only").all()


def test_a_folder_that_has_lost_its_configuration_is_not_taken_for_lora(tmp_path):
    adapted("sine").save_pretrained(tmp_path)
    (tmp_path / "adapter_config.json").unlink()
    with pytest.raises(ValueError, match="says by its tensors that it is no plain LoRA"):
        rk.audit(tmp_path)


@pytest.mark.parametrize(
    ("method", "change", "status", "note"),
    [
        ("sine", {"omega": -1}, "unsupported", "a sine needs omega >= 0"),
        ("sine", {"omega": None}, "unsupported", "omega must be a finite number"),
        ("sine", {"gain": "much"}, "unsupported", "gain must be a finite number"),
        ("tanh", {"activation": "cube"}, "unsupported", "name must be one of relu"),
        ("LR, sinc", {"basis": "wavelet"}, "unsupported", "basis must be one of sinc"),
        ("LR, sinc", {"grid": "square"}, "unsupported", "grid must be uniform"),
        ("AdaSine", {"omega0": 0}, "unsupported", "omega0 must be a number that is finite and > 0"),
        ("LR, sinc", {"lora_alpha": "x"}, "unsupported", "lora_alpha must be a finite number"),
    ],
)
def test_configurations_that_cannot_be(tmp_path, method, change, status, note):
    adapted(method).save_pretrained(tmp_path)
    file = tmp_path / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    table = rk.audit(tmp_path, progress=False).table
    assert set(table["status"]) == {status}
    assert table["note"].str.contains(note).all()


@pytest.mark.parametrize(
    ("method", "part"), [("LR, sinc", "amplitude"), ("sine-DoRA", "magnitude"), ("AdaSine", "frequency")]
)
def test_missing_parts_are_told(tmp_path, method, part):
    from safetensors.torch import load_file, save_file

    adapted(method).save_pretrained(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    save_file({key: value for key, value in load_file(file).items() if f"first.lora_{part}" not in key}, file)
    table = rk.audit(tmp_path, progress=False).table.set_index("module")
    assert table.loc["first", "status"] == "unsupported"
    assert f"lora_{part} is missing" in str(table.loc["first", "note"])


def test_every_method_is_read():
    from rankkit.checkpoints.methods import OURS, READ

    made = {make().peft_type.value for make in METHODS.values()}
    assert made == set(OURS)
    assert made <= set(READ)
