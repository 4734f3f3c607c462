"""Every family of adapter files: the update it applies, told from keys and shapes, and the same numbers in every spelling."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.checkpoints import READERS

M, N, R = 24, 18, 4
RNG = np.random.default_rng(5)


def normal(*shape: int, dtype: Any = np.float32) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


def only(report):
    assert len(report.table) == 1
    return report.table.iloc[0], next(iter(report.spectra.values()))


def dense(delta):
    return np.linalg.svd(np.asarray(delta, dtype=np.float64), compute_uv=False)


def agrees(report, delta, rel=1e-9):
    row, sigma = only(report)
    assert row["status"] == "ok", row["note"]
    assert {row["m"], row["n"]} == set(delta.shape)
    exact = dense(delta)
    np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=rel * exact[0])
    assert np.all(exact[sigma.size :] <= 1e-12 * exact[0])
    return row


# -- one update in every spelling ------------------------------------------------------------------------------------

B, A = normal(M, R), normal(R, N)
ALPHA = 8.0
SPELLINGS = {
    "peft": (
        {"base_model.model.layers.0.q_proj.lora_A.weight": A, "base_model.model.layers.0.q_proj.lora_B.weight": B},
        {"peft_type": "LORA", "r": R, "lora_alpha": ALPHA},
    ),
    "kohya": (
        {"lora_unet_q.lora_down.weight": A, "lora_unet_q.lora_up.weight": B, "lora_unet_q.alpha": np.array([ALPHA], np.float32)},
        None,
    ),
    "diffusers": ({"unet.q.lora_A.weight": A, "unet.q.lora_B.weight": B, "unet.q.alpha": np.array([ALPHA])}, None),
    "diffusers old": (
        {"mid.attn1.processor.to_q_lora.down.weight": A, "mid.attn1.processor.to_q_lora.up.weight": B,
         "mid.attn1.processor.to_q_lora.alpha": np.array([ALPHA])},
        None,
    ),
    "mlx": (
        {"layers.0.q_proj.lora_a": np.ascontiguousarray(A.T), "layers.0.q_proj.lora_b": np.ascontiguousarray(B.T)},
        {"lora_parameters": {"scale": ALPHA / R, "alpha": 999, "rank": R}},
    ),
    "loralib": ({"layers.0.q.lora_A": A, "layers.0.q.lora_B": B}, {"lora_alpha": ALPHA}),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_adapter_in_every_spelling_gives_the_same_bits(spelling):
    state, config = SPELLINGS[spelling]
    report = rk.audit(state, config=config)
    row, sigma = only(report)
    reference, same = only(rk.audit(SPELLINGS["peft"][0], config=SPELLINGS["peft"][1]))
    np.testing.assert_array_equal(sigma, same)
    for name in (
        "scale",
        "spectral_norm",
        "frobenius_norm",
        "stable_rank",
        "effective_rank",
        "numerical_rank",
        "m",
        "n",
        "r",
    ):
        assert row[name] == reference[name], name
    assert report.skipped == ()
    agrees(report, ALPHA / R * B.astype(float) @ A.astype(float))


def test_formats_without_an_alpha_say_that_one_was_assumed():
    for state in (
        {"unet:0:up": B, "unet:0:down": A},
        {"w_b_000": B, "w_a_000": A},
        {"x.lora_A": A, "x.lora_B": B},
        {"x.lora_a": A.T, "x.lora_b": B.T},
        {"x.lora_down.weight": A, "x.lora_up.weight": B},
        {"unet.x.lora_A.weight": A, "unet.x.lora_B.weight": B},
        {"x.lora_A.weight": A, "x.lora_B.weight": B},
    ):
        row = agrees(rk.audit(state), B.astype(float) @ A.astype(float))
        assert "scale 1 assumed" in row["note"]
        assert row["scale"] == 1


def test_the_family_can_be_named_and_a_wrong_one_is_refused():
    state, config = SPELLINGS["peft"]
    assert rk.audit(state, config=config, family="peft").table["status"].item() == "ok"
    with pytest.raises(ValueError, match="holds no MLX LoRA module"):
        rk.audit(state, family="mlx")
    with pytest.raises(ValueError, match=r"family must be one of sine, .*, got 'other'"):
        rk.audit(state, family="other")


# -- other products --------------------------------------------------------------------------------------------------


def test_merged_groups_are_their_updates_one_under_the_other():
    """Old PEFT's fused query-key-value: enable_lora says which groups have an update; loralib leaves it to shapes."""
    groups, rows = 2, 12
    A2, B2 = normal(groups * R, N), normal(groups * rows, R)
    parts = [B2[g * rows : (g + 1) * rows] @ A2[g * R : (g + 1) * R].astype(float) for g in range(groups)]
    config = {"peft_type": "LORA", "r": R, "lora_alpha": 8, "enable_lora": [True, False, True]}
    key = "base_model.model.h.0.qkv.lora_"
    for state, asked, delta in (
        (
            {f"{key}A.weight": A2, f"{key}B.weight": B2[..., None]},
            config,
            np.vstack([parts[0], np.zeros((rows, N)), parts[1]]),
        ),
        ({"h.0.qkv.lora_A": A2, "h.0.qkv.lora_B": B2}, {"lora_alpha": 8}, np.vstack(parts)),
    ):
        row = agrees(rk.audit(state, config=asked), 2 * delta)
        assert (row["m"], row["r"], row["scale"]) == (delta.shape[0], groups * R, 2)


