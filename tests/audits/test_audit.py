"""The audit: the update each module really adds, and a row with a status for whatever goes wrong."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

import rankkit as rk
from tests.conftest import CONFIG, check_against_dense, module, row, save


def test_a_folder_a_file_and_a_state_dict_tell_the_same(tmp_path):
    state = module("model.layers.0.mlp.up_proj") | module("model.layers.1.self_attn.q_proj", seed=1)
    folder = save(tmp_path / "a", state)
    reports = [rk.audit(folder), rk.audit(folder / "adapter_model.safetensors"), rk.audit(str(folder)),
               rk.audit(state, config=CONFIG), rk.audit({k: torch.as_tensor(v) for k, v in state.items()}, config=CONFIG)]  # fmt: skip
    for report in reports:
        assert len(report.table) == 2
        got = row(report, "model.layers.0.mlp.up_proj")
        assert (got["layer"], got["kind"], got["m"], got["n"], got["r"], got["scale"]) == (0, "mlp", 12, 10, 4, 2.0)
        assert (got["status"], got["rule"], got["dtype"]) == ("ok", "linear", "F32")
        key = "base_model.model.model.layers.0.mlp.up_proj"
        check_against_dense(got, 2.0 * state[f"{key}.lora_B.weight"].astype(float) @ state[f"{key}.lora_A.weight"])
        np.testing.assert_allclose(report.spectra["model.layers.0.mlp.up_proj"][0], got["spectral_norm"])


def test_the_table_has_the_promised_columns():
    promised = [
        "module",
        "layer",
        "kind",
        "m",
        "n",
        "r",
        "dtype",
        "scale",
        "rule",
        "omega_std",
        "spectral_norm",
        "frobenius_norm",
        "stable_rank",
        "numerical_rank",
        "rtol",
        "effective_rank",
        "effective_rank_energy",
        "participation_ratio",
        "energy_rank_90",
        "energy_rank_95",
        "energy_rank_99",
        "utilization",
        "status",
    ]
    table = rk.audit(module("a.q_proj"), config=CONFIG).table
    assert list(table)[: len(promised)] == promised
    assert table["rtol"].item() == 12 * 2.0**-23
    assert rk.audit(module("a.q_proj"), config=CONFIG, rtol=0.5).table["rtol"].item() == 0.5


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        (CONFIG, 2.0),
        (CONFIG | {"use_rslora": True}, 4.0),
        (CONFIG | {"alpha_pattern": {"q_proj": 3}}, 0.75),
        (CONFIG | {"alpha_pattern": {"v_proj": 3}}, 2.0),
        (CONFIG | {"rank_pattern": {"q_proj": 4}, "r": 64}, 2.0),
        (CONFIG | {"fan_in_fan_out": True}, 2.0),
        (None, 1.0),
    ],
)
def test_scales_are_applied_to_every_norm(config, scale):
    state = module("layers.3.q_proj")
    got = row(rk.audit(state, config=config), "layers.3.q_proj")
    B, A = (
        state["base_model.model.layers.3.q_proj.lora_B.weight"],
        state["base_model.model.layers.3.q_proj.lora_A.weight"],
    )
    assert got["scale"] == pytest.approx(scale)
    check_against_dense(got, scale * B.astype(float) @ A.astype(float))


def test_a_wrong_scale_would_be_caught():
    state = module("layers.3.q_proj")
    B, A = (
        state["base_model.model.layers.3.q_proj.lora_B.weight"],
        state["base_model.model.layers.3.q_proj.lora_A.weight"],
    )
    with pytest.raises(AssertionError):
        check_against_dense(row(rk.audit(state, config=CONFIG), "layers.3.q_proj"), B.astype(float) @ A)


def test_trouble_is_a_row_with_a_status_and_never_costs_the_others():
    good, dead, nan = module("layers.0.q"), module("layers.1.q", seed=1), module("layers.2.q", seed=2)
    dead["base_model.model.layers.1.q.lora_B.weight"][:] = 0
    nan["base_model.model.layers.2.q.lora_A.weight"][0, 0] = np.nan
    lonely = {k: v for k, v in module("layers.3.q").items() if "lora_A" in k}
    odd = module("layers.4.q") | {"base_model.model.layers.4.q.lora_B.weight": np.ones((12, 3), np.float32)}
    none = module("layers.5.q") | {"base_model.model.layers.5.q.lora_A.weight": np.ones((0, 10), np.float32),
                                   "base_model.model.layers.5.q.lora_B.weight": np.ones((12, 0), np.float32)}  # fmt: skip
    whole = {k: np.ones(v.shape, dtype=np.int64) for k, v in module("layers.6.q").items()}
    report = rk.audit(good | dead | nan | lonely | odd | none | whole, config=CONFIG)
    assert report.table["status"].tolist() == [
        "ok",
        "zero",
        "nonfinite",
        "unpaired",
        "unsupported",
        "zero",
        "unsupported",
    ]
    assert report.table["stable_rank"].notna().tolist() == [True] + [False] * 6
    notes = report.table["note"].tolist()
    assert "B is zero" in notes[1]
    assert "lora_B is missing" in notes[3]
    assert "(12, 3)" in notes[4]
    assert "I64" in notes[6]
    assert list(report.spectra) == ["layers.0.q"]
    assert report.coverage == "1 of 7 modules measured (2 zero, 1 nonfinite, 1 unpaired, 2 unsupported)."


@pytest.mark.parametrize(
    ("size", "status"),
    [(1e-300, "zero"), (1e-100, "zero"), (1e-60, "ok"), (1e60, "ok"), (1e100, "nonfinite"), (1e300, "nonfinite")],
)
def test_what_leaves_the_range_of_float64_is_a_status_and_never_a_wrong_number(size, status):
    state = {key: value * size for key, value in module("layers.0.q", dtype=np.float64).items()} | module(
        "layers.1.k", seed=1
    )
    report = rk.audit(state, config=CONFIG)
    assert report.table["status"].tolist() == [status, "ok"]
    plain = rk.audit(module("layers.0.q", dtype=np.float64), config=CONFIG).table["stable_rank"].item()
    if status == "ok":
        assert row(report, "layers.0.q")["stable_rank"] == pytest.approx(plain, rel=1e-9)
    else:
        assert np.isnan(row(report, "layers.0.q")["stable_rank"])


def test_a_sine_of_entries_beyond_their_own_rounding_is_not_measured():
    state = {key: value * 1e12 for key, value in module("q", dtype=np.float64).items()}
    report = rk.audit(state, config={"peft_type": "SINLORA", "r": 4, "lora_alpha": 4, "freq": 200.0})
    assert report.table["status"].item() == "unsupported"
    assert "rounding of B A leaves the update open" in report.table["note"].item()


def test_every_other_tensor_is_skipped_with_a_reason():
    head = {
        "base_model.model.score.weight": np.ones((2, 3), np.float32),
        "base_model.model.q.lora_B.bias": np.ones(3, np.float32),
    }
    report = rk.audit(module("q") | head, config=CONFIG)
    assert [(s.key, s.shape) for s in report.skipped] == [(k, v.shape) for k, v in head.items()]
    assert "modules_to_save" in report.skipped[0].reason
    assert "bias" in report.skipped[1].reason
    assert "2 tensors not analysed" in report.coverage


def test_a_second_tensor_of_one_name_is_not_lost():
    state = module("q")
    again = {key.removeprefix("base_model.model."): value * 2 for key, value in state.items()}
    report = rk.audit(state | again, config=CONFIG)
    assert len(report.table) == 1
    assert [s.reason for s in report.skipped] == ["a second A of module q", "a second B of module q"]


def test_embeddings_and_convolutions_are_read():
    rng = np.random.default_rng(0)
    state = {
        "base_model.model.wte.lora_embedding_A": rng.standard_normal((4, 50)),
        "base_model.model.wte.lora_embedding_B": rng.standard_normal((8, 4)),
        "base_model.model.conv.lora_A.weight": rng.standard_normal((4, 3, 2, 2)),
        "base_model.model.conv.lora_B.weight": rng.standard_normal((6, 4, 1, 1)),
    }
    report = rk.audit(state, config=CONFIG)
    A, B = state["base_model.model.conv.lora_A.weight"], state["base_model.model.conv.lora_B.weight"]
    check_against_dense(row(report, "conv"), 2 * B.reshape(6, 4) @ A.reshape(4, 12))
    wte = 2 * state["base_model.model.wte.lora_embedding_B"] @ state["base_model.model.wte.lora_embedding_A"]
    check_against_dense(row(report, "wte"), wte.T)


def test_dora_is_said_to_be_its_direction_only():
    state = module("q") | {"base_model.model.q.lora_magnitude_vector": np.ones(12, np.float32)}
    report = rk.audit(state, config=CONFIG | {"use_dora": True})
    assert "DoRA: direction part only" in report.table["note"].item()
    assert "magnitudes 1 to 1, mean 1" in report.table["note"].item()
    assert "magnitude" in report.skipped[0].reason


def test_mixed_precision_is_read_exactly(tmp_path):
    state = {key: torch.as_tensor(value) for key, value in module("q", m=40, n=30).items()}
    A, B = state["base_model.model.q.lora_A.weight"].bfloat16(), state["base_model.model.q.lora_B.weight"].half()
    save_torch(
        {"base_model.model.q.lora_A.weight": A, "base_model.model.q.lora_B.weight": B}, tmp_path / "x.safetensors"
    )
    report = rk.audit(tmp_path)
    check_against_dense(row(report, "q"), B.double() @ A.double())
    assert report.table["dtype"].item() == "F16/BF16"
    assert report.table["numerical_rank"].item() == 4


class Net(torch.nn.Module):
    def __init__(self):
        from transformers.pytorch_utils import Conv1D

        super().__init__()
        self.wte = torch.nn.Embedding(20, 8)
        self.c_attn = Conv1D(12, 8)
        self.up_proj = torch.nn.Linear(12, 16)
        self.conv = torch.nn.Conv2d(3, 6, 2)
        self.score = torch.nn.Linear(16, 2)

    def forward(self, x):
        return self.score(self.up_proj(self.c_attn(self.wte(x))))


@pytest.fixture
def peft_model():
    import peft

    torch.manual_seed(0)
    config = peft.LoraConfig(
        r=3, lora_alpha=6, target_modules=["wte", "c_attn", "up_proj", "conv"], modules_to_save=["score"],
        rank_pattern={"up_proj": 2}, alpha_pattern={"conv": 5}, init_lora_weights=False,
    )  # fmt: skip
    return peft.get_peft_model(Net(), config)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("route", ["live", "saved", "state dict"])
def test_a_peft_model_has_the_updates_that_peft_merges(peft_model, route, tmp_path):
    if route == "live":
        report = rk.audit(peft_model)
    elif route == "saved":
        peft_model.save_pretrained(tmp_path)
        report = rk.audit(tmp_path)
    else:
        report = rk.audit(peft_model.state_dict(), config=peft_model.peft_config["default"].to_dict())
    assert len(report.table) == 4
    assert set(report.table["status"]) == {"ok"}
    for name in ("wte", "c_attn", "up_proj", "conv"):
        delta = getattr(peft_model.base_model.model, name).get_delta_weight("default")
        check_against_dense(row(report, name), delta.detach().reshape(delta.shape[0], -1).double())
    assert any("score" in s.key for s in report.skipped)


def test_adapters_with_several_names_keep_a_row_each():
    state = {k.replace(".weight", f".{name}.weight"): v for name in ("one", "two") for k, v in module("q").items()}
    assert rk.audit(state, config=CONFIG).table["module"].tolist() == ["q[one]", "q[two]"]


def test_real_adapters(adapters):
    expected = {
        "peft-clip-text-encoder/sd15": (24, 0), "peft-clip-text-encoder/sdxl": (24, 2), "peft-sd-unet-r4": (128, 32),
        "peft-gpt2-trajectory/epoch_1": (36, 0), "peft-gpt2-trajectory/epoch_2": (36, 0), "peft-gpt2-trajectory/final": (36, 0),
        "peft-roberta-mrpc-two-checkpoints/checkpoint-230": (24, 0), "peft-roberta-mrpc-two-checkpoints/checkpoint-460": (24, 0),
    }  # fmt: skip
    for folder, (modules, dead) in expected.items():
        report = rk.audit(adapters / folder)
        status = report.table["status"]
        assert (len(status), (status == "zero").sum(), (status == "ok").sum()) == (modules, dead, modules - dead), (
            folder
        )
        tensors = _reference(adapters / folder / "adapter_model.safetensors")
        config = json.loads((adapters / folder / "adapter_config.json").read_text())
        alive = report.table[status == "ok"]
        for _, got in alive.iloc[:: max(1, len(alive) // 2)].iterrows():
            key = f"base_model.model.{got['module']}"
            delta = tensors[f"{key}.lora_B.weight"].astype(float) @ tensors[f"{key}.lora_A.weight"].astype(float)
            check_against_dense(got, config["lora_alpha"] / config["r"] * delta)
        assert len(report.skipped) == len(tensors) - 2 * modules


def _reference(path):
    from safetensors.numpy import load_file

    return load_file(path)


def test_what_is_no_lora_is_refused(adapters):
    with pytest.raises(ValueError, match="UNILORA adapter by its config: .* not in the file"):
        rk.audit(adapters / "peft-unilora-roberta")


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda p: p / "absent", ValueError, "does not exist"),
        (lambda p: p, ValueError, "holds no tensor file"),
        (lambda p: 3, TypeError, "source must be a path, a state dict or a live PEFT model"),
        (lambda p: {"q.lora_A.weight": [1.0]}, TypeError, "a state dict must map names to"),
        (
            lambda p: {"q.down": np.ones(2)},
            ValueError,
            "holds no LoRA module that any reader knows: 1 tensor such as q.down; name its --family",
        ),
        (
            lambda p: {"q.odd_lora.weight": np.ones(2)},
            ValueError,
            "holds no LoRA module that any reader knows: 1 tensor such as q.odd_lora.weight; name its --family",
        ),
        (
            lambda p: {"q.weight": np.ones(2), "q.bias": np.ones(2), "rotary.inv_freq": np.ones(2)},
            ValueError,
            "looks like a whole model, not an adapter: 3 tensors such as q.weight, .*; pass the adapter's folder, or "
            ".* --full TUNED --base MODEL .*, or .* --merged MERGED",
        ),
        (lambda p: {}, ValueError, "state dict is empty; pass an adapter's folder, file or"),
        (lambda p: save(p / "x", {}, {"r": 4}), ValueError, "is empty; pass an adapter"),
        (
            lambda p: save(p / "x", module("q"), {"peft_type": "LOHA"}),
            ValueError,
            "holds no LoRA, LoHa, LoKr or full module",
        ),
        (
            lambda p: save(p / "x", module("q"), {"peft_type": "IA3"}),
            ValueError,
            "IA3 adapter by its config: .* a vector",
        ),
        (lambda p: save(p / "x", module("q"), {"use_qalora": True}), ValueError, "use_qalora"),
        (lambda p: save(p / "x", module("q"), {"kasa_config": {"beta": 1}}), ValueError, "kasa_config"),
        (lambda p: save(p / "x", module("q"), [1]), ValueError, "must hold a JSON object"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(make, error, says, tmp_path):
    source = make(tmp_path)
    with pytest.raises(error, match=says) as caught:
        rk.audit(source)
    assert "\n" not in str(caught.value)


def test_several_files_are_listed_and_broken_config_is_named(tmp_path):
    for name in ("a", "b"):
        save_numpy(module("q"), tmp_path / f"{name}.safetensors")
    with pytest.raises(ValueError, match=r"several tensor files: a.safetensors, b.safetensors"):
        rk.audit(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(ValueError, match="is not valid JSON"):
        rk.audit(tmp_path / "a.safetensors")


def test_summary_counts_the_dead_and_averages_the_living():
    dead = module("layers.1.q_proj", seed=1)
    dead["base_model.model.layers.1.q_proj.lora_B.weight"][:] = 0
    report = rk.audit(module("layers.0.q_proj") | dead | module("layers.0.mlp.up"), config=CONFIG)
    summary = report.summary().set_index("kind")
    assert summary["modules"].to_dict() == {"attention": 2, "mlp": 1, "all": 3}
    assert summary["dead"].to_dict() == {"attention": 1, "mlp": 0, "all": 1}
    alive = row(report, "layers.0.q_proj")["stable_rank"]
    assert summary.loc["attention", "stable_rank_median"] == pytest.approx(alive)


def test_save_writes_csv_json_and_npz(tmp_path):
    dead = module("layers.1.q", seed=1)
    dead["base_model.model.layers.1.q.lora_B.weight"][:] = 0
    report = rk.audit(module("layers.0.q") | dead, config=CONFIG)
    record = json.loads(report.save(tmp_path / "a.json").read_text())
    assert [m["status"] for m in record["modules"]] == ["ok", "zero"]
    assert record["modules"][1]["stable_rank"] is None
    assert record["coverage"] == report.coverage
    assert report.save(tmp_path / "a.csv").read_text().splitlines()[0].startswith("module,layer,kind")
    with np.load(report.save(tmp_path / "a.npz")) as spectra:
        np.testing.assert_array_equal(spectra["layers.0.q"], report.spectra["layers.0.q"])
    with pytest.raises(ValueError, match="file must end in .csv, .parquet, .json, .md, .html, .npz"):
        report.save(tmp_path / "a.txt")


def test_from_file_to_table_without_torch_or_pandas(tmp_path):
    save(tmp_path / "a", module("layers.0.q"))
    code = (
        "import sys, rankkit as rk; report = rk.audit(sys.argv[1], progress=False); assert report.columns['status'] == ['ok'];"
        "heavy = {'torch', 'pandas', 'matplotlib', 'seaborn', 'hypothesis'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True)


@pytest.mark.parametrize("count", [0, 1.5, True, "3"])
def test_a_count_of_intruders_is_an_integer(count):
    base = {"q.weight": np.eye(12, 10)}
    with pytest.raises(ValueError, match="intruders must be an integer >= 1"):
        rk.audit(module("q"), base=base, intruders=count)


def test_nan_tolerance_is_refused():
    with pytest.raises(ValueError, match="rtol must be a number that is finite and >= 0"):
        rk.audit(module("q"), rtol=math.nan)
    weights = {"q.weight": np.ones((2, 2))}
    with pytest.raises(ValueError, match="rtol must be a number that is finite and >= 0"):
        rk.audit_full(weights, weights, rtol=-1.0)


def test_chosen_modules_are_measured_alone():
    config = {"r": 2, "lora_alpha": 2}
    state = {
        f"layers.{depth}.{name}.lora_{factor}.weight": np.full(shape, 1.0 + depth)
        for depth in range(2)
        for name in ("q_proj", "up_proj")
        for factor, shape in (("A", (2, 6)), ("B", (5, 2)))
    }
    whole = rk.audit(state, config=config).table.set_index("module")
    chosen = rk.audit(state, config=config, modules=["q_proj"]).table.set_index("module")
    assert list(chosen.index) == ["layers.0.q_proj", "layers.1.q_proj"]
    assert chosen.equals(whole.loc[chosen.index])
    assert list(rk.audit(state, config=config, modules=r"layers\.1\..*").table["module"]) == [
        "layers.1.q_proj",
        "layers.1.up_proj",
    ]
    state["layers.0.up_proj.lora_B.weight"] = state["layers.0.up_proj.lora_B.weight"] * np.nan
    assert rk.audit(state, config=config, modules="layers.0.up_proj").columns["status"] != ["ok"]
    assert rk.audit(state, config=config, modules=["q_proj"]).columns["status"] == ["ok", "ok"]
    with pytest.raises(ValueError, match="names no module of the adapter; there are layers.0.q_proj"):
        rk.audit(state, config=config, modules=["k_proj"])
    with pytest.raises(ValueError, match="modules must be a regular expression"):
        rk.audit(state, config=config, modules="(")


def test_the_weights_of_modules_that_are_not_chosen_are_not_read():
    read = []

    class Noting(dict):
        def __getitem__(self, key):
            read.append(key)
            return super().__getitem__(key)

    state = {
        f"{name}.lora_{factor}.weight": np.ones(shape)
        for name in ("q", "up")
        for factor, shape in (("A", (2, 6)), ("B", (5, 2)))
    }
    base = Noting({"q.weight": np.eye(5, 6), "up.weight": np.eye(5, 6)})
    rk.audit(state, modules=["up"], base=base)
    chosen = set(read)
    read.clear()
    rk.audit(state, base=base)
    assert set(read) - chosen == {"q.weight"}


def test_another_rule_is_noted_as_a_whole_phrase():
    state = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
    notes = rk.audit(state, rule=rk.rules.Sine(1.0)).columns["note"]
    assert "measured under the rule sine in place of its own rule and scale" in notes[0]
