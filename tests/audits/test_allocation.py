"""Ranks under a budget: no choice is better, and what comes out is what PEFT and kohya's trainer take."""

import itertools
import json
import math
import tomllib
from typing import Any

import numpy as np
import peft
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import rankkit as rk
from rankkit.audits import allocation
from rankkit.audits.allocation import Unit, allocate
from rankkit.audits.blocks import block_of
from rankkit.audits.next_run import PROMISE
from tests.conftest import CONFIG, save


def best(units, budget):
    """The most energy that any ranks within the budget keep, by trying all of them."""
    choices = itertools.product(*(range(1, len(unit.gains) + 1) for unit in units))
    return max(
        sum(float(unit.gains[:rank].sum()) for unit, rank in zip(units, ranks, strict=True))
        for ranks in choices
        if sum(unit.cost * rank for unit, rank in zip(units, ranks, strict=True)) <= budget
    )


units_drawn = st.lists(
    st.builds(
        lambda gains, cost: Unit(np.sort(np.array(gains, dtype=float))[::-1], cost),
        st.lists(st.integers(0, 9), min_size=1, max_size=4),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=5,
)


@given(units_drawn, st.floats(0, 1.2))
def test_no_choice_within_the_budget_keeps_more(units, share):
    least = sum(unit.cost for unit in units)
    whole = sum(unit.cost * len(unit.gains) for unit in units)
    budget = least + int(share * (whole - least))
    found = allocate(units, budget)
    assert all(1 <= rank <= len(unit.gains) for rank, unit in zip(found.ranks, units, strict=True))
    assert sum(unit.cost * rank for unit, rank in zip(units, found.ranks, strict=True)) <= budget
    kept = sum(float(unit.gains[:rank].sum()) for unit, rank in zip(units, found.ranks, strict=True))
    assert found.kept == pytest.approx(kept)
    assert found.kept == found.bound == pytest.approx(best(units, budget))


def test_a_greedy_choice_would_be_worse():
    units = [Unit(np.array([9.0, 6.0]), 6), Unit(np.array([9.0, 4.0, 4.0]), 5)]  # 1 and 0.8 of energy a parameter
    assert allocate(units, 11 + 10).ranks == [1, 3]  # greedy takes the 6 and has no room for anything else


def test_a_search_that_is_cut_off_says_how_much_it_may_have_missed(monkeypatch):
    rng = np.random.default_rng(0)
    costs = [97, 101, 103, 107, 109, 113]
    units = [Unit(np.full(40, 1.0) * cost, cost) for cost in costs]  # every direction is worth the same a parameter
    units = [Unit(np.sort(unit.gains + rng.normal(size=40) * 1e-3)[::-1], unit.cost) for unit in units]
    budget = sum(costs) * 20 + 33
    exact = allocate(units, budget)
    monkeypatch.setattr(allocation, "NODES", 6)
    cut = allocate(units, budget)
    assert cut.kept <= exact.kept + 1e-6
    assert exact.kept <= cut.bound + 1e-6
    assert cut.kept > 0.98 * cut.bound


def test_a_large_adapter_takes_a_moment_and_is_exact():
    rng = np.random.default_rng(0)
    sizes = [8192, 5120, 5120, 8192, 18432, 18432, 18432]
    units = [Unit(np.sort(rng.lognormal(size=16))[::-1], cost) for _ in range(32) for cost in sizes]
    found = allocate(units, 20_000_000)
    assert found.bound - found.kept <= 1e-9 * found.kept
    assert sum(unit.cost * rank for unit, rank in zip(units, found.ranks, strict=True)) <= 20_000_000


@pytest.mark.parametrize(("budget", "says"), [(10, "at least 22 parameters"), (0, ">= 1"), (2.5, ">= 1")])
def test_a_budget_that_is_none_is_refused(budget, says):
    with pytest.raises(ValueError, match=says):
        allocate([Unit(np.array([2.0, 1.0]), 22)], budget)


# the next training


def graded(names, sizes=((24, 18), (30, 10)), r=6):
    """Modules of two shapes whose spectra fall at different speeds."""
    state = {}
    for i, name in enumerate(names):
        (m, n), rng = sizes[i % 2], np.random.default_rng(i)
        B = np.linalg.qr(rng.standard_normal((m, r)))[0] * np.exp(-(1 + i) * np.arange(r) / 3)
        A = np.linalg.qr(rng.standard_normal((n, r)))[0].T
        key = f"base_model.model.{name}"
        state |= {f"{key}.lora_B.weight": B.astype(np.float32), f"{key}.lora_A.weight": A.astype(np.float32)}
    return state


NAMES = ["layers.0.q_proj", "layers.0.up_proj", "layers.1.q_proj", "layers.1.up_proj"]


@pytest.fixture(params=[False, True], ids=["alpha / r", "rsLoRA"])
def folder(request, tmp_path):
    return save(tmp_path / "adapter", graded(NAMES), {**CONFIG, "r": 6, "lora_alpha": 12, "use_rslora": request.param})


class Net(nn.Module):
    layers: Any

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(2):
            block = nn.Module()
            block.add_module("q_proj", nn.Linear(18, 24))
            block.add_module("up_proj", nn.Linear(10, 30))
            self.layers.append(block)

    def forward(self, x):
        return sum(block.q_proj(x).sum() + block.up_proj(x[..., :10]).sum() for block in self.layers)


def test_peft_trains_with_the_ranks_of_a_budget(folder):
    ranks = rk.suggest_ranks(folder, budget=420)
    assert sum(ranks.columns["parameters"]) <= 420
    assert len(set(ranks.rank_pattern.values())) > 1
    torch.manual_seed(0)
    model = peft.get_peft_model(Net(), ranks.lora_config(lora_dropout=0.1))
    trained = [p for p in model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == sum(ranks.columns["parameters"])
    layers = {name: part for name, part in model.base_model.model.named_modules() if hasattr(part, "lora_A")}
    assert {name: part.r["default"] for name, part in layers.items()} == ranks.rank_pattern
    scales = dict(zip(ranks.columns["module"], ranks.columns["scale"], strict=True))
    assert {name: part.scaling["default"] for name, part in layers.items()} == pytest.approx(scales)
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    for _ in range(3):
        loss = model(torch.randn(5, 18))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert rk.audit(model, progress=False).columns["status"] == ["ok"] * 4
    assert rk.audit(model, progress=False).columns["scale"] == pytest.approx([scales[n] for n in NAMES])


def test_a_module_whose_path_ends_anothers_keeps_its_own_rank():
    names = ["layers.0.q_proj", "encoder.layers.0.q_proj"]
    state = graded(names, sizes=((24, 18), (24, 18)))
    ranks = rk.suggest_ranks(rk.audit(state, config={**CONFIG, "r": 6}), keep=0.99)
    assert len(set(ranks.rank_pattern.values())) == 2
    net: Any = nn.Module()
    net.add_module("layers", nn.ModuleList([nn.Module()]))
    net.layers[0].add_module("q_proj", nn.Linear(18, 24))
    net.add_module("encoder", nn.Module())
    net.encoder.add_module("layers", nn.ModuleList([nn.Module()]))
    net.encoder.layers[0].add_module("q_proj", nn.Linear(18, 24))
    net.forward = lambda x: x
    model: Any = peft.get_peft_model(net, ranks.lora_config())
    layers = {name: part for name, part in model.base_model.model.named_modules() if hasattr(part, "lora_A")}
    assert {name: part.r["default"] for name, part in layers.items()} == ranks.rank_pattern


def test_json_and_python_say_the_same(folder):
    ranks = rk.suggest_ranks(folder, keep=0.9)
    read = json.loads(ranks.next_run("json"))
    assert read == ranks.lora_arguments()
    made = {}
    exec(ranks.next_run("python"), made)
    config = made["config"]
    assert config.rank_pattern == read["rank_pattern"]
    assert config.alpha_pattern == read["alpha_pattern"]
    assert (config.r, config.lora_alpha, config.use_rslora) == (read["r"], read["lora_alpha"], read["use_rslora"])
    assert set(config.target_modules) == set(NAMES)
    assert PROMISE in ranks.next_run("python")
    assert f"# {ranks.summary}" in ranks.next_run("python")
    with pytest.raises(ValueError, match="form must be one of json, python, kohya"):
        ranks.next_run("yaml")


def test_the_report_says_what_was_kept_and_promises_nothing(folder):
    ranks = rk.suggest_ranks(folder, budget=420)
    report = rk.audit(folder, progress=False)
    energies = {name: np.sum(sigma**2) for name, sigma in report.spectra.items()}
    kept = sum(np.sum(report.spectra[name][:rank] ** 2) for name, rank in ranks.rank_pattern.items())
    assert ranks.kept_energy == pytest.approx(kept / sum(energies.values()))
    assert ranks.most_kept == pytest.approx(ranks.kept_energy)
    assert f"{100 * ranks.kept_energy:.4g} % of the energy" in ranks.summary
    assert "a new training may need others" in repr(ranks)
    assert rk.suggest_ranks(folder, budget=10**6).kept_energy == pytest.approx(1)


def test_a_budget_can_be_written(folder, tmp_path):
    ranks = rk.truncate(folder, tmp_path / "small", budget=420, progress=False)
    assert ranks.rank_pattern == rk.suggest_ranks(folder, budget=420).rank_pattern
    assert rk.audit(tmp_path / "small", progress=False).columns["r"] == list(ranks.rank_pattern.values())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"budget": 9}, "budget must be at least 164 parameters"),
        ({"budget": 500, "rank": 2}, "budget and rank exclude each other"),
        ({"per": "layer"}, "per must be 'module' or 'block'"),
        ({"per": "block"}, "no module is in a block of a U-Net, got for instance 'layers.0.q_proj'"),
    ],
)
def test_a_choice_that_is_none_is_refused(folder, more, says):
    with pytest.raises(ValueError, match=says):
        rk.suggest_ranks(folder, **more)


