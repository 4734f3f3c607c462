"""Layouts as public trainers write them, kind by kind: each is the update that dense algebra gives, or says what it lacks."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import rankkit as rk
from tests.checkpoints.conftest import A, B, M, N, R, agrees, dense, normal

BA = B.astype(float) @ A.astype(float)
Q = "blocks.0.attn.q"
CONFIG = {"peft_type": "LORA", "r": R, "lora_alpha": 2 * R}
EIGHT = np.float32(2 * R)  # the alpha of a scale of 2


def number(value):
    return np.array(value, np.float32)


def audited(state, folder, **more):
    """Audit tensors from a file, with what else lies beside it."""
    save_file({key: np.ascontiguousarray(x) for key, x in state.items()}, folder / "x.safetensors", **more)
    return rk.audit(folder / "x.safetensors", progress=False)


def pair(first, second, **beside):
    return {f"{Q}.{first}": A, f"{Q}.{second}": B} | {f"{Q}.{name.replace('__', '.')}": x for name, x in beside.items()}


def stable(delta):
    sigma = dense(delta)
    return float(np.sum(sigma**2) / sigma[0] ** 2)


# -- numbers beside the factors

NAMES = [
    ("lora_A.weight", "lora_B.weight"), ("lora_A.default.weight", "lora_B.default.weight"), ("lora_A", "lora_B"),
    ("lora_a.weight", "lora_b.weight"), ("lora_down.weight", "lora_up.weight"), ("lora_down", "lora_up"),
    ("lora_down.default.weight", "lora_up.default.weight"), ("lora.down.weight", "lora.up.weight"),
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("alpha", ["alpha", "lora_alpha", "network_alpha", "alpha.weight", "lora_alpha.default"])
def test_an_alpha_is_found_under_every_name(names, alpha):
    agrees(rk.audit(pair(*names) | {f"{Q}.{alpha}": number(EIGHT)}), 2 * BA)


@pytest.mark.parametrize("names", NAMES[:5])
@pytest.mark.parametrize("factor", ["scaling", "lora_scaling", "lora_scale", "alpha_scale", "scaling.default"])
def test_a_whole_factor_is_found_under_every_name(names, factor):
    agrees(rk.audit(pair(*names) | {f"{Q}.{factor}": number(0.5)}), 0.5 * BA)
    agrees(rk.audit(pair(*names, lora_alpha=number(R / 2)) | {f"{Q}.{factor}": number(0.5)}), 0.5 * BA)
    apart = rk.audit(pair(*names, lora_alpha=number(1)) | {f"{Q}.{factor}": number(0.5)})
    assert agrees(apart, 0.5 * BA, status="assumed")["assumed"] == "scale"


def test_an_alpha_of_an_attention_processor():
    state = {f"mid.attn1.processor.to_q_lora.{way}.weight": x for way, x in (("down", A), ("up", B))}
    assert agrees(rk.audit(state | {"mid.attn1.processor.to_q_lora.network_alpha": number(EIGHT)}), 2 * BA)[
        "module"
    ].endswith("to_q")


def test_a_rank_beside_the_factors_is_held_against_them():
    agrees(rk.audit(pair("lora_A", "lora_B", lora_alpha=number(EIGHT), lora_rank=number(R))), 2 * BA)
    row = agrees(
        rk.audit(pair("lora_A", "lora_B", lora_alpha=number(EIGHT), lora_rank=number(9))), 2 * BA, status="assumed"
    )
    assert "rank stored beside" in row["note"]


def test_what_is_no_one_number_is_not_understood():
    for name in ("scaling", "scalar", "lora_rank"):
        row = rk.audit(pair("lora_A.weight", "lora_B.weight") | {f"{Q}.{name}": normal(3)}, config=CONFIG).table.iloc[0]
        assert (row["status"], row["assumed"]) == ("assumed", "method")


def test_an_alpha_of_two_adapters_is_nobodys():
    state = {f"q.lora_{x}.{name}.weight": y for name in ("one", "two") for x, y in (("A", A), ("B", B))}
    table = rk.audit(state | {"q.alpha": number(EIGHT)}).table
    assert set(table["status"]) == {"assumed"}


def test_lycoris_multiplies_by_its_scalar():
    state = pair("lora_down.weight", "lora_up.weight", alpha=number(EIGHT), scalar=number(0.25))
    agrees(rk.audit(state), 0.5 * BA)
    w = [normal(6, 2), normal(2, 4), normal(6, 2), normal(2, 4)]
    names = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "alpha", "scalar")
    hadamard = dict(zip((f"q.{name}" for name in names), (*w, number(2), number(3)), strict=True))
    agrees(rk.audit(hadamard), 3 * (w[0].astype(float) @ w[1]) * (w[2].astype(float) @ w[3]))
    one, two = normal(3, 2), normal(8, 9)
    kronecker = {"q.lokr_w1": one, "q.lokr_w2": two, "q.alpha": number(1e10), "q.scalar": number(3)}
    sigma = dense(3 * np.kron(one.astype(float), two))
    assert rk.audit(kronecker).columns["spectral_norm"][0] == pytest.approx(sigma[0], rel=1e-12)


# -- names without dots, or with slashes


@pytest.mark.parametrize("names", [("lora_down_weight", "lora_up_weight"), ("lora_A_weight", "lora_B_weight"),
                                   ("lora_A_default_weight", "lora_B_default_weight")])  # fmt: skip
def test_names_whose_dots_were_replaced(names):
    state = {f"unet_mid_to_q_{name}": x for name, x in zip(names, (A, B), strict=True)}
    row = agrees(rk.audit(state | {"unet_mid_to_q_alpha": number(EIGHT)}), 2 * BA)
    assert row["module"] == "unet_mid_to_q"


def test_flax_s_trees_have_slashes():
    for names in (("lora/a", "lora/b"), ("lora_a", "lora_b")):
        state = dict(zip((f"layer_0/attn/q/{name}" for name in names), (A.T, B.T), strict=True))
        row = agrees(rk.audit(state), BA, status="assumed")
        assert row["module"].startswith("layer_0.attn.q")


# -- a fused projection in parts


@pytest.mark.parametrize("heights", [(8, 8, 8), (16, 4, 4)])
def test_the_parts_of_a_projection_are_one_row(heights):
    parts = [(normal(rows, R), normal(R, N)) for rows in heights]
    state = {f"lora_unet_qkv.lora_{way}.{i}.weight": part[at] for i, part in enumerate(parts)
             for at, way in enumerate(("up", "down"))}  # fmt: skip
    delta = np.vstack([b.astype(float) @ a for b, a in parts])
    agrees(rk.audit(state | {"lora_unet_qkv.alpha": number(EIGHT)}), 2 * delta)
    agrees(rk.audit(state), delta, status="assumed")
    lost = rk.audit({key: x for key, x in state.items() if "up.1" not in key}).table
    assert lost["status"].tolist() == ["unpaired"]
    assert "lora_up.1 is missing" in lost["note"][0]


def test_parts_of_b_take_their_own_rows_of_one_a():
    parts = [(normal(8, R), normal(R, N)) for _ in range(3)]
    state = {f"q.lora_up.blocks.{i}.weight": b for i, (b, _) in enumerate(parts)}
    state |= {"q.lora_down.weight": np.vstack([a for _, a in parts]), "q.alpha_scale": number(0.5)}
    agrees(rk.audit(state), 0.5 * np.vstack([b.astype(float) @ a for b, a in parts]))
    shared = rk.audit(state | {"q.lora_down.weight": parts[0][1]}).table  # or mixed by a router: nobody knows
    assert shared["status"].tolist() == ["unsupported"]


# -- experts

E = 3
EB, EA = normal(E, M, R), normal(E, R, N)


def turned(x):
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


def held(report, deltas, status="ok"):
    table = report.table.set_index("module")
    assert {*table.index} == {*deltas}
    for name, delta in deltas.items():
        assert table.loc[name, "status"] == status, table.loc[name, "note"]
        assert table.loc[name, "spectral_norm"] == pytest.approx(dense(delta)[0], rel=1e-9)
        assert table.loc[name, "stable_rank"] == pytest.approx(stable(delta), rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "called"),
    [
        ("w1.lora_A.weight", "w1.lora_B.weight", "w1"), ("lora_gate_a", "lora_gate_b", "gate"),
        ("lora_gate_and_up_A", "lora_gate_and_up_B", "gate_and_up"), ("lora_gate_A.default", "lora_gate_B.default", "gate"),
        ("lora_down_A", "lora_down_B", "down"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flipped", [False, True])
def test_factors_with_an_axis_of_experts_are_read_either_way_round(first, second, called, flipped):
    state = {f"mlp.experts.{first}": EA, f"mlp.experts.{second}": EB}
    state = {key: turned(x) for key, x in state.items()} if flipped else state
    deltas = {f"mlp.experts.{called}[{e}]": 2 * EB[e].astype(float) @ EA[e] for e in range(E)}
    held(rk.audit(state, config=CONFIG), deltas)
    beside = {"q_proj.lora_A.weight": A, "q_proj.lora_B.weight": B}
    held(rk.audit(state | beside, config=CONFIG), deltas | {"q_proj": 2 * BA})


@pytest.mark.parametrize("flipped", [False, True])
def test_square_experts_are_told_by_the_rank_or_by_other_experts(flipped):
    b, a = normal(E, 16, R), normal(E, R, 16)
    turn = turned if flipped else np.asarray
    state = {"experts.w1.lora_A.weight": turn(a), "experts.w1.lora_B.weight": turn(b)}
    deltas = {f"experts.w1[{e}]": 2 * b[e].astype(float) @ a[e] for e in range(E)}
    held(rk.audit(state, config=CONFIG), deltas)
    more = {"experts.w2.lora_A.weight": turn(EA), "experts.w2.lora_B.weight": turn(EB)}
    deltas |= {f"experts.w2[{e}]": 2 * EB[e].astype(float) @ EA[e] for e in range(E)}
    held(rk.audit(state | more, config={"peft_type": "LORA", "lora_alpha": 2 * R}), deltas)
    open_ = rk.audit(state, config={"peft_type": "LORA", "lora_alpha": 2 * R})
    assert set(open_.table["assumed"]) == {"orientation" if flipped else ""}  # a rank of 16 in 4 x 4 is nobody's


def test_which_of_two_matrices_is_meant_is_told_by_their_shapes_or_assumed():
    config = CONFIG | {"target_parameters": ["mlp.experts.flat", "mlp.experts.down_proj"], "target_modules": []}
    name = "base_model.model.layers.0.mlp.experts"
    state = {f"{name}.{at}lora_{x}.weight": y for at in ("", "base_layer.") for x, y in (("A", A), ("B", B))}
    table = rk.audit(state, config=config).table
    assert {*table["module"]} == {"layers.0.mlp.experts.flat", "layers.0.mlp.experts.down_proj"}
    assert set(table["assumed"]) == {"order"}


def test_a_parameter_of_one_matrix_has_its_name():
    config = CONFIG | {"target_parameters": ["mlp.experts.gate_up_proj"], "target_modules": []}
    name = "base_model.model.layers.0.mlp.experts"
    row = agrees(rk.audit({f"{name}.lora_A.weight": A, f"{name}.lora_B.weight": B}, config=config), 2 * BA)
    assert row["module"] == "layers.0.mlp.experts.gate_up_proj"


# -- headers and configurations beside


def header(**options):
    return {"metadata": {f"ss_network_{name}": str(value) for name, value in options.items()}}


def test_kohya_s_alphas_of_single_blocks_leave_the_scale_assumed(tmp_path):
    state = pair("lora_down.weight", "lora_up.weight")
    for option in ("block_alphas", "conv_block_alphas", "network_reg_alphas"):
        row = agrees(
            audited(state, tmp_path, **header(alpha=8, dim=4, args=json.dumps({option: "1,2"}))),
            2 * BA,
            status="assumed",
        )
        assert option in row["note"]
    agrees(audited(state, tmp_path, **header(alpha=8, dim=4, args=json.dumps({"loraplus_lr_ratio": "16"}))), 2 * BA)
    known = pair("lora_down.weight", "lora_up.weight", alpha=number(R))
    agrees(audited(known, tmp_path, **header(alpha=8, dim=4, args=json.dumps({"block_alphas": "1,2"}))), BA)


def test_rslora_of_a_header_is_in_the_stored_alpha_or_is_said(tmp_path):
    more = header(alpha=8, dim=4, module="lycoris.kohya", args=json.dumps({"rs_lora": "True"}))
    names = ("lora_down.weight", "lora_up.weight")
    agrees(audited(pair(*names), tmp_path, **more), 4 * BA)
    agrees(audited(pair(*names, alpha=number(16)), tmp_path, **more), 4 * BA)
    row = agrees(audited(pair(*names, alpha=number(8)), tmp_path, **more), 2 * BA, status="assumed")
    assert "sqrt(r)" in row["note"]


BLOCKS = {
    "model_config.yaml": "peft:\n  peft_scheme: lora\n  lora_tuning:\n    adapter_dim: 4  # rank\n    alpha: 8\n",
    "run_config.yaml": "model:\n  alpha: 3\npeft:\n  _target_: megatron.bridge.peft.lora.LoRA\n  alpha: 8\n  dim: 4\n",
    "config.yaml": "config:\n  process:\n  - type: sd_trainer\n    network:\n      linear: 4\n      linear_alpha: 8\n",
    "hyperparameters.yaml": "lora_r: 4\nlora_alpha: 8\ndata:\n  class_path: x\n",
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    "names", [("adapter.linear_in.weight", "adapter.linear_out.weight"), ("lora_A.weight", "lora_B.weight")]
)
def test_a_scale_deep_in_yaml_is_found(name, names, tmp_path):
    (tmp_path / name).write_text(BLOCKS[name])
    agrees(audited(pair(*names), tmp_path), 2 * BA)


def test_yaml_of_a_model_is_no_scale(tmp_path):
    (tmp_path / "config.yaml").write_text("model:\n  rank: 4\n  alpha: 8\nnetwork:\n  width: 4\n")
    agrees(audited(pair("lora_A.weight", "lora_B.weight"), tmp_path), BA, status="assumed")


# -- shapes, other names, and what lies beside


@pytest.mark.parametrize("shapes", [((R, N), (M, R, 1, 1)), ((R, N, 1, 1), (M, R)), ((R, N), (M, R, 1))])
def test_a_matrix_may_be_stored_as_a_convolution_of_one_place(shapes):
    state = pair("lora_down.weight", "lora_up.weight", alpha=number(EIGHT))
    state = {key: x.reshape(shapes[0] if "down" in key else shapes[1]) if x.ndim else x for key, x in state.items()}
    agrees(rk.audit(state), 2 * BA)


def test_comfyui_s_changes_of_vectors_beside_factors():
    state = pair("lora_A.weight", "lora_B.weight", alpha=number(R), diff_b=normal(M), reshape_weight=np.array([M, N]))
    agrees(rk.audit(state | {"norm.diff": normal(N)}), BA)
    with pytest.raises(ValueError, match="replace the base's"):
        rk.audit({f"{Q}.set_weight": normal(M, N)})


@pytest.mark.parametrize("names", [("lora_left", "lora_right"), ("lora_2", "lora_1"), ("lora_U", "lora_V"),
                                   ("lora_decoder", "lora_encoder"), ("lora_up_proj", "lora_down_proj")])  # fmt: skip
def test_two_factors_under_more_names(names):
    agrees(rk.audit({f"{Q}.{names[0]}.weight": B, f"{Q}.{names[1]}.weight": A}), BA, status="assumed")


@pytest.mark.parametrize(
    "names", [("lora_a.weight", "lora_b.weight"), ("adapter.linear_in.weight", "adapter.linear_out.weight")]
)
def test_the_rank_tells_rows_from_columns_in_more_families(names):
    b, a = normal(32, R), normal(R, 32)
    state = {f"{Q}.{names[0]}": a.T, f"{Q}.{names[1]}": b.T}
    row = rk.audit(state, config={"r": R, "lora_alpha": R}).table.iloc[0]
    assert (row["m"], row["n"], row["r"]) == (32, 32, R)
    assert row["stable_rank"] == pytest.approx(stable(b.astype(float) @ a), rel=1e-9)


@pytest.mark.parametrize(
    "field", [{"lora_type": "loha"}, {"lora_method": "mora"}, {"adapter_type": "mixture"}, {"hydra": True}]
)
def test_a_field_that_names_another_kind_is_said(field):
    state = pair("lora_A.weight", "lora_B.weight")
    assert agrees(rk.audit(state, config=CONFIG | field), 2 * BA, status="assumed")["assumed"] == "method"
    agrees(rk.audit(state, config=CONFIG | {"lora_type": "lora", "task_type": "CAUSAL_LM", "type": "LORA"}), 2 * BA)


def test_numbers_and_nested_mappings_of_torch_s_files(tmp_path):
    import torch

    one, two = (torch.tensor(x) for x in (A, B))
    for content, scale in (
        ({"q.lora_A": one, "q.lora_B": two, "q.alpha": 8.0}, 2), ({"q.lora_A": one, "q.lora_B": two, "q.lora_alpha": 8}, 2),
        ({"q": {"lora_A": one, "lora_B": two}}, 1), ({"q": {"lora_A": {"weight": one}, "lora_B": {"weight": two}}}, 1),
        ({"q.lora_A": one, "q.lora_B": two, "q.alpha": 10**400}, 1),
    ):  # fmt: skip
        torch.save(content, tmp_path / "x.pt")
        row = agrees(rk.audit(tmp_path / "x.pt"), scale * BA, status="ok" if scale == 2 else "assumed")
        assert row["module"] == "q"
