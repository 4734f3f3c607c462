"""Experts: one row for each, held against PEFT's own merge; the order of packing and nesting; the base's weights."""

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.forms import formed
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


# -- a second description of what PEFT adapts: which parameters, in which order, and of which rank


def packed(name, E=3, r=2, m=6, n=5, depth=0):
    inner = ".base_layer" * depth
    return state(RNG.standard_normal((m, E * r)), RNG.standard_normal((E * r, n)), f"{name}{inner}")


def rows(tensors, **config):
    """Return what the rows are called without their numbers -> the ranks of the experts."""
    found = {}
    for layer in open_adapter(tensors, config={"peft_type": "LORA", "r": R, "lora_alpha": 2, **config}).layers:
        found.setdefault(layer.name.rpartition("[")[0] if layer.name.endswith("]") else layer.name, []).append(
            (layer.r, layer.status)
        )
    return found


OK = (R, "ok")


@pytest.mark.parametrize(("targets", "modules", "adapted"), [
    (["mlp.experts.up_proj"], [], "up_proj"), (["experts.up_proj"], None, "up_proj"), ([".up_proj"], [], "up_proj"),
    (["up_proj"], [], "up_proj"), (["xperts.up_proj"], [], ""), (["other.up_proj"], [], ""), (["up_proj"], ["experts"], None),
    (["up_proj"], "x|.*experts", None), (["up_proj"], "all-linear", "up_proj"), (["up_proj"], {"q", "mlp.experts"}, None),
    (["up_proj"], "(", "up_proj"), (["experts.up_proj"], ["experts"], "up_proj"), ([], [], ""), ([3, "up_proj"], [], "up_proj"),
    ({"up_proj"}, [], "up_proj"), ("up_proj", [], ""), (["up_proj", "experts.up_proj"], [], "up_proj"),
])  # fmt: skip
def test_a_module_s_parameters_are_those_that_target_parameters_names(targets, modules, adapted):
    """A target's path is a whole end of the module's; a bare name is meant where no target module is."""
    config = {"target_parameters": targets, "target_modules": modules, "lora_B_layout": "rank_major"}
    found = rows(packed(NAME), **config)
    if adapted is None:  # one weight, whose rank is not the one that is named
        assert found == {NAME: [(6, "ok")]}
    else:
        assert found == {f"{NAME}.{adapted}" if adapted else NAME: 3 * [OK]}


def test_a_module_that_is_not_called_experts_holds_some_by_the_configuration_alone():
    name = "model.layers.0.mlp"
    assert rows(packed(name), target_modules=[]) == {name: [(6, "ok")]}
    assert rows(packed(name), target_parameters=["mlp.up"], lora_B_layout="rank_major") == {f"{name}.up": 3 * [OK]}
    assert rows(packed("model.experts_x"), target_modules=[]) == {"model.experts_x": [(6, "ok")]}


@pytest.mark.parametrize(
    "parameters", [["up", "down"], ["down", "up"], ["gate", "up", "down"], ["down", "gate", "up"], ["w2", "w1", "w3"]]
)
def test_parameters_are_nested_in_the_order_of_the_model(parameters):
    """What maps out of a block is defined last, and so outermost; what cannot be told by shapes is said to be assumed."""
    inwards = sorted(parameters, key=lambda name: name in ("down", "w2"))[::-1]
    tensors = {key: x for depth, _ in enumerate(inwards) for key, x in packed(NAME, m=6 + depth, depth=depth).items()}
    config = {
        "peft_type": "LORA",
        "r": R,
        "lora_alpha": 2,
        "target_parameters": [f"experts.{name}" for name in parameters],
        "lora_B_layout": "rank_major",
    }
    layers = open_adapter(tensors, config=config).layers
    assert {(layer.name.rpartition("[")[0], layer.m) for layer in layers} == {
        (f"{NAME}.{name}", 6 + depth) for depth, name in enumerate(inwards)
    }
    assert {layer.assumed for layer in layers} == {("order",)}
    deeper = tensors | packed(NAME, m=3, depth=len(inwards))  # one that no target names
    assert {layer.name.rpartition("[")[0] for layer in open_adapter(deeper, config=config).layers if layer.m == 3} == {
        NAME
    }


