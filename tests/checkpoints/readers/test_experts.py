"""Experts: one row for each, held against PEFT's own merge; the order of packing and nesting; the base's weights."""

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rankkit as rk
from rankkit.checkpoints.readers import experts
from tests.checkpoints.conftest import dense

E, R, M, N = 3, 2, 10, 8
RNG = np.random.default_rng(3)
CONFIG = {
    "peft_type": "LORA",
    "r": R,
    "lora_alpha": 4,
    "target_parameters": ["mlp.experts.up_proj"],
    "target_modules": [],
}
NAME = "model.layers.0.mlp.experts"


def factors(m=M, n=N):
    return RNG.standard_normal((m, E * R)), RNG.standard_normal((E * R, n))


def state(B, A, name=NAME):
    return {f"base_model.model.{name}.lora_A.weight": A, f"base_model.model.{name}.lora_B.weight": B}


def check(report, expected):
    assert set(report.table["module"]) == set(expected)
    for name, delta in expected.items():
        exact = dense(delta)
        np.testing.assert_allclose(report.spectra[name], exact[:R], atol=1e-9 * exact[0])


@pytest.mark.parametrize("layout", [None, "rank_major", "grouped_by_expert"])
def test_one_row_for_each_expert_in_the_order_that_is_said(layout):
    B, A = factors()
    report = rk.audit(state(B, A), config=CONFIG | ({"lora_B_layout": layout} if layout else {}))
    parts = (
        B.reshape(M, E, R).transpose(1, 0, 2)
        if layout == "grouped_by_expert"
        else B.reshape(M, R, E).transpose(2, 0, 1)
    )
    check(report, {f"{NAME}.up_proj[{e}]": 2 * parts[e] @ A.reshape(E, R, N)[e] for e in range(E)})
    assert all(("order" in note) == (layout is None) for note in report.table["note"])
    assert set(report.table["status"]) == {"ok" if layout else "assumed"}
    assert set(report.table["assumed"]) == {"" if layout else "order"}
    assert set(zip(report.table["m"], report.table["n"], report.table["r"], strict=True)) == {(M, N, R)}
    summary = report.summary().set_index("kind")
    assert summary.loc["experts.up_proj", "modules"] == E == summary.loc["all", "modules"]


def test_the_axis_of_the_experts_may_be_stored_and_shared():
    A, B = RNG.standard_normal((E, R, N)), RNG.standard_normal((E, M, R))
    for shared in ({}, {"A": A[:1]}, {"B": B[:1]}):
        a, b = shared.get("A", A), shared.get("B", B)
        report = rk.audit(state(b, a, f"{NAME}.w1"), config={"r": R, "lora_alpha": 4})
        check(report, {f"{NAME}.w1[{e}]": 2 * b[e % len(b)] @ a[e % len(a)] for e in range(E)})


def test_a_bare_parameter_leaves_the_target_modules_alone():
    B, A = factors()
    config = CONFIG | {"target_parameters": ["up_proj"], "target_modules": ["q"]}
    report = rk.audit(state(B, A) | state(B[:, :R], A[:R], "model.layers.0.q"), config=config)
    assert report.table["module"].tolist() == [f"{NAME}.up_proj[{e}]" for e in range(E)] + ["model.layers.0.q"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CONFIG | {"r": 4}, "no multiple"), (CONFIG | {"r": "x"}, "pass a config with r"), (None, "pass a config with r"),
        (CONFIG | {"lora_B_layout": "new"}, "layout that is not known"),
    ],
)  # fmt: skip
def test_experts_that_cannot_be_told_apart_are_refused_and_cost_no_other_row(config, words):
    B, A = factors()
    report = rk.audit(state(B, A) | state(B, A, "model.layers.0.q"), config=config)
    refused, other = report.table["status"]
    assert refused == "unsupported"
    assert other in ("ok", "assumed")  # its rank is not the one that the configuration names for it
    assert words in report.table["note"][0]


