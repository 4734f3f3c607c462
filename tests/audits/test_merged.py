"""Whether an adapter is in a merged model: clean merges raise no alarm, and planted faults are found and named."""

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.audits.rounding import half_gaps, rounded
from rankkit.cli.main import main
from tests.conftest import save

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
LAYERS, SIDE, RANK = 32, 24, 4
KINDS = {
    "q_proj": (SIDE, SIDE), "k_proj": (8, SIDE), "v_proj": (8, SIDE), "o_proj": (SIDE, SIDE),
    "gate_proj": (40, SIDE), "up_proj": (40, SIDE), "down_proj": (SIDE, 40),
}  # fmt: skip


def planted(dtype, faults, *, size=0.02, seed=0):
    """Return (merged, base, adapter) of 224 modules, where `faults` maps a module to what W becomes from W and D."""
    draw = np.random.default_rng(seed)
    merged, base, adapter = {}, {}, {}
    for layer in range(LAYERS):
        for kind, (m, n) in KINDS.items():
            name = f"model.layers.{layer}.{kind}"
            W = rounded(draw.normal(size=(m, n)) * 0.05, dtype)
            B, A = draw.normal(size=(m, RANK)).astype("f4"), draw.normal(size=(RANK, n)).astype("f4") * np.float32(size)
            D = 2 * (B.astype("f8") @ A)
            V = faults.get(name, lambda W, D: W + D)(W, D)
            base[f"{name}.weight"], merged[f"{name}.weight"] = W, rounded(V, dtype)
            adapter[f"base_model.model.{name}.lora_A.weight"], adapter[f"base_model.model.{name}.lora_B.weight"] = A, B
    as_stored = {name: torch.tensor(W).to(DTYPES[dtype]) for name, W in base.items()}
    return {name: torch.tensor(V).to(DTYPES[dtype]) for name, V in merged.items()}, as_stored, adapter


def audited(merged, base, adapter, **config):
    config = {"r": RANK, "lora_alpha": 2 * RANK, **config}
    return rk.audit_merged(merged, base=base, adapter=adapter, config=config)


def verdicts(found):
    return dict(zip(found.columns["module"], found.columns["verdict"], strict=True))


def row(found, module):
    i = found.columns["module"].index(module)
    return {name: values[i] for name, values in found.columns.items()}