def test_one_enabled_group_of_a_fused_projection_has_the_rows_of_all():
    state = {"base_model.model.qkv.lora_A.weight": A, "base_model.model.qkv.lora_B.weight": B}
    config = {"peft_type": "LORA", "r": R, "lora_alpha": 8, "enable_lora": [False, True, False]}
    row = agrees(
        rk.audit(state, config=config), 2 * np.vstack([np.zeros((M, N)), B.astype(float) @ A, np.zeros((M, N))])
    )
    assert row["m"] == 3 * M


def test_convolutions_of_kohya_and_their_middle():
    down, mid, up = normal(R, 5, 1, 1), normal(R, R, 3, 3), normal(M, R, 1, 1)
    delta = np.einsum("pi,ijkl,jc->pckl", up[:, :, 0, 0], mid, down[:, :, 0, 0].astype(float)).reshape(M, -1)
    state = {"c.lora_down.weight": down, "c.lora_mid.weight": mid, "c.lora_up.weight": up, "c.alpha": np.float32(2)}
    agrees(rk.audit(state), 0.5 * delta)
    plain = {"c.lora_down.weight": normal(R, 5, 3, 3), "c.lora_up.weight": up, "c.alpha": np.float32(4)}
    agrees(rk.audit(plain), up.reshape(M, R).astype(float) @ plain["c.lora_down.weight"].reshape(R, -1))


def test_loha_is_an_entrywise_product():
    w = {part: normal(*((M, R) if part.endswith("a") else (R, N))) for part in ("w1_a", "w1_b", "w2_a", "w2_b")}
    delta = (w["w1_a"].astype(float) @ w["w1_b"]) * (w["w2_a"].astype(float) @ w["w2_b"])
    state = {f"x.hada_{part}": value for part, value in w.items()} | {"x.alpha": np.float32(2)}
    row = agrees(rk.audit(state), delta * 2 / R)
    assert row["r"] == R * R


@pytest.mark.parametrize("first", ["whole", "factored"])
@pytest.mark.parametrize("second", ["whole", "factored", "tucker"])
def test_lokr_is_a_kronecker_product(first, second):
    w1, w2 = normal(6, 3, dtype=np.float64), normal(4, 6, dtype=np.float64)
    state = {}
    if first == "whole":
        state["x.lokr_w1"] = w1
    else:
        a, b = normal(6, 2), normal(2, 3)
        state |= {"x.lokr_w1_a": a, "x.lokr_w1_b": b}
        w1 = a.astype(float) @ b
    if second == "whole":
        state["x.lokr_w2"] = w2
    elif second == "factored":
        a, b = normal(4, 2), normal(2, 6)
        state |= {"x.lokr_w2_a": a, "x.lokr_w2_b": b}
        w2 = a.astype(float) @ b
    else:
        t, a, b = normal(2, 2, 3, 3), normal(2, 4), normal(2, 5)
        state |= {"x.lokr_t2": t, "x.lokr_w2_a": a, "x.lokr_w2_b": b}
        w2 = np.einsum("ijkl,ip,jr->prkl", t.astype(float), a, b).reshape(4, -1)
    report = rk.audit(state | {"x.alpha": np.float32(1)})
    scale = 1.0 if first == second == "whole" else 0.5
    assert agrees(report, scale * np.kron(w1, w2))["scale"] == scale


