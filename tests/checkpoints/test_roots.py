"""Why a number went wrong, cause by cause: orientation, tensors and fields that nobody understands, scales, names."""

import json
import re

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.fields import KNOWN, said
from rankkit.checkpoints.module_names import bare, comparable
from rankkit.checkpoints.settings import settled
from tests.checkpoints.conftest import agrees, dense, normal

B, A = normal(24, 4), normal(4, 16)
BA = B.astype(float) @ A.astype(float)
PEFT = "base_model.model.layers.0.q"
CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}


def peft(**more):
    return {f"{PEFT}.lora_A.weight": A, f"{PEFT}.lora_B.weight": B} | {f"{PEFT}.{k}": v for k, v in more.items()}


def square(size=32, rank=4):
    return normal(size, rank), normal(rank, size)


# -- which way round factors are stored


@pytest.mark.parametrize("names", [("lora_A", "lora_B"), ("lora_a", "lora_b"), ("A", "B")])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("evidence", ["another module", "the rank of the configuration"])
def test_evidence_tells_rows_from_columns(names, flipped, evidence):
    C, D = square()
    modules = {"x.0.q": (C, D)} | ({"x.0.up": (B, A)} if evidence == "another module" else {})
    state = {}
    for path, (b, a) in modules.items():
        pair = (b.T, a.T) if flipped else (b, a)
        state |= {f"{path}.{name}": np.ascontiguousarray(x) for name, x in zip(names, pair[::-1], strict=True)}
    config = {"r": 4, "lora_alpha": 4, "lora_parameters": {"scale": 1.0, "rank": 4}}
    report = rk.audit(state, config={**config, "r": None} if evidence == "another module" else config)
    row = report.table.set_index("module").loc["x.0.q"]
    assert (row["m"], row["n"], row["r"]) == (32, 32, 4)
    np.testing.assert_allclose(row["stable_rank"], stable(C.astype(float) @ D), rtol=1e-9)
    assert "orientation" not in row["assumed"]


def stable(delta):
    sigma = dense(delta)
    return float(np.sum(sigma**2) / sigma[0] ** 2)


def test_what_stays_open_is_said():
    C, D = square()
    row = rk.audit({"q.lora_A": D.T, "q.lora_B": C.T}, config={"lora_alpha": 4}).table.iloc[0]
    assert (row["status"], row["assumed"], row["r"]) == ("assumed", "orientation", 4)  # a rank of 32 in 4 x 4: nobody's
    settled_by_base = rk.audit(
        {"q.lora_A": D.T, "q.lora_B": C.T}, config={"lora_alpha": 4}, base={"q.weight": normal(32, 32)}
    )
    assert settled_by_base.columns["assumed"] == [""]
    whole = normal(8, 8), normal(8, 8)
    row = rk.audit({"q.lora_A": whole[0], "q.lora_B": whole[1]}, config={"lora_alpha": 8}).table.iloc[0]
    assert (row["status"], row["assumed"]) == ("assumed", "orientation")
    assert "do not tell rows from columns" in row["note"]


# -- a tensor that is not understood


@pytest.mark.parametrize(
    "name",
    ["lora_M.weight", "lora_other", "inner.weight_magnitude", "inner.alpha", "lora_A.more.weight2", "diff", "gamma.0"],
)
def test_a_tensor_that_is_not_understood_makes_its_module_doubtful(name):
    state = peft(**{name: normal(4, 4)}) | {
        "base_model.model.layers.1.q.lora_A.weight": A,
        "base_model.model.layers.1.q.lora_B.weight": B,
    }
    table = rk.audit(state, config=CONFIG).table
    assert table["status"].tolist() == ["assumed", "ok"]
    assert table["assumed"][0] == "method"
    assert "not understood" in table["note"][0]


@pytest.mark.parametrize(
    "name",
    ["base_layer.weight", "weight", "bias", "lora_B.bias", "base_layer.weight.absmax", "qweight", "0.child.weight"],
)
def test_a_tensor_that_does_not_matter_leaves_its_module_alone(name):
    agrees(rk.audit(peft(**{name: normal(24, 16)}), config=CONFIG), 2 * BA)