FAULTS = {
    "model.layers.1.q_proj": lambda W, D: W + 0.5 * D,
    "model.layers.2.k_proj": lambda W, D: W + 0.99 * D,
    "model.layers.3.v_proj": lambda W, D: W + 1.01 * D,
    "model.layers.4.up_proj": lambda W, D: W + 2 * D,
    "model.layers.5.down_proj": lambda W, D: W,
    "model.layers.6.o_proj": lambda W, D: W + D.T,
    "model.layers.7.gate_proj": lambda W, D: W + np.random.default_rng(9).permutation(D),
    "model.layers.8.q_proj": lambda W, D: W + D / np.sqrt(RANK),
}
EXPECTED = {
    "model.layers.5.down_proj": "not applied",
    "model.layers.6.o_proj": "applied to something else",
    "model.layers.7.gate_proj": "applied to something else",
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_planted_faults_are_found_and_nothing_else(dtype):
    found = audited(*planted(dtype, FAULTS))
    assert len(found.columns["module"]) == 224
    for module, verdict in verdicts(found).items():
        expected = "applied at another strength" if module in FAULTS else "applied"
        assert verdict == EXPECTED.get(module, expected), row(found, module)
    for module, strength in {"1.q_proj": 0.5, "2.k_proj": 0.99, "3.v_proj": 1.01, "4.up_proj": 2}.items():
        told = row(found, f"model.layers.{module}")
        assert told["strength_lower"] <= told["strength"] <= told["strength_upper"]
        assert told["strength_lower"] - 1e-9 <= strength <= told["strength_upper"] + 1e-9
    assert "transpose" in row(found, "model.layers.6.o_proj")["note"]
    assert "half" in row(found, "model.layers.1.q_proj")["note"]
    assert "alpha / sqrt(r)" in row(found, "model.layers.8.q_proj")["note"]
    assert found.exit_status == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("strength", [-8, -1, 2, 16, 1000])
def test_a_strength_far_from_one_is_found_as_well(dtype, strength):
    """What float32 does to the update grows with the strength at which it was added."""
    draw = np.random.default_rng(0)
    W = torch.tensor(draw.normal(size=(96, 64)) * 0.05).to(DTYPES[dtype])
    B, A = draw.normal(size=(96, 64)).astype("f4"), draw.normal(size=(64, 64)).astype("f4") * np.float32(0.02)
    V = (W.float() + strength * 2 * (torch.tensor(B) @ torch.tensor(A))).to(DTYPES[dtype])
    adapter = {"q.lora_A.weight": A, "q.lora_B.weight": B}
    found = audited({"q.weight": V}, {"q.weight": W}, adapter, r=64, lora_alpha=128)
    assert found.columns["verdict"] == ["applied at another strength"]
    assert found.columns["strength"] == pytest.approx([strength], rel=1e-4)


def test_another_modules_update_is_named():
    merged, base, adapter = planted("BF16", {})
    one, two = (f"model.layers.{i}.up_proj.weight" for i in (3, 4))
    D = merged[two].double() - base[two].double()
    merged[one] = (base[one].double() + D).bfloat16()
    found = audited(merged, base, adapter)
    told = row(found, "model.layers.3.up_proj")
    assert told["verdict"] == "applied to something else"
    assert "the update of model.layers.4.up_proj" in told["note"]
    assert told["unexplained"] > 0.5


@pytest.mark.parametrize("size", [1e-4, 1e-5, 1e-10])
def test_where_rounding_hides_the_strength_that_is_said(size):
    """In bf16 a small update leaves an interval: whatever is in it cannot be told from 1, and 1.01 never goes wrong."""
    faults = {"model.layers.3.v_proj": lambda W, D: W + 1.01 * D, "model.layers.5.q_proj": lambda W, D: W}
    found = audited(*planted("BF16", faults, size=size))
    for module in verdicts(found):
        told, truth = row(found, module), 1.0
        truth = {"model.layers.3.v_proj": 1.01, "model.layers.5.q_proj": 0.0}.get(module, 1.0)
        assert told["strength_lower"] <= truth <= told["strength_upper"]
        if truth == 1:
            assert told["verdict"] in ("applied", "could not check")
    if size == 1e-10:
        assert set(verdicts(found).values()) == {"could not check"}
        assert found.exit_status == 4
        assert "rounding" in found.columns["note"][0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("strength", [1.0, 1.01, 0.5])
def test_the_interval_is_that_of_all_entries_and_no_wider(dtype, size, strength):
    """An entry allows s if |V - W - s D| <= h + e; the interval of all of them is met from both sides, e once and twice."""
    faults = {f"model.layers.{i}.up_proj": lambda W, D: W + strength * D for i in range(LAYERS)}
    merged, base, adapter = planted(dtype, faults, size=size, seed=5)
    found = audited(merged, base, adapter)
    rows = [row(found, module) for module in list(faults)[:8]]
    once = [told for told in rows if told["arithmetic"] == "rounded once"]
    assert once
    for told in once:
        module = told["module"]
        prefix = f"base_model.model.{module}"
        B, A = (adapter[f"{prefix}.lora_{part}.weight"].astype("f8") for part in "BA")
        D = 2 * B @ A
        W, V = (x[f"{module}.weight"].double().numpy() for x in (base, merged))
        peak = 2 * np.linalg.norm(B, axis=1).max() * np.linalg.norm(A, axis=0).max()
        e = 2 * (RANK + 8) * 2.0**-24 * peak
        h = half_gaps(V, dtype)
        ends = [
            (np.max((V - W) / D - reach), np.min((V - W) / D + reach))
            for reach in ((h + times * e) / np.abs(D) for times in (0.5, 1.5))
        ]
        (least, most), (lowest, highest) = ends
        assert lowest <= told["strength_lower"] <= least
        assert most <= told["strength_upper"] <= highest


def test_threads_and_blocks_change_no_result(monkeypatch):
    """Entries that decide nothing are passed over; what is left decides as all of them would."""
    from rankkit.audits import strength

    merged, base, adapter = planted("BF16", FAULTS, size=1e-3)
    config = {"r": RANK, "lora_alpha": 2 * RANK}
    one = rk.audit_merged(merged, base=base, adapter=adapter, config=config, n_jobs=1)
    monkeypatch.setattr(strength, "BLOCK", 1 << 6)
    two = rk.audit_merged(merged, base=base, adapter=adapter, config=config, n_jobs=3)
    monkeypatch.setattr(strength, "_deciding", lambda *_: slice(None))
    every = rk.audit_merged(merged, base=base, adapter=adapter, config=config, n_jobs=1)
    for name, values in one.columns.items():
        for other in (two, every):
            exact = name not in ("strength", "strength_lower", "strength_upper", "unexplained")
            assert other.columns[name] == (values if exact else pytest.approx(values, rel=1e-5, abs=1e-6, nan_ok=True))


def test_it_is_said_where_rounding_hides_one_per_cent():
    found = audited(*planted("BF16", {}, size=2e-5))
    lower, upper = (np.array(found.columns[f"strength_{end}"]) for end in ("lower", "upper"))
    hidden = int(np.sum((lower <= 0.99) | (upper >= 1.01)))
    assert 0 < hidden < 224
    assert f"(in {hidden} of them rounding allows 0.99 or 1.01 as well)" in found.coverage
    assert "rounding allows" not in audited(*planted("F32", {})).coverage


def test_a_name_that_a_strict_loader_would_miss_is_said():
    merged, base, adapter = planted("F32", {})
    renamed = {name.replace("model.", "model.language_model.", 1): V for name, V in merged.items()}
    found = audited(renamed, base, adapter)
    assert found.exit_status == 0
    assert "224 modules are called otherwise in the merged model: a loader" in found.coverage


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (lambda W, D: W + D, 0, "1 of 1 module applied"),
        (lambda W, D: W + 1.01 * D, 3, "another strength"),
        (None, 4, "could"),
    ],
)
def test_the_exit_status_of_the_command(change, status, said, tmp_path, capsys):
    draw = np.random.default_rng(0)
    W, B, A = (draw.normal(size=size).astype("f4") for size in ((12, 10), (12, 2), (2, 10)))
    model = {"layers.0.q_proj.weight": W}
    after = {"layers.0.q_proj.weight": change(W, B @ A).astype("f4")} if change else {"layers.0.k_proj.weight": W}
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 2}
    adapter = save(
        tmp_path / "adapter", {f"layers.0.q_proj.lora_{p}.weight": x for p, x in zip("AB", (A, B), strict=True)}, config
    )
    files = [tmp_path / "base.safetensors", tmp_path / "merged.safetensors"]
    for file, state in zip(files, (model, after), strict=True):
        save_file(state, file)
    words = [
        "audit",
        str(adapter),
        "--base",
        str(files[0]),
        "--merged",
        str(files[1]),
        "--no-progress",
        "--format",
        "json",
    ]
    assert main(words) == status
    told = capsys.readouterr()
    assert said in told.err
    assert json.loads(told.out)[0]["module"] == "layers.0.q_proj"