def test_sine_lora_of_the_authors_code_is_its_sine_and_not_b_a():
    state = {"base_model.model.q.lora_A.weight": A, "base_model.model.q.lora_B.weight": B}
    config = {"peft_type": "SINLORA", "r": R, "lora_alpha": 8, "freq": 200.0, "s": 3.0}
    row = agrees(rk.audit(state, config=config), 2 * np.sin(200.0 * (B.astype(float) @ A)) / math.sqrt(N))
    assert row["rule"] == "sine"
    assert "s = 3" in row["note"]
    assert row["numerical_rank"] == min(M, N)
    pull = {
        "peft_type": "LORA",
        "r": R,
        "lora_alpha": 8,
        "use_sinelora": True,
        "sinelora_frequency": 50.0,
        "sinelora_scaling": 7.0,
    }
    agrees(rk.audit(state, config=pull), 2 * np.sin(50.0 * (B.astype(float) @ A)) / 7)


def test_adalora_without_its_singular_values_is_unpaired():
    state = {"base_model.model.q.lora_A": A, "base_model.model.q.lora_B": B}
    row = rk.audit(state, config={"peft_type": "ADALORA", "init_r": R, "lora_alpha": 8}).table.iloc[0]
    assert (row["status"], row["note"]) == ("unpaired", "lora_E is missing")


def test_loran_is_its_sinter():
    state = {"base_model.model.q.mlora_A": A, "base_model.model.q.mlora_B": B}
    config = {"peft_type": "MLORA", "r": [R, 4096], "mlora_alpha": 16, "mlora_af": "Sin", "mlora_af_sin_A": 0.1, "mlora_af_sin_omega": 30.0}  # fmt: skip
    x = B.astype(float) @ A
    assert agrees(rk.audit(state, config=config), 4 * (x + 0.1 * x * np.sin(30 * x)))["rule"] == "sinter"


# -- PEFT's own methods, against PEFT's own merge --------------------------------------------------------------------


def _peft(kind):
    peft = pytest.importorskip("peft")
    common = {"target_modules": ["up", "down"]}
    return {
        "loha": lambda: peft.LoHaConfig(r=3, alpha=5, rank_pattern={"up": 2}, **common),
        "lokr": lambda: peft.LoKrConfig(r=2, alpha=5, decompose_both=True, **common),
        "lokr whole": lambda: peft.LoKrConfig(r=64, alpha=5, **common),
        "adalora": lambda: peft.AdaLoraConfig(init_r=5, target_r=3, lora_alpha=7, total_step=10, **common),
        "vera": lambda: peft.VeraConfig(r=6, target_modules=["up"], save_projection=True),
        "randlora": lambda: peft.RandLoraConfig(r=4, target_modules=["up"], save_projection=True),
        "dora": lambda: peft.LoraConfig(r=3, use_dora=True, **common),
    }[kind]()


@pytest.mark.parametrize("kind", ["loha", "lokr", "lokr whole", "adalora", "vera", "randlora"])
@pytest.mark.parametrize("route", ["live", "folder"])
def test_pefts_own_methods_have_the_update_that_peft_merges(kind, route, tmp_path):
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    base = torch.nn.ModuleDict({"up": torch.nn.Linear(20, 36), "down": torch.nn.Linear(36, 20)})
    model = peft.get_peft_model(base, _peft(kind))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn_like(parameter))
    if route == "folder":
        model.save_pretrained(tmp_path)
    report = rk.audit(model if route == "live" else tmp_path)
    merged = {name: module for name, module in model.named_modules() if hasattr(module, "get_delta_weight")}
    assert len(report.table) == len(merged)
    for name, module in merged.items():
        exact = dense(module.get_delta_weight("default").detach())
        sigma = report.spectra[name.removeprefix("base_model.model.")]
        np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=3e-6 * exact[0])


def test_vera_without_its_projections_is_refused():
    state = {"base_model.model.q.vera_lambda_b": normal(M), "base_model.model.q.vera_lambda_d": normal(R)}
    with pytest.raises(ValueError, match=r"holds no vera_A and vera_B: its projections are drawn from a seed"):
        rk.audit(state, config={"peft_type": "VERA"})


def test_every_method_of_peft_is_read_or_refused_by_name():
    peft = pytest.importorskip("peft")
    from rankkit.checkpoints.methods import READ, REFUSED

    assert not set(READ) & set(REFUSED)
    for method in peft.PeftType:
        state = {"base_model.model.x.some_tensor": normal(3, 3)}
        with pytest.raises(
            ValueError,
            match="holds no" if method.value in READ else rf"is a {method.value} adapter by its config: (it|its) ",
        ) as caught:
            rk.audit(state, config={"peft_type": method})
        assert "\n" not in str(caught.value)