# kohya's blocks

SD = {
    "lora_unet_down_blocks_0_attentions_0_proj_in": 1,
    "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_q": 2,
    "lora_unet_down_blocks_0_downsamplers_0_conv": 3,
    "lora_unet_down_blocks_2_attentions_1_proj_in": 8,
    "lora_unet_down_blocks_2_resnets_1_conv2": 8,
    "lora_unet_up_blocks_0_resnets_2_conv_shortcut": 15,
    "lora_unet_mid_block_attentions_0_proj_in": 12,
    "lora_unet_up_blocks_1_attentions_0_proj_in": 16,
    "lora_unet_up_blocks_3_attentions_2_proj_out": 24,
    "lora_te_text_model_encoder_layers_0_mlp_fc1": -1,
}
SDXL = {
    "lora_unet_input_blocks_4_1_proj_in": 5, "lora_unet_middle_block_1_transformer_blocks_3_ff_net_2": 11,
    "lora_unet_output_blocks_5_1_proj_out": 18, "lora_unet_input_blocks_6_0_op": 7, "lora_unet_output_blocks_5_2_conv": 18,
    "lora_unet_input_blocks_4_0_in_layers_2": 5, "lora_te2_text_model_encoder_layers_0_mlp_fc1": -1,
}  # fmt: skip