def test_a_tensor_that_is_stored_twice_is_a_doubt():
    state = peft() | {f"_orig_mod.{PEFT}.lora_A.weight": 2 * A}
    report = rk.audit(state, config=CONFIG)
    assert report.columns["status"] == ["assumed"]
    assert report.skipped[0].reason.startswith("a second A")


@pytest.mark.parametrize("name", ["lora_AB.weight", "lora_mixer", "default_lora_latent_mapping.weight"])
def test_a_mixer_stands_between_the_factors(name):
    M = normal(4, 4)
    config = CONFIG | {"lora_use_mixer": True}
    agrees(rk.audit(peft(**{name: M}), config=config), 2 * B.astype(float) @ M.astype(float) @ A.astype(float))
    assert rk.audit(peft(), config=config).columns["status"] == ["assumed"]  # its mixer is not in the file


def test_a_router_makes_no_one_update():
    table = rk.audit(peft(**{"lora_route.weight": normal(2, 16), "lora_B1.weight": B}), config=CONFIG).table
    assert table["status"].tolist() == ["unsupported"]
    assert "router" in table["note"][0]
    several = {f"{PEFT}.lora_{x}{i}.weight": y for x, y in (("A", A), ("B", B)) for i in range(2)}
    with pytest.raises(ValueError, match="router"):
        rk.audit(several, config=CONFIG)


@pytest.mark.parametrize(
    ("names", "magnitude"),
    [(("lora_A.weight", "lora_B.weight"), "weight_m_wdecomp.weight"),
     (("dora_layer.lora_A.weight", "dora_layer.lora_B.weight"), "magnitude_layer.magnitude"),
     (("lora_A.weight", "lora_B.weight"), "lora_magnitude_vector"),
     (("lora_a", "lora_b"), "magnitude"),
     (("lora_down.weight", "lora_up.weight"), "dora_scale")],
)  # fmt: skip
def test_dora_is_said_under_every_name(names, magnitude):
    W, m = normal(24, 16), normal(24, 1) ** 2 + 1
    state = dict(zip((f"x.q.{name}" for name in (*names, magnitude, "alpha")), (A, B, m, np.array([4.0])), strict=True))
    row = rk.audit(state).table.iloc[0]
    assert (row["status"], row["assumed"]) == ("assumed", "base weight")
    V = W.astype(float) + BA
    true = m.astype(float) / np.linalg.norm(V, axis=1, keepdims=True) * V - W
    agrees(rk.audit(state, base={"x.q.weight": W}), true)


# -- fields of the configuration


@pytest.mark.parametrize(
    "field", [{"use_mora": True}, {"mora_type": 6}, {"use_some_new_thing": True}, {"router_type": "top2"},
              {"lora_init_mix": "x"}, {"moe_num_experts": 4}, {"init_lora_weights": "brand_new"},
              {"init_lora_weights": "corda"}, {"monteclora_config": {"num_samples": 3}}],
)  # fmt: skip
def test_a_field_that_may_change_the_update_is_said(field):
    row = rk.audit(peft(), config=CONFIG | field).table.iloc[0]
    assert row["status"] == "assumed"
    assert next(iter(field)) in row["note"] or str(next(iter(field.values()))) in row["note"]


@pytest.mark.parametrize(
    "field", [{"use_mora": False}, {"use_dora": False}, {"init_lora_weights": "gaussian"}, {"router_type": None},
              {"lora_dropout": 0.1}, {"init_lora_weights": "mica"}, {"moe_config": {}}, {"bias": "none"}],
)  # fmt: skip
def test_a_field_that_does_not_leaves_the_row_alone(field):
    agrees(rk.audit(peft(), config=CONFIG | field), 2 * BA)