def test_updates_of_single_experts_are_refused_by_name_and_cost_no_other_row():
    state = {
        f"base_model.model.l.0.{name}.lora_{x}.weight": {"A": A, "B": B}[x] for name in ("q", "experts") for x in "AB"
    }
    report = rk.audit(state, config=SPELLINGS["peft"][1] | {"target_parameters": ["experts.gate_up_proj"]})
    assert report.table["status"].tolist() == ["ok", "unsupported"]
    assert "experts.gate_up_proj of experts" in report.table["note"].iloc[1]


def test_an_unknown_method_is_refused_too():
    for method in ("AURORA", "ADASINE", "SINDORA", "FROM_TOMORROW"):
        with pytest.raises(ValueError, match=f"is a {method} adapter by its config: .+"):
            rk.audit({"x.lora_A.weight": A, "x.lora_B.weight": B}, config={"peft_type": method})


# -- what holds the tensors ------------------------------------------------------------------------------------------


def test_every_kind_of_file_tells_the_same(tmp_path):
    state, config = SPELLINGS["peft"]
    want = rk.audit(state, config=config).table
    for name in ("a.safetensors", "b.bin", "c.pt", "d.npz", "e.ckpt"):
        path = tmp_path / name
        if name.endswith("safetensors"):
            save_file(state, path)
        elif name.endswith("npz"):
            np.savez(path, **state)
        else:
            tensors = {key: torch.as_tensor(value) for key, value in state.items()}
            torch.save({"state_dict": tensors, "epoch": 3} if name == "e.ckpt" else tensors, path)
        assert rk.audit(path, config=config).table.equals(want), name


def test_shards_are_one_adapter(tmp_path):
    state, config = SPELLINGS["peft"]
    placed = {}
    for i, (key, value) in enumerate(state.items()):
        placed[key] = f"adapter_model-0000{i}-of-00002.safetensors"
        save_file({key: value}, tmp_path / placed[key])
    index = tmp_path / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": placed}))
    assert rk.audit(tmp_path, config=config).table.equals(rk.audit(state, config=config).table)
    for broken, says in (
        ({"weight_map": {"x": "../../etc/passwd"}}, "files beside it"),
        ({"weight_map": {"x": "gone.safetensors"}}, "names the shard gone.safetensors"),
        ({"weight_map": {"x": placed[next(iter(placed))]}}, "but it does not"),
        ({"weight_map": 3}, "has no weight_map"),
    ):
        index.write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=says):
            rk.audit(index)


def test_a_folder_means_its_adapter_file(tmp_path):
    state = SPELLINGS["peft"][0]
    other = {"x.lora_A.weight": A, "x.lora_B.weight": B}
    (tmp_path / "sub").mkdir()
    save_file(other, tmp_path / "sub" / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="holds no tensor file"):
        rk.audit(tmp_path)
    for name in (
        "anything.safetensors",
        "pytorch_lora_weights.safetensors",
        "adapters.safetensors",
        "adapter_model.safetensors",
    ):
        save_file(state if name.startswith("adapter_model") else other, tmp_path / name)
        assert rk.audit(tmp_path).source == str(tmp_path / name)
    torch.save({"x": torch.ones(2)}, tmp_path / "adapter_model.bin")
    with pytest.raises(ValueError, match=r"several tensor files: adapter_model.bin, adapter_model.safetensors"):
        rk.audit(tmp_path)


# -- real files ------------------------------------------------------------------------------------------------------

REAL = {
    "cloneofsimo-analog-svd-r4": (192, 0, 0), "cloneofsimo-disney-pt-r4": (128, 32, 0),
    "cloneofsimo-disney-r1/lora_disney.safetensors": (192, 0, 2),
    "cloneofsimo-disney-r1/lora_disney_inpainting.safetensors": (192, 0, 2),
    "diffusers-sd15-attnprocs/pytorch_lora_weights.bin": (128, 0, 0),
    "diffusers-sd15-attnprocs/pytorch_lora_weights.safetensors": (128, 0, 0), "loralib-roberta-base-mnli": (24, 0, 4),
    "lycoris-lokr-sd/smart_falcon_4_lokr.safetensors": (350, 3, 0),
    "lycoris-lokr-sd/smart_falcon_16_lokr.safetensors": (350, 3, 0), "mlx-npz-mistral": (32, 0, 0),
    "mlx-qwen-two-checkpoints/0000100_adapters.safetensors": (8, 0, 0),
    "mlx-qwen-two-checkpoints/0000200_adapters.safetensors": (8, 0, 0), "peft-bloom-560m-legacy-merged": (24, 0, 0),
    "sam-lora-rank-sweep/lora_rank2.safetensors": (24, 0, 0), "sam-lora-rank-sweep/lora_rank16.safetensors": (24, 0, 0),
}  # fmt: skip