def test_thousands_of_experts_are_no_rows():
    A, B = np.ones((5000, N)), np.ones((M, 5000))
    report = rk.audit(state(B, A), config=CONFIG | {"r": 1})
    assert report.table["status"].tolist() == ["unsupported"]


class Experts(nn.Module):
    def __init__(self, order, E=3, H=8, inner=6):
        super().__init__()
        shapes = {"gate_up_proj": (E, 2 * inner, H), "down_proj": (E, H, inner)}
        for name in order:
            setattr(self, name, nn.Parameter(torch.randn(shapes[name])))


class Block(nn.Module):
    def __init__(self, order):
        super().__init__()
        self.experts, self.q = Experts(order), nn.Linear(8, 8)

    def forward(self, x):
        return self.q(x)


@pytest.fixture(params=["gate_up_proj first", "down_proj first"])
def model(request):
    peft = pytest.importorskip("peft", minversion="0.21")
    torch.manual_seed(0)
    order = sorted(("gate_up_proj", "down_proj"), key=lambda name: name not in request.param)
    targets = ["experts.gate_up_proj", "experts.down_proj"]
    patterns = {"rank_pattern": {"experts.down_proj": 3}, "alpha_pattern": {"down_proj": 7}}
    config = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["q"], target_parameters=targets, **patterns)
    with warnings.catch_warnings():  # PEFT applies a pattern for a parameter, and warns that it names no module
        warnings.simplefilter("ignore", RuntimeWarning)
        model = peft.get_peft_model(nn.ModuleDict({"layer": Block(order)}), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn_like(parameter)
    return model


def test_peft_nests_parameters_in_either_order(model, tmp_path):
    model.save_pretrained(tmp_path)
    report = rk.audit(tmp_path)
    found = 0
    for name, module in model.named_modules():
        if type(module).__name__ == "ParamWrapper":
            path = name.removeprefix("base_model.model.").replace(".base_layer", "")
            for e, delta in enumerate(module.get_delta_weight("default").detach().double()):
                sigma, exact = report.spectra[f"{path}.{module.parameter_name}[{e}]"], dense(delta)
                np.testing.assert_allclose(sigma, exact[: sigma.size], atol=3e-6 * exact[0])
                found += 1
    assert found == 6 == len(report.table) - 1


@pytest.mark.parametrize("single", [False, True])
def test_the_base_of_an_expert_is_a_slice_or_matrices_of_its_own(model, tmp_path, single):
    model.save_pretrained(tmp_path)
    experts = model.base_model.model["layer"].experts.get_base_layer()
    whole = {f"layer.experts.{name}": getattr(experts, name).detach().numpy() for name in ("gate_up_proj", "down_proj")}
    base = whole
    if single:
        gate, up = np.split(whole["layer.experts.gate_up_proj"], 2, axis=1)
        parts = {"gate_proj": gate, "up_proj": up, "down_proj": whole["layer.experts.down_proj"]}
        base = {f"layer.experts.{e}.{name}.weight": part[e] for name, part in parts.items() for e in range(3)}
    table = rk.audit(tmp_path, base=base).table.set_index("module")
    for name, weights in whole.items():
        for e in range(3):
            row: Any = table.loc[f"{name}[{e}]"]
            assert row["weight_spectral_norm"] == pytest.approx(dense(weights[e])[0], rel=1e-6), row["base_note"]
    with pytest.raises(ValueError, match="the base has no weight"):
        rk.audit(tmp_path, base={"layer.experts.x": np.eye(3)})


def test_two_modules_are_halves_of_a_block_where_one_maps_to_twice_what_the_other_does():
    """Between H and I, and between H and 2 I, either way round: every choice of sizes up to six."""
    for a, b, c, d in product(range(1, 7), repeat=4):
        ways = (h == x and y == 2 * i for h, i in ((a, b), (b, a)) for x, y in ((c, d), (d, c)))
        assert experts._is_half(((a, 1), (1, b)), ((c, 1), (1, d))) == any(ways)