def test_the_installed_peft_has_no_field_that_makes_a_plain_adapter_doubtful():
    peft_itself = pytest.importorskip("peft")
    for method in ("Lora", "AdaLora", "LoHa", "LoKr", "Vera", "RandLora", "Delora"):
        more = {"total_step": 5} if method == "AdaLora" else {}
        assert said(getattr(peft_itself, f"{method}Config")(**more).to_dict()) == ((), (), ""), method
    beside = {"__file__": "config.json", "initializer_range": 0.02, "use_cache": True, "num_experts": 4}
    assert said(beside) == ((), (), "")  # a model's own
    assert "use_mora" not in KNOWN


def test_alora_says_when_it_is_added():
    row = agrees(rk.audit(peft(), config=CONFIG | {"alora_invocation_tokens": [5, 6]}), 2 * BA)
    assert "invocation tokens" in row["note"]


@pytest.mark.parametrize("start", ["pissa", "olora"])
def test_factors_that_began_as_a_part_of_the_base_are_audited_as_peft_merges_them(start, tmp_path):
    """The oracle: PEFT makes the adapter of a model, which is trained a little, saved, and merged into the same base."""
    peft_itself = pytest.importorskip("peft")
    torch.manual_seed(0)
    base = torch.nn.Sequential(torch.nn.Linear(20, 14, bias=False))
    W = base[0].get_parameter("weight").detach().double().numpy().copy()
    config = peft_itself.LoraConfig(r=3, lora_alpha=6, target_modules=["0"], init_lora_weights=start)
    model = peft_itself.get_peft_model(base, config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p += 0.02 * torch.randn_like(p)
    model.save_pretrained(tmp_path)
    merged = model.merge_and_unload()[0].weight.detach().double().numpy()
    report = rk.audit(tmp_path, base={"0.weight": W.astype(np.float32)})
    row = report.table.iloc[0]
    exact = dense(merged - W)
    assert (row["status"], row["assumed"]) == ("ok", "")
    assert abs(row["spectral_norm"] - exact[0]) < 1e-5
    assert abs(row["spectral_norm"] - exact[0]) <= row["spectral_norm_error"] + 3e-6  # merged in float32
    alone = rk.audit(tmp_path).table.iloc[0]
    assert (alone["status"], alone["assumed"]) == ("assumed", "initial factors")
    assert alone["spectral_norm"] > 3 * exact[0]
    with pytest.raises(ValueError, match=f"initialised as {start}"):
        rk.truncate(tmp_path, tmp_path / "small", rank=2)


def test_a_start_that_the_base_does_not_tell_stays_assumed():
    base = {"layers.0.q.weight": normal(24, 16)}
    row = rk.audit(peft(), config=CONFIG | {"init_lora_weights": "corda"}, base=base).table.iloc[0]
    assert row["status"] == "assumed"
    assert "does not tell" in row["note"]
    nearly = rk.audit(peft(), config=CONFIG | {"init_lora_weights": "pissa_niter_4"}, base=base).table.iloc[0]
    assert (nearly["status"], nearly["assumed"]) == ("assumed", "initial factors")


@pytest.mark.parametrize("method", ["VeraConfig", "RandLoraConfig"])
def test_with_a_base_the_width_is_known(method, tmp_path):
    """The oracle: PEFT's merge of modules narrower, wider and taller than one another."""
    peft_itself = pytest.importorskip("peft")
    torch.manual_seed(0)
    shapes = {"0": (14, 20), "1": (20, 14), "2": (9, 20)}
    base = torch.nn.ModuleDict({name: torch.nn.Linear(n, m, bias=False) for name, (m, n) in shapes.items()})
    state = {f"{name}.weight": base[name].get_parameter("weight").detach().numpy().copy() for name in shapes}
    model = peft_itself.get_peft_model(
        base, getattr(peft_itself, method)(r=3, target_modules=[*shapes], save_projection=True)
    )
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "_lambda" in name:
                p += 0.1 * torch.rand_like(p)
    model.save_pretrained(tmp_path)
    merged = model.merge_and_unload()
    assert rk.audit(tmp_path).columns["assumed"] == ["width"] * 3
    report = rk.audit(tmp_path, base=state)
    assert report.columns["status"] == ["ok"] * 3
    for name, sigma in report.spectra.items():
        exact = dense(merged[name].get_parameter("weight").detach().double().numpy() - state[f"{name}.weight"])
        np.testing.assert_allclose(sigma[: exact.size], exact[: sigma.size], rtol=1e-4, atol=1e-5 * exact[0])
        row = report.table.set_index("module").loc[name]
        assert (row["m"], row["n"]) == shapes[name]
    fits_not = rk.audit(tmp_path, base={f"{name}.weight": np.ones((30, 30), np.float32) for name in shapes})
    assert set(fits_not.columns["status"]) == {"assumed"}


# -- the scale


@pytest.mark.parametrize("prefix", ["diffusion_model.blocks.0.q", "transformer.q", "anything.q", "unet.q"])
def test_an_alpha_beside_the_factors_counts_under_any_prefix(prefix):
    state = {f"{prefix}.lora_A.weight": A, f"{prefix}.lora_B.weight": B, f"{prefix}.alpha": np.array(8, np.float32)}
    agrees(rk.audit(state), 2 * BA)
    agrees(
        rk.audit(state, config={"lora_alpha": 99, "r": 4}), 2 * BA
    )  # it is closer to the factors than a configuration


OTHERS = {
    "params.json": {"dim": 16, "lora": {"enable": True, "rank": 4, "scaling": 2.0}},
    "config.json": {"delta_type": "lora", "lora_r": 4, "lora_alpha": 8},
    "lora_config.json": {"r": 4, "lora_alpha": 8, "rslora": False},
    "adapter_config.json": {"config": {"architecture": "lora", "alpha": 8, "r": 4}},
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(
    "keys", [("x.q.lora_A.weight", "x.q.lora_B.weight"), ("x.q.lora_A", "x.q.lora_B"),
             ("x.q.adaptor.A.weight", "x.q.adaptor.B.weight"), ("unet.x.q.lora_A.weight", "unet.x.q.lora_B.weight")],
)  # fmt: skip
def test_the_scale_is_found_in_other_configurations(name, keys, tmp_path):
    from safetensors.numpy import save_file

    save_file(dict(zip(keys, (A, B), strict=True)), tmp_path / "x.safetensors")
    (tmp_path / name).write_text(json.dumps(OTHERS[name]), encoding="utf-8-sig")  # as editors on Windows write it
    agrees(rk.audit(tmp_path / "x.safetensors"), 2 * BA)


def test_each_of_several_adapters_has_its_own_scale(tmp_path):
    from safetensors.numpy import save_file

    state = {f"q.lora_{x}.{name}.weight": y for name in ("speech", "vision") for x, y in (("A", A), ("B", B))}
    save_file(state, tmp_path / "model.safetensors")
    about = {"speech_lora": {"r": 4, "lora_alpha": 8}, "vision_lora": {"r": 4, "lora_alpha": 4}}
    (tmp_path / "config.json").write_text(json.dumps(about))
    assert rk.audit(tmp_path).table.set_index("module")["scale"].to_dict() == {"q[speech]": 2, "q[vision]": 1}


def test_a_model_s_own_configuration_is_no_scale(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x.q.lora_A": A, "x.q.lora_B": B}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 16, "r": 7, "rank": 3, "alpha": {"x": 1}}))
    assert rk.audit(tmp_path).columns["assumed"] == ["scale"]
    assert settled({"hidden_size": 16, "alpha": 3.0}) == {"hidden_size": 16, "alpha": 3.0}


def test_a_padded_rank_does_not_divide_alpha():
    wide = {f"{PEFT}.lora_A.weight": np.vstack([A, 0 * A]), f"{PEFT}.lora_B.weight": np.hstack([B, 0 * B])}
    row = agrees(rk.audit(wide, config=CONFIG), 2 * BA)
    assert "padded" in row["note"]
    filled = wide | {f"{PEFT}.lora_A.weight": np.vstack([A, A])}
    assert rk.audit(filled, config=CONFIG).columns["scale"] == [1.0]


def test_an_alpha_whose_name_differs_in_dots_finds_its_module():
    state = {"u_x_to_q.lora_down.weight": A, "u_x_to_q.lora_up.weight": B, "u_x.to_q.alpha": np.array(8, np.float32)}
    report = rk.audit(state)
    agrees(report, 2 * BA)
    assert report.skipped == ()
    lost = rk.audit(state | {"other.alpha": np.array(8, np.float32)})
    assert [entry.key for entry in lost.skipped] == ["other.alpha"]


# -- names


@pytest.mark.parametrize(
    "prefix", ["_orig_mod.base_model.model.", "module.base_model.model.", "base_model.model._orig_mod.",
               "base_model.model._fsdp_wrapped_module.", "module.module._orig_mod.base_model.model.",
               "model.base_model.model.", "_forward_module.base_model.model.", "base_model.model.module."],
)  # fmt: skip
def test_wrappers_are_taken_off_names(prefix):
    state = {f"{prefix}model.layers.0.q.lora_A.weight": A, f"{prefix}model.layers.0.q.lora_B.weight": B}
    config = CONFIG | {"alpha_pattern": {r"^model\.layers\.0\..*": 16}}
    report = rk.audit(state, config=config, base={"model.layers.0.q.weight": normal(24, 16)})
    assert (report.columns["module"], report.columns["scale"]) == (["model.layers.0.q"], [4])
    assert report.columns["base_note"] == [""]
    assert bare("my_module.orig_mod.q") == "my_module.orig_mod.q"


def test_nested_mappings_drop_no_equal_names(tmp_path):
    torch.save(
        {"state_dict": {"q.lora_A.weight": torch.tensor(A), "q.lora_B.weight": torch.tensor(B)},
         "ema": {"q.lora_A.weight": torch.tensor(2 * A), "q.lora_B.weight": torch.tensor(B)}},
        tmp_path / "both.pt",
    )  # fmt: skip
    norms = rk.audit(tmp_path / "both.pt", config=CONFIG).table.set_index("module")["frobenius_norm"]
    assert norms["ema.q"] == pytest.approx(2 * norms["q"])


def test_a_full_fine_tune_matches_names_as_a_base_does():
    W, V = normal(6, 5), normal(6, 5)
    report = rk.audit_full({"module._orig_mod.model.h.0.q.weight": V}, {"h.0.q.weight": W})
    assert report.columns["module"] == ["model.h.0.q"]
    np.testing.assert_allclose(report.columns["spectral_norm"], dense(V.astype(float) - W)[0])
    assert comparable("module.h.0.q") == comparable("h_0_q")


# -- groups, and files of other kinds


def test_a_grouped_convolution_has_the_blocks_of_its_groups():
    a, b = normal(4, 8, 3, 3), normal(16, 2, 1, 1)
    delta = np.vstack(
        [b[8 * g : 8 * g + 8, :, 0, 0].astype(float) @ a.reshape(4, -1)[2 * g : 2 * g + 2] for g in (0, 1)]
    )
    agrees(rk.audit({"c.lora_A.weight": a, "c.lora_B.weight": b}, config=CONFIG), 2 * delta)


@pytest.mark.parametrize("known", [False, True])
def test_groups_of_different_heights_are_cut_where_they_end(known):
    n, kv, r = 16, 4, 2
    parts = [(normal(rows, r), normal(r, n)) for rows in (n, kv, kv)]
    state = {f"transformer.h.0.attn.attn.lora_{x}": np.vstack([p[i] for p in parts]) for i, x in enumerate("BA")}
    config = {"lora_alpha": 4} | ({"n_head": 4, "n_query_groups": 1, "head_size": 4} if known else {})
    delta = np.vstack([b.astype(float) @ a for b, a in parts])
    row = agrees(rk.audit(state, config=config), 2 * delta, status="ok" if known else "assumed")
    assert row["assumed"] == ("" if known else "order")


def test_dylora_writes_a_convolution_s_factor_as_a_matrix():
    state = {"c.lora_up.weight": B, "c.lora_down.weight": normal(4, 2, 2, 4), "c.alpha": np.array(4, np.float32)}
    delta = B.astype(float) @ state["c.lora_down.weight"].reshape(4, -1)
    agrees(rk.audit(state), delta)


def test_delora_needs_no_base(tmp_path):
    peft_itself = pytest.importorskip("peft")
    torch.manual_seed(1)
    base = torch.nn.Sequential(torch.nn.Linear(20, 14, bias=False))
    W = base[0].get_parameter("weight").detach().double().numpy().copy()
    model = peft_itself.get_peft_model(base, peft_itself.DeloraConfig(r=3, target_modules=["0"]))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "delora_" in name:
                p += 0.1 * torch.rand_like(p)
    model.save_pretrained(tmp_path)
    report = rk.audit(tmp_path)
    assert report.columns["status"] == ["ok"]
    merged = model.merge_and_unload()[0].weight.detach().double().numpy()
    np.testing.assert_allclose(report.columns["spectral_norm"], dense(merged - W)[:1], rtol=1e-5)


FIXED = ("0.to_q_lora.down.weight", "0.to_q_lora.up.weight")  # IP-Adapter FaceID
OPEN = [("m.lora_wq_l1.weight", "m.lora_wq_l2.weight"), ("b.1.down", "b.1.up"),
        ("q.lora_AB.0.weight", "q.lora_AB.1.weight"), ("f.lora_right_weight", "f.lora_left_weight")]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "flipped"), [(FIXED, False), *((keys, flip) for keys in OPEN for flip in (False, True))]
)
def test_two_factors_under_other_names(keys, flipped):
    factors = (A.T, B.T) if flipped else (A, B)
    report = rk.audit(dict(zip(keys, map(np.ascontiguousarray, factors), strict=True)))
    assert report.columns["m"] == [24]
    assert report.columns["stable_rank"] == pytest.approx([stable(BA)])


@pytest.mark.parametrize(
    ("state", "says"),
    [({"x.oft_blocks": np.zeros((4, 8, 8))}, "rotat"), ({f"x.{p}.weight": np.ones((4, 4)) for p in ("a1", "a2", "b1", "b2")}, "GLoRA"),
     ({"x.weight": np.ones((1, 16)), "x.on_input": np.ones(1)}, "IA3"), ({"x.w_norm": np.ones(4), "x.b_norm": np.ones(4)}, "normalisation")],
)  # fmt: skip
def test_methods_without_a_configuration_are_refused_by_name(state, says):
    with pytest.raises(ValueError, match=says):
        rk.audit(state)


def test_messages_say_what_to_do(tmp_path):
    import argparse

    torch.save({}, tmp_path / "adapter_model.bin")
    with pytest.raises(ValueError, match="is empty"):
        rk.audit(tmp_path)
    torch.save(
        {"state_dict": {"q.lora_A": torch.tensor(A)}, "hyper_parameters": argparse.Namespace(lr=1)}, tmp_path / "x.ckpt"
    )
    with pytest.raises(ValueError, match="save its state_dict alone"):
        rk.audit(tmp_path / "x.ckpt")
    torch.save(
        {"model": {"h.0.proj.lora_A": torch.tensor(A), "h.0.proj.lora_B": torch.tensor(B)}},
        tmp_path / "lit_model.pth.lora",
    )
    (tmp_path / "hyperparameters.yaml").write_text("lora_r: 4\nlora_alpha: 8\n")
    agrees(rk.audit(tmp_path / "lit_model.pth.lora"), 2 * BA)


def test_no_module_of_the_field_loses_a_tensor():
    state = peft(**{"lora_M.weight": normal(4, 4)})
    adapter = open_adapter(state, config=CONFIG)
    assert sorted(entry.key for entry in adapter.skipped) == [f"{PEFT}.lora_M.weight"]
    assert re.fullmatch(r"lora_M\.weight is not understood: measured without", adapter.layers[0].notes[-1])
