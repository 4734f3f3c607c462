"""The update a module really applies: non-linear ones against dense decompositions, errors that cover, regimes."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit.audits.batches import apply_in_batches
from rankkit.audits.row import regime
from rankkit.audits.update import Applied, apply
from rankkit.checkpoints import open_adapter
from rankkit.cli.main import main
from rankkit.uncertainty import ERRORS, energy_rank_bounds
from tests.conftest import CONFIG, check_against_dense, module, row

CURVED = {
    "sine": (rk.rules.Sine(3.0, gain=2.0), lambda x: np.sin(3.0 * x) / 2),
    "sine of root rows": (rk.rules.Sine(0.7), lambda x: np.sin(0.7 * x) / np.sqrt(x.shape[0])),
    "sinter": (rk.rules.Sinter(0.1, 4.0, scale=2.0), lambda x: 2 * (x + 0.1 * x * np.sin(4 * x))),
    "tanh": (rk.rules.Activation("tanh"), np.tanh),
    "sinc": (rk.rules.SincBasis([0.5, -1.0], grid=[-1.0, 1.0]), lambda x: 0.5 * np.sinc(x + 1) - np.sinc(x - 1)),
}


def product(state, name):
    key = f"base_model.model.{name}.lora_"
    return state[f"{key}B.weight"].astype(float) @ state[f"{key}A.weight"].astype(float)


@pytest.mark.parametrize("name", CURVED)
def test_another_rule_is_its_dense_update(name):
    rule, phi = CURVED[name]
    state = module("layers.3.q_proj", 60, 45, 3)
    report = rk.audit(state, config=CONFIG, rule=rule)
    got, delta = row(report, "layers.3.q_proj"), phi(product(state, "layers.3.q_proj"))
    check_against_dense(got, delta)
    sigma = np.linalg.svd(delta, compute_uv=False)
    np.testing.assert_allclose(report.spectra["layers.3.q_proj"], sigma, rtol=0, atol=1e-8 * sigma[0])
    plain = np.linalg.svd(product(state, "layers.3.q_proj"), compute_uv=False)
    assert got["plain_stable_rank"] == pytest.approx(np.sum(plain**2) / plain[0] ** 2, rel=1e-10)
    assert "own rule and scale" in got["note"]


@pytest.mark.parametrize("omega", [0.02, 0.6, 3.0])
def test_a_large_update_is_not_decomposed_and_its_errors_cover(omega):
    state = module("layers.0.up_proj", 1200, 1000, 4)
    rule = rk.rules.Sine(omega)
    fast = row(rk.audit(state, config=CONFIG, rule=rule, rtol=1e-3), "layers.0.up_proj")
    report = rk.audit(state, config=CONFIG, rule=rule, rtol=1e-3, exact=True)
    exact = row(report, "layers.0.up_proj")
    for name in ("spectral_norm", "stable_rank", "effective_rank", "effective_rank_energy"):
        assert abs(fast[name] - exact[name]) <= fast[f"{name}_error"] + exact[f"{name}_error"]
        assert fast[f"{name}_error"] < 0.06 * exact[name]
    assert fast["stable_rank_error"] < 1e-6 * exact["stable_rank"]
    for name in ("numerical_rank", "energy_rank_90", "energy_rank_95", "energy_rank_99"):
        assert fast[name] == exact[name]
    assert fast["numerical_rank_lower"] == fast["numerical_rank_upper"] == exact["numerical_rank"]


@pytest.mark.parametrize("omega", [0.01, 1.0])
def test_every_value_is_within_its_error_of_the_svd(omega):
    rng = np.random.default_rng(0)
    S = rk.rules.Sine(omega)(rk.Factors(rng.standard_normal((400, 3)), rng.standard_normal((3, 300))))
    for tol in (1e-4, 1e-3):
        cheap, full = rk.spectrum_of(S, tol=tol), rk.spectrum_of(S)
        assert cheap.complete
        assert np.all(np.abs(cheap.values - full.values) <= cheap.error + full.error)
        assert cheap.error.max() <= tol * full.values[0]
    with pytest.raises(ValueError, match="tol must lie in"):
        rk.spectrum_of(S, tol=0.1)


@given(
    st.lists(st.floats(0, 10), min_size=2, max_size=9).filter(lambda x: max(x) > 0.1),
    st.floats(0, 1e-2),
    st.integers(0, 10**6),
)
def test_no_metric_moves_further_than_its_error(values, floor, seed):
    values = np.sort(values)[::-1]
    moved = values + np.random.default_rng(seed).choice([-1, -0.5, 0, 1], values.size) * floor
    q = values.size
    seen = rk.Spectrum(values, (q, q), complete=True, energy=np.sum(values**2), noise_floor=floor)
    moved = np.sort(np.abs(moved))[::-1]
    true = rk.Spectrum(moved, (q, q), complete=True, energy=np.sum(moved**2), noise_floor=0.0)
    for name, error in ERRORS.items():
        metric = getattr(rk.metrics, name)
        assert abs(metric(seen) - metric(true)) <= error(seen) * (1 + 1e-9) + 1e-9, name
    for fraction in (0.9, 0.99):
        least, most = energy_rank_bounds(seen, fraction)
        assert least <= rk.metrics.energy_rank(seen, fraction) <= most


def test_an_error_is_of_the_size_of_what_happens():
    """A bound of infinity would cover everything."""
    values = np.geomspace(1, 1e-2, 30)
    floor = 1e-6
    seen = rk.Spectrum(values, (30, 30), complete=True, energy=np.sum(values**2), noise_floor=floor)
    up = rk.Spectrum(values + floor * np.linspace(-1, 1, 30)[::-1], (30, 30), complete=True, energy=np.sum(values**2), noise_floor=0)  # fmt: skip
    for name, error in ERRORS.items():
        metric = getattr(rk.metrics, name)
        assert 0 < abs(metric(seen) - metric(up)) <= error(seen) < 1e-3 * metric(seen)
    tie = rk.Spectrum(np.ones(10), (10, 10), complete=True, energy=10.0, noise_floor=1e-9)
    assert energy_rank_bounds(tie, 0.9) == (9, 10)


def test_the_regime_follows_the_stable_rank():
    state = module("layers.0.q_proj", 300, 280, 8)
    random = rk.spectrum_of(np.random.default_rng(0).standard_normal((300, 280)))
    most, spread = float(rk.metrics.stable_rank(random)), product(state, "layers.0.q_proj").std()
    seen = []
    for asked in np.geomspace(0.05, 20, 12):
        got = row(rk.audit(state, config=CONFIG, rule=rk.rules.Sine(asked / spread)), "layers.0.q_proj")
        assert got["omega_std"] == pytest.approx(asked, rel=1e-6)
        growth = got["stable_rank"] / got["plain_stable_rank"]
        assert (got["regime"] == "linear") == (growth < 1.1)
        assert got["regime"] != "saturated" or got["stable_rank"] > 0.85 * most
        seen.append(got["regime"])
    assert list(dict.fromkeys(seen)) == ["linear", "growing", "saturated"]
    plain = row(rk.audit(state, config=CONFIG), "layers.0.q_proj")
    assert plain["regime"] == "linear"
    assert math.isnan(plain["omega_std"])
    assert plain["plain_stable_rank"] == plain["stable_rank"]
    sigmoid = row(rk.audit(state, config=CONFIG, rule=rk.rules.Activation("relu")), "layers.0.q_proj")
    assert sigmoid["regime"] == ""


def test_a_stored_sine_says_where_it_is():
    state = module("layers.0.q_proj", 64, 64, 2)
    config = CONFIG | {"use_sinelora": True, "sinelora_frequency": 3000.0, "sinelora_scaling": 8.0}
    got = row(rk.audit(state, config=config), "layers.0.q_proj")
    assert (got["rule"], got["regime"]) == ("sine", "saturated")
    assert got["stable_rank"] > 4 * got["plain_stable_rank"]


def test_a_probe_is_the_audit_at_every_frequency():
    state = module("layers.0.q_proj", 90, 80, 3) | module("layers.1.mlp.up", 70, 110, 3, seed=1)
    omegas = [0.0, 0.3, 5.0]
    table = rk.probe_frequencies(state, omegas, config=CONFIG).table
    assert table["module"].tolist() == ["layers.0.q_proj"] * 3 + ["layers.1.mlp.up"] * 3
    for _, got in table.iterrows():
        asked = row(rk.audit(state, config=CONFIG, rule=rk.rules.Sine(got["omega"])), got["module"])
        assert got["status"] == asked["status"]
        for name in ("stable_rank", "frobenius_norm", "spectral_norm", "omega_std"):
            assert got[name] == pytest.approx(asked[name], rel=1e-8, nan_ok=True)
    assert table["status"].tolist() == ["zero", "ok", "ok"] * 2
    own = rk.probe_frequencies(state, config=CONFIG, rule=rk.rules.Sine)
    first = own.table.groupby("module")["omega_std"].agg(["min", "max"])
    np.testing.assert_allclose(first, [[0.01, 10]] * 2)
    assert own.plot().get_xscale() == "log"
    with pytest.raises(ValueError, match="omegas must be"):
        rk.probe_frequencies(state, [-1.0], config=CONFIG)
    with pytest.raises(TypeError, match=r"rule must make a rule from omega, got the rule Sine\(omega=3.0"):
        rk.probe_frequencies(state, config=CONFIG, rule=rk.rules.Sine(3.0))  # pyright: ignore[reportArgumentType]


def test_a_dead_module_costs_the_probe_no_row(tmp_path):
    state = module("layers.0.q_proj") | module("layers.1.q_proj", seed=1)
    state["base_model.model.layers.0.q_proj.lora_B.weight"][:] = 0
    probe = rk.probe_frequencies(state, config=CONFIG)
    assert probe.table.groupby("module")["status"].agg(["first", "size"]).to_numpy().tolist() == [
        ["zero", 1],
        ["ok", 25],
    ]
    assert probe.save(tmp_path / "p.csv").read_text().count("\n") == 27


def test_the_command_line_asks_what_if(capsys):
    assert main(["audit", "--sample", "--as", "sine", "--omega", "10000", "--format", "csv", "--no-progress"]) == 0
    assert "saturated" in capsys.readouterr().out
    assert main(["audit", "--sample", "--omegas", "1,10000", "--no-progress"]) == 0
    assert capsys.readouterr().out.count("saturated") > 10
    for words in (["--as", "sine"], ["--omega", "3"], ["--omegas", "1,2", "--spectra", "x.npz"]):
        assert main(["audit", "--sample", "--no-progress", *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("memory", [None, 1])
def test_a_torch_device_gives_the_same_rows_in_batches(memory):
    """Two shapes, two rules, one module that is dead and one with NaN: what shares a batch must not share trouble."""
    state = {}
    for i in range(6):
        state |= module(f"layers.{i}.q_proj", 40, 30 + 5 * (i % 2), 3, seed=i)
    state["base_model.model.layers.2.q_proj.lora_B.weight"][:] = 0
    state["base_model.model.layers.4.q_proj.lora_A.weight"][0, 0] = np.nan
    rule = rk.rules.Sine(2.0)
    plain = rk.audit(state, config=CONFIG, rule=rule)
    there = rk.audit(state, config=CONFIG, rule=rule, device="cpu", memory=memory)
    assert there.columns["module"] == plain.columns["module"]
    assert there.columns["status"] == plain.columns["status"] == ["ok", "ok", "zero", "ok", "nonfinite", "ok"]
    for name in ("stable_rank", "effective_rank", "numerical_rank", "frobenius_norm", "plain_stable_rank", "omega_std"):
        np.testing.assert_allclose(there.columns[name], plain.columns[name], rtol=1e-10)
    assert there.coverage == plain.coverage
    np.testing.assert_allclose(
        rk.probe_frequencies(state, [2.0], config=CONFIG, device="cpu").columns["stable_rank"],
        plain.columns["stable_rank"],
        rtol=1e-8,
    )


def test_modules_of_one_shape_under_several_rules_keep_their_own():
    """A batch has one rule: modules that differ in nothing else must not share one."""
    state = {}
    for i in range(4):
        state |= module(f"layers.{i}.q_proj", 40, 30, 3, seed=0)
    omegas = [0.5, 2.0, 8.0, 2.0]
    layers = [
        dataclasses.replace(layer, rule=rk.rules.Sine(omega))
        for layer, omega in zip(open_adapter(state, config=CONFIG).layers, omegas, strict=True)
    ]
    found = {layer.name: applied for layer, applied in apply_in_batches(layers, None, device="cpu")}
    for layer, omega in zip(layers, omegas, strict=True):
        alone, together = apply(layer, None).spectrum, found[layer.name].spectrum
        assert alone is not None
        assert together is not None
        np.testing.assert_allclose(together.values, alone.values, rtol=1e-9, atol=1e-12)
        assert found[layer.name].rule == rk.rules.Sine(omega)


def test_only_a_sine_saturates():
    """Sinter's linear part stays: a stable rank near the random matrix's is no limit of its frequency curve."""
    noise = rk.spectrum_of(np.random.default_rng(0).standard_normal((60, 60)))
    plain = rk.spectrum_of(rk.initializers.KaimingUniform()(60, 60, 2, seed=0))
    rules = (rk.rules.Sine(9.0), rk.rules.Sinter(0.1, 9.0))
    assert [regime(Applied("ok", (), rule, noise, plain)) for rule in rules] == ["saturated", "growing"]


def test_a_device_out_of_memory_gets_half(monkeypatch):
    from rankkit.audits import batches

    state = {}
    for i in range(5):
        state |= module(f"layers.{i}.q_proj", 20, 18, 3, seed=i)
    spectra, sizes = batches._spectra, []

    class OutOfMemoryError(RuntimeError):
        """As torch names its own."""

    def narrow(batch, *args, **more):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise OutOfMemoryError
        return spectra(batch, *args, **more)

    monkeypatch.setattr(batches, "_spectra", narrow)
    report = rk.audit(state, config=CONFIG, rule=rk.rules.Sine(2.0), device="cpu")
    assert sizes[0] == 5
    assert max(sizes[1:]) <= 3
    assert report.columns["status"] == ["ok"] * 5
    np.testing.assert_allclose(
        report.columns["stable_rank"], rk.audit(state, config=CONFIG, rule=rk.rules.Sine(2.0)).columns["stable_rank"]
    )


def test_a_size_that_was_too_large_is_not_tried_again(monkeypatch):
    """Of one shape and rule batches stay as small as they had to become; those of another are as large as before."""
    from rankkit.audits import batches

    state, spectra, sizes = {}, batches._spectra, []
    for i in range(24):
        state |= module(f"layers.{i}.q_proj", 20, 18, 3, seed=i) | module(f"layers.{i}.up", 20, 16, 3, seed=i)
    key = "base_model.model.layers.20.up.lora_A.weight"
    state[key][0, 0] = np.nan

    class OutOfMemoryError(RuntimeError):
        """As torch names its own."""

    def narrow(batch, *args, **more):
        shape = batch[0].opened.product.shape
        sizes.append((shape, len(batch)))
        if shape == (20, 18) and len(batch) > 3:
            raise OutOfMemoryError
        return spectra(batch, *args, **more)

    monkeypatch.setattr(batches, "_spectra", narrow)
    memory = 6 * 8 * batches.COPIES * 20 * 18
    rule = rk.rules.Sine(2.0)
    report = rk.audit(state, config=CONFIG, rule=rule, device="cpu", memory=memory)
    assert [size for shape, size in sizes if shape == (20, 18)] == [6, *[3] * 8]
    assert max(size for shape, size in sizes if shape == (20, 16)) == 6
    assert report.columns["status"].count("ok") == 47
    plain = rk.audit(state, config=CONFIG, rule=rule)
    np.testing.assert_allclose(report.columns["stable_rank"], plain.columns["stable_rank"], rtol=1e-10)
    with pytest.raises(ValueError, match="memory needs device"):
        rk.audit(state, config=CONFIG, rule=rule, memory=memory)
    with pytest.raises(ValueError, match="memory must be an integer >= 1"):
        rk.audit(state, config=CONFIG, rule=rule, device="cpu", memory=0)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_probe_reads_each_tensor_once(device):
    reads = []

    class Counted(dict):
        def __getitem__(self, key):
            reads.append(key)
            return super().__getitem__(key)

    state = Counted(module("layers.0.q_proj") | module("layers.1.mlp.up", seed=1))
    rk.audit(state, config=CONFIG)
    once = sorted(reads)
    reads.clear()
    table = rk.probe_frequencies(state, config=CONFIG, device=device).table
    assert len(table) == 50
    assert sorted(reads) == once


@pytest.mark.parametrize(
    ("omegas", "says"),
    [
        ([], "at least one frequency"),
        ([1.0, math.inf], "omegas must be a number that is finite and >= 0"),
        (["a"], "omegas"),
    ],
)
def test_frequencies_that_are_none_are_refused(omegas, says):
    with pytest.raises(ValueError, match=says):
        rk.probe_frequencies(module("q"), omegas, config=CONFIG)


def test_a_number_is_no_list_and_a_rule_no_function_of_omega():
    wrong: Any = 3
    with pytest.raises(TypeError, match="omegas must be an iterable of numbers, got 3; use for instance"):
        rk.probe_frequencies(module("q"), wrong, config=CONFIG)
    with pytest.raises(TypeError, match="modules must be a regular expression or a list of names, got 3"):
        rk.audit(module("q"), modules=wrong, config=CONFIG)
    wrong = rk.rules.Sine(3)
    with pytest.raises(TypeError, match="rule must make a rule from omega, got the rule Sine"):
        rk.probe_frequencies(module("q"), [1.0], rule=wrong, config=CONFIG)
    with pytest.raises(TypeError, match="a rule takes rankkit.Factors.B, A., got ndarray"):
        wrong(np.eye(3))


@pytest.mark.gpu
def test_a_gpu_gives_the_same_rows():
    state = module("layers.0.q_proj", 300, 280, 4) | module("layers.1.q_proj", 300, 280, 4, seed=1)
    rule = rk.rules.Sine(2.0)
    there, here = (rk.audit(state, config=CONFIG, rule=rule, device=device) for device in ("cuda", None))
    assert there.columns["numerical_rank"] == here.columns["numerical_rank"]
    np.testing.assert_allclose(there.columns["effective_rank"], here.columns["effective_rank"], rtol=1e-9)