@pytest.mark.parametrize("outer_is_down", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_of_a_fused_and_a_single_projection_the_shapes_tell_which_is_outermost(outer_is_down, turned):
    h, i = 8, 5
    shapes = {"down_proj": (h, i), "gate_up_proj": (2 * i, h)}
    shapes = {name: shape[::-1] if turned else shape for name, shape in shapes.items()}
    inwards = ["down_proj", "gate_up_proj"] if outer_is_down else ["gate_up_proj", "down_proj"]
    tensors = {
        key: x
        for depth, name in enumerate(inwards)
        for key, x in packed(NAME, m=shapes[name][0], n=shapes[name][1], depth=depth).items()
    }
    config = {
        "peft_type": "LORA",
        "r": R,
        "lora_alpha": 2,
        "target_parameters": list(shapes),
        "lora_B_layout": "rank_major",
    }
    layers = open_adapter(tensors, config=config).layers
    assert {(layer.name.rpartition("[")[0], layer.m, layer.n) for layer in layers} == {
        (f"{NAME}.{name}", *shape) for name, shape in shapes.items()
    }
    assert {layer.assumed for layer in layers} == {()}


@pytest.mark.parametrize("layout", ["rank_major", "grouped_by_expert"])
def test_each_parameter_has_the_rank_of_its_own_pattern(layout):
    B, A = RNG.standard_normal((M, 12)), RNG.standard_normal((12, N))
    for pattern, r in (
        ({"experts.up_proj": 3}, 3),
        ({"up_proj": 4}, 4),
        ({"x": 3}, 2),
        ({"up_proj": 12}, 12),
        ({"up_proj": True}, None),
        ({"up_proj": 0}, None),
        ({"up_proj": 5}, None),
    ):
        config = CONFIG | {"rank_pattern": pattern, "lora_B_layout": layout}
        layers = open_adapter(state(B, A), config=config).layers
        if r is None:
            assert [layer.status for layer in layers] == ["unsupported"]
            continue
        count = 12 // r
        assert [layer.name for layer in layers] == (
            [f"{NAME}.up_proj"] if count == 1 else [f"{NAME}.up_proj[{e}]" for e in range(count)]
        )
        for e, layer in enumerate(layers):
            one = B[:, e * r : (e + 1) * r] if layout == "grouped_by_expert" else B[:, e::count]
            np.testing.assert_allclose(
                formed(layer.product(), layer.rule).matrix, 4 / r * one @ A[e * r : (e + 1) * r], atol=1e-13
            )


@pytest.mark.parametrize(("experts", "fits"), [(4096, True), (4097, False)])
@pytest.mark.parametrize("axis", [True, False])
def test_a_parameter_has_four_thousand_experts_at_most(experts, fits, axis):
    B, A = ((experts, 4, 2), (experts, 2, 3)) if axis else ((4, 2 * experts), (2 * experts, 3))
    layers = open_adapter(state(np.ones(B), np.ones(A)), config=CONFIG | {"lora_B_layout": "rank_major"}).layers
    assert len(layers) == (experts if fits else 1)
    assert {layer.status for layer in layers} == {"ok" if fits else "unsupported"}
    assert fits or "claims 4097 experts" in layers[0].notes[0]


@pytest.mark.parametrize(("B", "A", "sizes"), [
    ((3, 6, 2), (3, 2, 5), (3, 6, 5, 2)), ((1, 6, 2), (3, 2, 5), (3, 6, 5, 2)), ((3, 6, 2), (1, 2, 5), (3, 6, 5, 2)), ((3, 6, 2), (6, 5), (3, 6, 5, 2)),
    ((3, 2, 6), (3, 5, 2), (3, 6, 5, 2)), ((3, 6, 2), (2, 2, 5), None), ((3, 6, 2), (3, 3, 5), None), ((3, 6, 2), (5, 5), None), ((3, 6, 2), (3, 2, 5, 1), None),
    ((3, 0, 2), (3, 2, 5), None), ((3, 6, 2), (6, 0), None), ((3, 2, 6), (6, 5), None), ((6, 2), (3, 2, 5), None),
])  # fmt: skip
def test_an_axis_of_experts_is_one_that_both_factors_have_or_share(B, A, sizes):
    tensors = {
        "l.experts.w1.lora_A.weight": RNG.standard_normal(A),
        "l.experts.w1.lora_B.weight": RNG.standard_normal(B),
    }
    layers = open_adapter(tensors, config={"peft_type": "LORA", "r": 2, "lora_alpha": 2}).layers
    if sizes is None:
        assert len(layers) == 1
        assert layers[0].status in ("unsupported", "zero")
        return
    assert {(len(layers), layer.m, layer.n, layer.r) for layer in layers} == {sizes}
    assert [layer.name for layer in layers] == [f"l.experts.w1[{e}]" for e in range(3)]