@pytest.mark.parametrize(
    "other", [{"layers.0.k_proj.weight": np.ones((12, 10), "f4")}, {"layers.0.q_proj.weight": np.ones((12, 9), "f4")}]
)
@pytest.mark.parametrize("merged", [True, False])
def test_a_base_of_another_model_is_a_mistake_with_and_without_a_merged_model(other, merged, tmp_path, capsys):
    draw = np.random.default_rng(0)
    state = {
        f"layers.0.q_proj.lora_{p}.weight": draw.normal(size=size).astype("f4")
        for p, size in zip("AB", ((2, 10), (12, 2)))
    }
    adapter = save(tmp_path / "adapter", state, {"peft_type": "LORA", "r": 2, "lora_alpha": 2})
    save_file(other, tmp_path / "other.safetensors")
    words = ["audit", str(adapter), "--base", str(tmp_path / "other.safetensors"), "--no-progress"]
    save_file({"layers.0.q_proj.weight": np.ones((12, 10), "f4")}, tmp_path / "merged.safetensors")
    assert main([*words, *(["--merged", str(tmp_path / "merged.safetensors")] if merged else [])]) == 1
    told = capsys.readouterr()
    assert "gives no weight for the module layers.0.q_proj" in told.err
    assert told.err.endswith("; pass the model that this adapter was trained on.\n")
    assert not told.out


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.v_proj = torch.nn.Linear(32, 32), torch.nn.Linear(32, 16)

    def forward(self, x):
        return self.v_proj(torch.relu(self.q_proj(x)))


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(Block() for _ in range(2))
        self.layers[1].q_proj = torch.nn.Linear(16, 32)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def configured(method):
    import rankkit.adapters as methods

    targets: dict[str, Any] = {"target_modules": ["q_proj", "v_proj"]}
    return {
        "LoRA": lambda: peft.LoraConfig(r=4, lora_alpha=8, **targets),
        "rsLoRA": lambda: peft.LoraConfig(r=4, lora_alpha=8, use_rslora=True, **targets),
        "DoRA": lambda: peft.LoraConfig(r=4, lora_alpha=8, use_dora=True, **targets),
        "LoKr": lambda: peft.LoKrConfig(r=4, alpha=8, **targets),
        "LoHa": lambda: peft.LoHaConfig(r=4, alpha=8, **targets),
        "sine": lambda: methods.SineLoraConfig(r=4, omega=200.0, **targets),
        "sine DoRA": lambda: methods.SineDoraConfig(r=4, omega=200.0, **targets),
        "Sinter": lambda: methods.LoranConfig(r=4, **targets),
    }[method]()