WIDE = {  # convolutions of 3 x 3
    "lora_unet_down_blocks_0_downsamplers_0_conv", "lora_unet_down_blocks_2_resnets_1_conv2", "lora_unet_input_blocks_6_0_op",
    "lora_unet_output_blocks_5_2_conv", "lora_unet_input_blocks_4_0_in_layers_2",
}  # fmt: skip


def kohya(names, r=4, alpha=2.0):
    state = {}
    for i, name in enumerate(names):
        rng = np.random.default_rng(i)
        state |= {
            f"{name}.lora_down.weight": rng.normal(size=(r, 10)), f"{name}.alpha": np.array(alpha),
            f"{name}.lora_up.weight": rng.normal(size=(12, r)) * np.exp(-np.arange(r) * (1 + i) / 2),
        }  # fmt: skip
    return state


@pytest.mark.parametrize(("names", "layout", "count"), [(SD, "sd", 25), (SDXL, "sdxl", 23)])
def test_a_unets_blocks_are_counted_as_kohyas_trainer_does(names, layout, count):
    assert {name: block_of(name, layout) for name in names} == names
    ranks = rk.suggest_ranks(kohya(names), keep=0.9, per="block")
    read = tomllib.loads(ranks.next_run("kohya"))
    given = dict(entry.split("=") for entry in read["network_args"])
    lists = {name: [float(value) for value in values.split(",")] for name, values in given.items()}
    assert {len(values) for values in lists.values()} == {count}
    audited = rk.suggest_ranks(kohya(names), keep=0.9, per="block").table.set_index("module")
    for name, block in names.items():
        rank = audited.loc[name, "rank"]
        kind = "conv_block" if name in WIDE else "block"  # the trainer has lists of their own for 3 x 3
        dim, alpha = (lists[f"{kind}_{what}"][block] for what in ("dims", "alphas"))
        if block < 0:
            dim, alpha = read["network_dim"], read["network_alpha"]
        assert dim == rank
        assert alpha / dim == pytest.approx(0.5)  # alpha / r of now
    ranked = [dim > 0 for kind in ("block_dims", "conv_block_dims") for dim in lists.get(kind, [])]
    assert sum(ranked) == sum(block >= 0 for block in names.values())


