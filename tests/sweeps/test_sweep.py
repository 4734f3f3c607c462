"""The frequency-rank curve: its story, its columns, and that it repeats bit for bit."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rankkit as rk
from rankkit.cli.main import main
from rankkit.initializers import KaimingUniform, Normal, PrescribedSpectrum

SMALL = {"omegas": [0.01, 3.0, 300.0], "seeds": 3}


@pytest.fixture(scope="module")
def small():
    return rk.sweep_frequency(48, 2, **SMALL)


def test_one_row_per_seed_and_omega_with_its_setting(small):
    table = small.table
    assert list(table)[:9] == ["d", "n", "r", "omega", "c", "omega_std", "seed", "dtype", "rtol"]
    assert table[["seed", "omega"]].to_numpy().tolist() == [[s, w] for s in range(3) for w in SMALL["omegas"]]
    assert set(table["dtype"]) == {"float64"}
    assert set(table["rtol"]) == {48 * 2.0**-23}


def test_c_and_omega_std_are_what_they_say(small):
    row = small.table.iloc[4]
    f = KaimingUniform()(48, 48, 2, seed=int(row["seed"]))
    assert row["c"] == pytest.approx(row["omega"] * math.sqrt(6 / 2) * math.sqrt(6 / 48), rel=1e-12)
    assert row["omega_std"] == pytest.approx(row["omega"] * np.std(f.B @ f.A), rel=1e-9)
    normal = rk.sweep_frequency(9, 2, omegas=[2.0], seeds=1, initializer=Normal(0.5, 3.0)).table
    assert normal["c"].item() == pytest.approx(3.0)
    prescribed = rk.sweep_frequency(9, 2, omegas=[2.0], seeds=1, initializer=PrescribedSpectrum((2.0, 1.0))).table
    assert math.isnan(prescribed["c"].item())


def test_every_number_is_what_a_plain_loop_finds(small):
    for _, row in small.table.iterrows():
        f = KaimingUniform()(48, 48, 2, seed=int(row["seed"]))
        sigma = np.linalg.svd(np.sin(row["omega"] * (f.B @ f.A)) / math.sqrt(48), compute_uv=False)
        assert row["numerical_rank"] == np.sum(sigma > row["rtol"] * sigma[0])
        assert row["numerical_rank_lower"] == row["numerical_rank_upper"] == row["numerical_rank"]
        assert row["stable_rank"] == pytest.approx(np.sum(sigma**2) / sigma[0] ** 2, rel=4e-9)


@pytest.mark.parametrize("r", [1, 2, 3])
def test_the_default_grid_tells_the_whole_story(r):
    """Rank r at the smallest frequency, full rank at the largest, a staircase and a growth between."""
    curve = rk.sweep_frequency(48, r, seeds=2).summary()["numerical_rank_mean"].to_numpy()
    assert curve[0] == r
    assert curve[-1] > 46
    steps = np.diff(curve)
    assert np.sum(steps == 0) >= 5
    assert np.sum(steps > 0) >= 12


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("chunk", [1, 8, 100])
def test_the_same_bits_in_any_chunking_and_number_of_threads(small, n_jobs, chunk):
    again = rk.sweep_frequency(48, 2, n_jobs=n_jobs, chunk=chunk, **SMALL)
    pd.testing.assert_frame_equal(again.table, small.table, check_exact=True)


def test_seeds_are_streams_of_their_own(small):
    one = rk.sweep_frequency(48, 2, omegas=SMALL["omegas"], seeds=[2])
    rows = small.table[small.table["seed"] == 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.table, rows, check_exact=True)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_torch_finds_the_same_integers(small, device):
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    there = rk.sweep_frequency(48, 2, device=device, **SMALL).table
    np.testing.assert_array_equal(there["numerical_rank"], small.table["numerical_rank"])
    np.testing.assert_allclose(there["stable_rank"], small.table["stable_rank"], rtol=1e-12)


def test_metrics_that_need_no_tail_take_the_krylov_road(small):
    top = rk.sweep_frequency(48, 2, metrics=["stable_rank", "spectral_norm"], **SMALL).table
    np.testing.assert_allclose(top["stable_rank"], small.table["stable_rank"], rtol=1e-7)
    assert "numerical_rank" not in top


def test_float32_is_formed_in_float32_and_flagged_where_it_drowns():
    table = rk.sweep_frequency(48, 2, omegas=[0.001, 1.0], seeds=1, dtype="float32", rtol=1e-9).table
    assert math.isnan(table["numerical_rank"][0])
    assert table["numerical_rank_lower"][0] == 2
    assert table["numerical_rank_upper"][0] == 48


def test_other_rules_are_callables_of_omega():
    relu = rk.sweep_frequency(32, 1, omegas=[1.0, 5.0], seeds=1, rule=lambda w: rk.rules.Activation("relu", omega=w))
    assert relu.table["numerical_rank"].tolist() == [2, 2]  # (B A)_+ of rank one: two sign classes
    linear = rk.sweep_frequency(32, 3, omegas=[1.0], seeds=2, rule=rk.rules.Linear)
    assert linear.table["numerical_rank"].tolist() == [3, 3]


def test_summary_averages_over_the_seeds(small):
    summary, table = small.summary(), small.table
    one = table[table["omega"] == 3.0]["stable_rank"]
    row = summary[summary["omega"] == 3.0].iloc[0]
    assert row["stable_rank_mean"] == pytest.approx(one.mean())
    assert row["stable_rank_std"] == pytest.approx(one.std())
    assert row["stable_rank_q50"] == pytest.approx(one.median())
    assert row["stable_rank_count"] == 3


def test_save_and_load_keep_every_bit(small, tmp_path):
    back = rk.Sweep.load(small.save(tmp_path / "run"))
    pd.testing.assert_frame_equal(back.table, small.table, check_exact=True)
    assert back.arguments == small.arguments
    about = json.loads((tmp_path / "run" / "sweep.json").read_text())
    assert about["platform"]["rankkit"] == rk.__version__


def test_the_table_alone_goes_into_a_file(small, tmp_path):
    pytest.importorskip("pyarrow")
    file = small.save(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(pd.read_csv(file), small.table, rtol=1e-15)
    for file in (small.save(tmp_path / "table.parquet"), small.to_parquet(tmp_path / "any name")):
        pd.testing.assert_frame_equal(pd.read_parquet(file), small.table, check_exact=True)
    with pytest.raises(ValueError, match="the folder .*absent does not exist; make it first"):
        small.save(tmp_path / "absent" / "table.csv")
    folder = tmp_path / "a folder.csv"
    folder.mkdir()
    assert rk.Sweep.load(small.save(folder)).arguments == small.arguments


def test_a_folder_with_other_files_is_never_written_into(small, tmp_path, capsys):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"")
    said = "adapter holds adapter_config.json and more, and no sweep; name a new or empty folder."
    with pytest.raises(ValueError, match=said):
        small.save(folder)
    with pytest.raises(ValueError, match=said):
        rk.sweep_frequency(8, 1, omegas=[1.0], store=folder, progress=False)
    for option in ("--save", "--store"):
        assert main(["sweep", "--d", "8", "--r", "1", "--omegas", "1", option, str(folder), "--no-progress"]) == 2
        shown = capsys.readouterr()
        assert said in shown.err
        assert shown.out == ""
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(ValueError, match="adapter_config.json is a file; name a new or empty folder"):
        small.save(folder / "adapter_config.json")
    again = tmp_path / "again"
    assert small.save(again) == small.save(again) == again  # one's own may be replaced


@pytest.mark.parametrize("name", ["x.xlsx", "x.json", "x.CSV", "x.npz", "x.html", "x.pkl", "x.png", "x.tsv", "x.parq"])
def test_a_folder_is_not_called_like_a_file(small, name, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"is called like a file; name a folder .* ends in \.csv or \.parquet\.$"):
        small.save(tmp_path / name)
    for option in ("--save", "--store"):
        words = ["sweep", "--d", "8", "--r", "1", "--omegas", "1", option, str(tmp_path / name), "--no-progress"]
        assert main(words) == 2
        assert "is called like a file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["run.1", "omega0.5", "sweep.v2", "of 28.11.2026", "plain"])
def test_a_folder_may_have_a_dot_in_its_name(small, name, tmp_path):
    assert rk.Sweep.load(small.save(tmp_path / name)).arguments == small.arguments


def test_the_store_of_a_training_is_no_place_for_a_sweep(small, tmp_path, capsys):
    rk.watch.Watch({"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}, store=tmp_path).step(0)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="and more, and no sweep; name a new or empty folder"):
        small.save(tmp_path)
    with pytest.raises(ValueError, match="store of something else than a sweep; name a sweep's store"):
        rk.Sweep.load(tmp_path)
    for option in ("--save", "--store"):
        words = ["sweep", "--d", "8", "--r", "1", "--omegas", "1", option, str(tmp_path), "--no-progress"]
        assert main(words) == 2
        assert "and no sweep; name a new or empty folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"metrics": 3}, "metrics must be a sequence of names, got 3; write"),
        (
            {"omegas": [1.0, 2.0, 1.0]},
            "omegas must hold one or more different frequencies, got 1 more than once; leave",
        ),
        ({"omegas": []}, "omegas must hold one or more different frequencies, got none; leave"),
        ({"rule": np.sin}, "rule must map omega to a rankkit.rules.Rule, got one that returns float64; pass"),
        ({"store": 3}, "store must be a path, got int; name a folder"),
        ({"store": __file__}, "is a file; name a new or empty folder"),
        ({"store": f"{__file__}/below"}, "test_sweep.py is a file; name a new or empty folder"),
        ({"d": 10**9}, "d and n must be smaller for the default tolerance, .*, got 1000000000 x 1000000000;"),
    ],
)
def test_what_cannot_be_swept_is_one_sentence(wrong, said):
    with pytest.raises((TypeError, ValueError), match=said) as error:
        rk.sweep_frequency(**{"d": 8, "r": 1, "omegas": [1.0], "seeds": 1, "progress": False} | wrong)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_a_folder_has_to_be_named(small):
    calls: list[Any] = [rk.Sweep.load, small.save]
    for call in calls:
        with pytest.raises(TypeError, match="must be a path, got None; name"):
            call(None)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_column_types_do_not_depend_on_what_is_measured(device):
    if device:
        pytest.importorskip("torch")
    asked = {"omegas": [1.0, 9.0], "seeds": [3, 1], "device": device}
    text = pd.Series(["x"], dtype="str").dtype  # object before pandas 3
    for metrics in (["numerical_rank"], ["effective_rank", "numerical_rank"], list(rk.metrics.METRICS)):
        table = rk.sweep_frequency(12, 2, metrics=metrics, **asked).table
        integers = {"d", "n", "r", "seed", "numerical_rank_lower", "numerical_rank_upper"}
        for name, dtype in table.dtypes.items():
            assert dtype == ("int64" if name in integers else text if name == "dtype" else "float64"), name


def test_numpy_integers_are_sizes_and_seeds_too(tmp_path):
    sizes: dict[str, Any] = {"d": np.int64(8), "r": np.int32(1), "seeds": np.arange(2)}
    sweep = rk.sweep_frequency(**sizes, omegas=np.array([1.0, 2.0]))
    assert rk.Sweep.load(sweep.save(tmp_path)).arguments == sweep.arguments
    count: dict[str, Any] = {"seeds": np.int64(2)}
    assert rk.sweep_frequency(8, 1, omegas=[1.0], **count).arguments["seeds"] == [0, 1]


@pytest.mark.parametrize("damage", ["absent", "not json", "lost column"])
def test_a_damaged_save_is_refused(small, tmp_path, damage):
    small.save(tmp_path)
    if damage == "absent":
        (tmp_path / "sweep.csv").unlink()
    elif damage == "not json":
        (tmp_path / "sweep.json").write_text("{")
    else:
        small.table.drop(columns="c").to_csv(tmp_path / "sweep.csv", index=False)
    with pytest.raises(ValueError, match="save"):
        rk.Sweep.load(tmp_path)


def test_progress_stays_off_what_is_no_terminal(capsys):
    rk.sweep_frequency(8, 1, omegas=[1.0], seeds=1)
    assert capsys.readouterr() == ("", "")
    rk.sweep_frequency(8, 1, omegas=[1.0], seeds=1, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "sweep d=8 r=1" in err


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"d": 0}, ValueError, "d must be an integer >= 1"),
        ({"r": 1.5}, ValueError, "r must be an integer >= 1"),
        ({"n": -3}, ValueError, "n must be an integer >= 1"),
        ({"omegas": []}, ValueError, "omegas must hold one or more"),
        (
            {"omegas": [1.0, -2.0]},
            ValueError,
            "every frequency in omegas must be a number that is finite and >= 0, got -2.0",
        ),
        ({"omegas": [math.nan]}, ValueError, "every frequency in omegas must be a number that is finite"),
        ({"omegas": [1.0, 1.0]}, ValueError, "different frequencies"),
        ({"seeds": 0}, ValueError, "seeds must be a count >= 1"),
        ({"seeds": [1, 1]}, ValueError, "different integers"),
        ({"omegas": "abc"}, TypeError, "omegas must be an iterable of numbers"),
        ({"seeds": [1.5]}, TypeError, "seeds must be a count or an iterable of integers"),
        ({"rule": "sine"}, TypeError, "rule must make a rule from omega"),
        ({"rule": rk.rules.Sine(3.0)}, TypeError, "rule must make a rule from omega"),
        ({"metrics": ["rank"]}, ValueError, "metrics must be among .*got 'rank'"),
        ({"metrics": "stable_rank"}, TypeError, "metrics must be a sequence"),
        ({"metrics": []}, ValueError, "got none"),
        ({"rtol": -1.0}, ValueError, "rtol must be a number that is finite"),
        ({"dtype": "float16"}, ValueError, "dtype must be one of"),
        ({"memory": 0.5}, ValueError, "memory must be an integer >= 1, got 0.5; leave it out"),
        ({"chunk": 0}, ValueError, "chunk must be an integer >= 1, got 0; leave it out"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be an integer >= 1, got 0; leave it out for all cores"),
        ({"device": "nowhere"}, ValueError, "device must be one that torch can use"),
        ({"initializer": "kaiming"}, TypeError, "initializer must be a rankkit.initializers law"),
        ({"rule": lambda w: np.sin}, TypeError, "rule must map omega to a rankkit.rules.Rule"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments, error, says):
    with pytest.raises(error, match=says) as caught:
        rk.sweep_frequency(**{"d": 8, "r": 2, "omegas": [1.0], "seeds": 1} | arguments)
    assert "\n" not in str(caught.value)