def merged_by_peft(method, dtype, seed, folder):
    """Return (merged model in memory, state dict of the base), with the adapter saved in the folder."""
    torch.manual_seed(seed)
    model = Model().to(dtype)
    base = {name: x.clone() for name, x in model.state_dict().items()}
    adapted = peft.get_peft_model(model, configured(method))
    for name, x in adapted.named_parameters():
        if x.requires_grad and "magnitude" not in name:
            torch.nn.init.normal_(x, std=0.1)
    adapted.save_pretrained(folder)
    return adapted.merge_and_unload(), base


METHODS = ["LoRA", "rsLoRA", "DoRA", "LoKr", "LoHa", "sine", "sine DoRA", "Sinter"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", METHODS)
def test_clean_merges_by_peft_raise_no_alarm(method, dtype, tmp_path):
    for seed in range(20 if method == "LoRA" else 2):
        merged, base = merged_by_peft(method, DTYPES[dtype], seed, tmp_path / str(seed))
        found = rk.audit_merged(merged, base=base, adapter=tmp_path / str(seed))
        assert set(found.columns["verdict"]) == {"applied"}, found.table.to_string()
        assert found.exit_status == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_was_missed_or_weakened_is_found_for_every_method(method, tmp_path):
    merged, base = merged_by_peft(method, torch.float32, 3, tmp_path)
    state = dict(merged.state_dict())
    missed, weak = "layers.0.q_proj", "layers.1.v_proj"
    state[f"{missed}.weight"] = base[f"{missed}.weight"]
    W = base[f"{weak}.weight"]
    state[f"{weak}.weight"] = W + 0.99 * (state[f"{weak}.weight"] - W)
    found = rk.audit_merged(state, base=base, adapter=tmp_path)
    assert verdicts(found) == {
        missed: "not applied", "layers.0.v_proj": "applied", "layers.1.q_proj": "applied",
        weak: "applied at another strength",
    }  # fmt: skip
    assert row(found, weak)["strength"] == pytest.approx(0.99, abs=1e-4)


def test_a_model_merged_in_place_is_checked_as_it_is(tmp_path):
    torch.manual_seed(0)
    model = Model()
    base = {name: x.clone() for name, x in model.state_dict().items()}
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path)
    beside = rk.audit_merged(adapted, base=base, adapter=tmp_path)
    assert set(beside.columns["verdict"]) == {"not applied"}
    assert all("not merged into the weight" in note for note in beside.columns["note"])
    adapted.merge_adapter()
    assert set(rk.audit_merged(adapted, base=base, adapter=adapted).columns["verdict"]) == {"applied"}
    assert set(rk.audit_merged(adapted, base=base, adapter=tmp_path).columns["verdict"]) == {"applied"}


def test_an_adapter_without_one_update_could_not_be_checked(tmp_path):
    import rankkit.adapters as methods

    model = Model()
    base = {name: x.clone() for name, x in model.state_dict().items()}
    peft.get_peft_model(model, methods.AdaSineLoraConfig(r=2, target_modules=["v_proj"])).save_pretrained(tmp_path)
    found = rk.audit_merged(base, base=base, adapter=tmp_path)
    assert found.exit_status == 4
    assert not set(found.columns["verdict"]) - {"could not check", "applied"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_rounding_is_that_of_torch(dtype):
    x = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.random.default_rng(1).integers(-4, 4, size=1000)
    stored = torch.tensor(x).to(DTYPES[dtype]).double().numpy()
    assert np.array_equal(rounded(x, dtype), stored)
    assert np.all(np.abs(x - stored) <= half_gaps(stored, dtype))


def test_factors_that_do_not_fit_the_weights_dtype_cost_no_check():
    """Rounded to float16, a B of 1e6 would be infinite; its update fits."""
    W, B, A = torch.ones(6, 5).half(), np.full((6, 2), 1e6), np.full((2, 5), 1e-7)
    adapter = {"up.lora_A.weight": A, "up.lora_B.weight": B}
    config = {"r": 2, "lora_alpha": 2}
    for strength, verdict in ((1.0, "applied"), (0.5, "applied at another strength")):
        V = (W.double() + strength * torch.tensor(B @ A)).half()
        found = rk.audit_merged({"up.weight": V}, base={"up.weight": W}, adapter=adapter, config=config)
        assert found.columns["verdict"] == [verdict]