def test_a_unet_without_convolutions_of_3_by_3_gets_none():
    names = ["lora_unet_mid_block_attentions_0_proj_in", "lora_unet_down_blocks_1_resnets_0_conv_shortcut"]
    given = rk.suggest_ranks(kohya(names)).next_run("kohya")
    assert "conv_block_dims" not in given
    only = rk.suggest_ranks(kohya(["lora_unet_mid_block_resnets_0_conv1"])).next_run("kohya")
    assert f"block_dims={','.join('0' * 25)}" in only.replace("conv_block_dims", "")


def test_a_block_has_one_rank_and_a_budget_is_shared_by_blocks():
    names = [f"lora_unet_mid_block_attentions_0_{x}" for x in ("proj_in", "proj_out")]
    names += ["lora_unet_up_blocks_1_attentions_0_proj_in"]
    state = kohya(names)
    ranks = rk.suggest_ranks(state, budget=22 * 6, per="block").columns
    assert ranks["rank"][0] == ranks["rank"][1]
    assert sum(ranks["parameters"]) <= 22 * 6
    spectra = list(rk.audit(state).spectra.values())
    energy = {
        (a, b): sum(np.sum(s[:k] ** 2) for s, k in zip(spectra, (a, a, b), strict=True))
        for a in range(1, 5) for b in range(1, 5) if 22 * (2 * a + b) <= 22 * 6
    }  # fmt: skip
    assert (ranks["rank"][0], ranks["rank"][2]) == max(energy, key=lambda pair: energy[pair])
    single = rk.suggest_ranks(state, keep=0.9).columns["rank"]
    assert max(single[:2]) == rk.suggest_ranks(state, keep=0.9, per="block").columns["rank"][0]


def test_what_kohyas_trainer_cannot_take_is_refused():
    deep = "lora_unet_down_blocks_2_attentions_0_transformer_blocks_7_attn1_to_q"
    with pytest.raises(ValueError, match="SDXL's modules under diffusers' names"):
        rk.suggest_ranks(kohya([deep]), per="block")
    outside = ["lora_unet_mid_block_attentions_0_proj_in", "lora_unet_time_embedding_linear_1"]
    with pytest.raises(ValueError, match="is in no block of the U-Net"):
        rk.suggest_ranks(kohya(outside)).next_run("kohya")
    names = [f"lora_unet_mid_block_attentions_0_{x}" for x in ("proj_in", "proj_out")]
    state = kohya(names)
    state[f"{names[1]}.alpha"] = np.array(4.0)
    with pytest.raises(ValueError, match="gives a block one alpha"):
        rk.suggest_ranks(state).next_run("kohya")
    assert math.isfinite(rk.suggest_ranks(state).kept_energy)