def raw(path) -> dict[Any, Any]:
    """Return a file's tensors by the libraries their makers use."""
    if path.is_dir():
        path = next(p for p in path.iterdir() if p.suffix in (".safetensors", ".bin", ".pt", ".npz"))
    if path.suffix == ".npz":
        return dict(np.load(path))
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    held = torch.load(path, weights_only=True, map_location="cpu")
    held = dict(enumerate(held)) if isinstance(held, list) else held
    return {key: value.detach().numpy() for key, value in held.items()}


def reference(name, module, tensors):
    """Return a module's update, put together by hand for each real file."""
    t: dict[Any, Any] = {key: np.asarray(value, dtype=np.float64) for key, value in tensors.items() if str(key).startswith(module) or ":" in str(key) or isinstance(key, int) or "w_" in str(key)}  # fmt: skip
    if "disney-pt" in name:
        i = 2 * int(module.split(":")[1])
        return t[i] @ t[i + 1]
    if "cloneofsimo" in name:
        return t[f"{module}:up"] @ t[f"{module}:down"]
    if "diffusers" in name:
        path, _, projection = module.rpartition(".to_")
        return (np.asarray(tensors[f"{path}.processor.to_{projection}_lora.up.weight"], dtype=np.float64)
                @ tensors[f"{path}.processor.to_{projection}_lora.down.weight"])  # fmt: skip
    if "loralib" in name:
        return t[f"{module}.lora_B"] @ t[f"{module}.lora_A"]
    if "mlx" in name:
        return (10.0 if "qwen" in name else 1.0) * (t[f"{module}.lora_a"] @ t[f"{module}.lora_b"]).T
    if "sam" in name:
        return t[f"w_b_{module[2:]}"] @ t[f"w_a_{module[2:]}"]
    if "lokr" in name:
        part = {key[len(module) + 1 :]: value for key, value in t.items() if key.startswith(f"{module}.")}
        w1 = part["lokr_w1"] if "lokr_w1" in part else part["lokr_w1_a"] @ part["lokr_w1_b"]
        if "lokr_t2" in part:
            w2 = np.einsum("ijkl,ip,jr->prkl", part["lokr_t2"], part["lokr_w2_a"], part["lokr_w2_b"])
        else:
            w2 = part["lokr_w2"] if "lokr_w2" in part else part["lokr_w2_a"] @ part["lokr_w2_b"]
        return np.kron(w1, w2.reshape(w2.shape[0], -1))  # alpha equals the rank in these files
    A, B = (np.asarray(tensors[f"base_model.model.{module}.lora_{x}.weight"], dtype=np.float64) for x in "AB")
    half = B.shape[0] // 2
    return 2.0 * np.vstack([B[:half, :, 0] @ A[:8], B[half:, :, 0] @ A[8:]])


@pytest.mark.parametrize("name", REAL)
def test_real_adapters_have_the_update_their_own_code_applies(name, adapters):
    report = rk.audit(adapters / name)
    status = report.table["status"]
    assert (len(status), (status == "zero").sum(), len(report.skipped)) == REAL[name]
    assert (status == "ok").sum() == REAL[name][0] - REAL[name][1]
    tensors = raw(adapters / name)
    sizes = dict(zip(report.table["module"], report.table[["m", "n"]].max(axis=1), strict=True))
    small = [m for m in report.spectra if sizes[m] <= 1300]
    few = small[:: max(1, len(small) // 2)][:3] or list(report.spectra)[:1]
    for module in few:
        sigma, update = report.spectra[module], reference(name, _bare(name, module), tensors)
        exact = dense(update) if 4 * sigma.size > min(update.shape) else of_its_range(update, sigma.size)
        np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=1e-9 * exact[0])


def of_its_range(update, rank):
    """Return the singular values of a matrix that is known to have a small rank: an SVD of all takes ten seconds."""
    samples = np.linalg.qr(update @ np.random.default_rng(0).standard_normal((update.shape[1], rank + 8)))[0]
    sigma = dense(samples.T @ update)
    assert np.linalg.norm(update - samples @ (samples.T @ update)) <= 1e-10 * sigma[0]
    return sigma


def _bare(name, module):
    return f"w_{module.split('w')[-1].strip('_.')}" if "sam" in name else module


def test_the_table_of_readers_is_complete():
    assert {"peft", "kohya", "diffusers", "cloneofsimo", "loralib", "mlx", "sine", "loran", "pairs"} <= set(READERS)
