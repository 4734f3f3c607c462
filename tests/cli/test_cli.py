"""The command line: data on stdout, the rest on stderr, and an exit status to rely on."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from rankkit.cli.main import main
from tests.conftest import CONFIG, module, save

SWEEP = ["sweep", "--d", "24", "--r", "2", "--omegas", "0.01,300", "--seeds", "2"]


@pytest.fixture
def adapter(tmp_path):
    dead = module("layers.1.mlp.up", seed=1)
    dead["base_model.model.layers.1.mlp.up.lora_B.weight"][:] = 0
    head = {"base_model.model.score.weight": np.ones((2, 3), np.float32)}
    return str(save(tmp_path / "adapter", module("layers.0.self_attn.q_proj") | dead | head))


def test_sweep_prints_a_table_and_nothing_else(capsys):
    assert main(SWEEP) == 0
    out, err = capsys.readouterr()
    head, low, high = out.splitlines()
    assert head.split()[:4] == ["omega", "c", "omega_std", "numerical_rank_mean"]
    assert low.split()[3] == "2"
    assert high.split()[3] == "24"
    assert err == ""


def test_sweep_formats(capsys):
    main([*SWEEP, "--format", "json"])
    records = json.loads(capsys.readouterr().out)
    assert [r["numerical_rank"] for r in records] == [2, 24, 2, 24]
    main([*SWEEP, "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(r["numerical_rank"]) for r in rows] == [2, 24, 2, 24]
    main([*SWEEP, "--format", "markdown"])
    assert capsys.readouterr().out.startswith("| omega | c |")


def test_sweep_options_reach_the_sweep(capsys, tmp_path):
    arguments = "sweep --d 16 --n 12 --r 1 --omegas 1:10:3:log --seeds 1 --rule relu --init normal --dtype float32"
    assert main([*arguments.split(), "--metrics", "stable_rank,nuclear_norm", "--save", str(tmp_path / "run")]) == 0
    about = json.loads((tmp_path / "run" / "sweep.json").read_text())["arguments"]
    assert (about["d"], about["n"], about["r"], about["dtype"]) == (16, 12, 1, "float32")
    assert about["omegas"] == pytest.approx([1, 10**0.5, 10])
    assert "Normal" in about["initializer"]
    assert "relu" in about["rule"]
    assert about["metrics"] == ["stable_rank", "nuclear_norm"]


def test_audit_prints_rows_summary_and_coverage(adapter, capsys):
    assert main(["audit", adapter]) == 0
    out, err = capsys.readouterr()
    assert "layers.0.self_attn.q_proj" in out
    assert "never trained" in out
    assert "1 of 2 modules measured (1 zero); 1 tensor not analysed: base_model.model.score.weight" in out
    assert err == ""


def test_the_sample_is_one_flag_away(capsys):
    assert main(["audit", "--sample"]) == 0
    out = capsys.readouterr().out
    assert "attention" in out
    assert "modules measured" in out
    assert main(["audit", "--sample", "sine"]) == 0
    assert "12 of 12 modules measured" in capsys.readouterr().out


def test_audit_formats(adapter, capsys):
    main(["audit", adapter, "--format", "json"])
    record = json.loads(capsys.readouterr().out)
    assert [m["status"] for m in record["modules"]] == ["ok", "zero"]
    assert record["skipped"][0]["key"] == "base_model.model.score.weight"
    main(["audit", adapter, "--format", "csv"])
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert float(rows[0]["stable_rank"]) == record["modules"][0]["stable_rank"]
    assert rows[1]["stable_rank"] == ""
    assert "1 tensor not analysed" in err


def test_files_are_written_and_named_on_stderr(adapter, capsys, tmp_path):
    files = {flag: tmp_path / name for flag, name in {"-o": "a.json", "--plot": "a.png", "--spectra": "a.npz"}.items()}
    assert main(["audit", adapter, *(str(part) for item in files.items() for part in item)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert all(f"wrote {file}" in err for file in files.values())
    assert json.loads(files["-o"].read_text())["format"] == 1
    assert files["--plot"].read_bytes().startswith(b"\x89PNG")
    assert list(np.load(files["--spectra"])) == ["layers.0.self_attn.q_proj"]


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        ("dead_modules > 0", 3), ("dead_modules > 1", 0), ("modules == 2", 3), ("skipped_tensors >= 1", 3), ("ok_modules < 1", 0),
        ("min(utilization) < 0.99", 3), ("max(stable_rank) > 4", 0), ("median(scale) != 2", 0), ("nonfinite_modules > 0", 0),
    ],
)  # fmt: skip
def test_gates_decide_the_exit_status(adapter, capsys, gate, status):
    assert main(["audit", adapter, "--fail-on", gate]) == status
    assert ("condition met" in capsys.readouterr().err) == (status == 3)


def test_a_gate_on_nothing_measured_trips(tmp_path):
    dead = module("q")
    dead["base_model.model.q.lora_B.weight"][:] = 0
    assert main(["audit", str(save(tmp_path / "x", dead)), "--fail-on", "min(stable_rank) < 1"]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["audit"], "one of the arguments path --full --sample is required"),
        (["audit", "x", "--sample"], "not allowed with argument"),
        (["audit", "--sample", "odd"], "invalid choice: 'odd'"),
        (["audit", "x", "--fail-on", "nonsense"], "a condition reads like"),
        (["audit", "x", "--fail-on", "min(module) > 1"], "a condition reads like"),
        (["audit", "x", "--fail-on", "modules > 1e"], "a condition reads like"),
        (["audit", "x", "--fail-on", "min(stablerank) < 2"], "no column 'stablerank', did you mean stable_rank"),
        (["audit", "x", "--fail-on", "stable_rank < 2"], "write min(stable_rank), max, mean or median of it"),
        (["audit", "x", "--fail-on", "min(rank) < 2"], "there is no column 'rank', only stable_rank, numerical_rank"),
        (["audit", "x", "--fail-on", "deadmodules > 2"], "there is no name 'deadmodules', did you mean dead_modules"),
        (["audit", "x", "--fail-on", "avg(stable_rank) < 2"], "avg is none of min, max, mean, median; `rankkit"),
        (["audit", "x", "--fail-on", "min stable_rank < 2"], "min takes a column in parentheses"),
        (["audit", "x", "--fail-on", "max(dead_modules) > 2"], "dead_modules is one number, so write it without max"),
        (["audit", "x", "--fail-on", "min(stable_rank) < 10%"], "behind stable_rank comes one of"),
        (["audit", "x", "--fail-on", ""], "there is no name '', only modules"),
        (
            ["audit", "x", "--fail-on", "dead_modules"],
            "behind dead_modules comes one of < <= > >= == != and a number, all in quotes for a shell; `rankkit",
        ),
        (["audit", "x", "-o", "absent/x.csv"], "the folder absent does not exist"),
        (["sweep", "--d", "0"], "expected an integer >= 1"),
        (["sweep", "--omegas", "1,x"], "expected numbers >= 0, such as 1,10,100 or 1:100:20:log, got '1,x'"),
        (["sweep", "--omegas", "-1,2"], "one that begins with a dash is written after =, as in --name=-1"),
        (["sweep", "--omegas=-1,2"], "expected numbers >= 0, such as 1,10,100 or 1:100:20:log, got '-1,2'"),
        (["sweep", "--omegas", "0:1:5:log"], "must begin and end above 0"),
        (["sweep", "--omegas", "1:2:3:4:5"], "FIRST:LAST[:COUNT][:log], where COUNT is 50 if left out"),
        (["sweep", "--rtol", "-1"], "expected a number in [0, 1)"),
        (["audit", "--sample", "--rtol", "1"], "expected a number in [0, 1), got '1'"),
        (["audit", "--sample", "-o", "table.parquet"], "name a .txt, .csv, .json or .md file"),
        (["audit", "--sample", "-o", "table.html"], "name a .txt, .csv, .json or .md file"),
        (["nothing"], "invalid choice"),
        (["sweep", "--omegas", "1:0"], "a range must end above its beginning, got '1:0'"),
        (["audit", "x", "--as", "sine", "--omega", "1", "--omegas", "1"], "not allowed with argument"),
    ],
)
def test_wrong_usage_is_status_two(arguments, says, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("audit --sample --as sine", "--as sine needs omega, which scales B A, got none; add for instance --omega 200."),
        ("audit --sample --as tanh", "--as tanh needs omega, which scales B A, got none; add for instance --omega 1."),
        ("audit --sample --omega 3", "--omega is used with --as, not without --as; add --as or leave it out."),
        ("audit --full tuned", "--full needs the model that was fine-tuned, got none; add --base MODEL."),
        ("audit --sample --intruders 3", "--intruders is used with --base, not without --base"),
        ("audit --full a --base b --as sine --omega 1", "--as is used where adapters are audited or with --omegas"),
        ("audit --sample --omegas 1,2 --html a.html", "--html is used where adapters are audited or with --full"),
        ("audit --sample --omegas 1,2 --rtol 0.1", "--rtol is used"),
        ("audit --sample --as relu --omega 1 --gain 2", "--gain is used with --as sine, not with --as relu"),
        ("audit one two --plot a.png", "--plot takes one adapter, got 2"),
        ("audit one two --omegas 1,2", "--omegas takes one adapter, got 2"),
        ("audit --sample -o a.txt --html ./a.txt", "two options write the file 'a.txt'"),
        ("audit --sample --as sine --omega 1 --device nonsense", "--device must be one that torch can use here"),
        ("audit --sample --device nonsense --memory 4GB", "--device must be one that torch can use here"),
        ("sweep --law", "--law is used with --plot, not without --plot; add --plot or leave it out."),
        ("sweep --law --rule relu --plot a.png", "--law is used with --rule sine, not with --rule relu"),
        ("sweep --law --plot a.png --metrics nuclear_norm", "--law predicts numerical_rank"),
        ("sweep --law --plot a.png --omegas 0", "--law predicts at frequencies above 0"),
        ("sweep --init normal --a 2", "--a is used with --init kaiming_uniform, not with --init normal"),
        ("sweep --protocol adasine --omegas 1 --seeds 1 --metrics stable_rank", "--protocol is used without one of"),
        ("sweep --seed 3", "the command takes no --seed; did you mean --seeds? `rankkit sweep --help` shows"),
        ("sweep --rank 4", "the command takes no --rank; did you mean --r?"),
        ("sweep --out a.csv", "the command takes no --out; did you mean --output?"),
        ("predict --d 8 --r 2 --target-rank 4 --plot a.png", "--plot is used with --omegas"),
        ("truncate a", "truncate needs a folder to write, got none"),
        ("truncate a b --dry-run", "--dry-run writes no adapter, got the folder 'b'"),
        ("truncate a b --rtol 1", "the command takes no --rtol"),
        ("verify --plot a.png", "the command takes no --plot"),
        ("verify --reported --claim a", "--claim is used where claims are checked, not with --reported"),
        ("audit --sample --family nope", "--family must be one of"),
        ("compare one two --family nope", "--family must be one of"),
        ("compare one", "compare needs at least two adapters"),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other_are_usage(words, says, capsys):
    assert main(words.split()) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.startswith(f"rankkit {words.split()[0]}: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_several_adapters_make_one_table(adapter, capsys):
    assert main(["audit", adapter, adapter, "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["source"] for row in rows] == [f"{adapter}/adapter_model.safetensors"] * 4
    assert [row["status"] for row in rows] == ["ok", "zero"] * 2
    assert err.count(adapter) == 2


def test_a_dry_run_tells_what_the_run_will_write(tmp_path, capsys):
    source = save(tmp_path / "adapter", module("q", r=4), CONFIG | {"use_rslora": True})
    for extra in (["--keep", "0.9"], ["--rank", "2"]):
        file, made = tmp_path / "patterns.json", tmp_path / extra[1]
        assert main(["truncate", str(source), "--dry-run", "--format", "json", "-o", str(file), *extra]) == 0
        assert capsys.readouterr().out == ""
        patterns = json.loads(file.read_text())
        assert main(["truncate", str(source), str(made), *extra]) == 0
        capsys.readouterr()
        written = json.loads((made / "adapter_config.json").read_text())
        assert patterns == {name: written[name] for name in patterns}


def test_what_a_missing_library_stops_is_no_usage(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*SWEEP, "--scheduler", "tcp://host:1"]) == 1
    assert "pip install '.[cluster]'" in capsys.readouterr().err


def test_values_no_sweep_can_take_are_usage_too(capsys):
    assert main([*SWEEP, "--metrics", "rank"]) == 2
    assert "metrics must be among" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["absent", "truncated", "no adapter"])
def test_what_cannot_be_analysed_is_status_one_and_one_sentence(damage, tmp_path, capsys):
    folder = tmp_path / "x"
    if damage == "no adapter":
        save(folder, {"weight": np.ones((2, 2), np.float32)})
    elif damage == "truncated":
        file = save(folder, module("q")) / "adapter_model.safetensors"
        file.write_bytes(file.read_bytes()[:-40])
    assert main(["audit", str(folder), "-o", str(tmp_path / "out.csv")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert not (tmp_path / "out.csv").exists()


def test_a_plot_of_an_unknown_kind_is_refused_before_any_work(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["audit", "absent", "--plot", str(tmp_path / "a.docx")])
    assert caught.value.code == 2
    assert "cannot write .docx" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(adapter):
    run = subprocess.run(
        f'"{sys.executable}" -m rankkit audit "{adapter}" --format csv | head -c 10',
        shell=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout == "module,lay"
    assert "Traceback" not in run.stderr


PREDICT = ["predict", "--d", "256", "--r", "2", "--format", "json"]


def test_predict_finds_the_frequency_that_the_law_gives(capsys):
    import rankkit as rk

    assert main([*PREDICT, "--target-stable-rank", "20", "--rtol", "0.1"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["omega"] == pytest.approx(rk.frequency_for_rank(20, d=256, r=2).value)
    assert record["numerical_rank"] == pytest.approx(rk.predict_rank(record["omega"], d=256, r=2, rtol=0.1).value)
    assert record["stable_rank"] == pytest.approx(20, abs=0.01)
    low, high = record["omega_mean_low"], record["omega_mean_high"]
    assert record["omega_draws_low"] < low < record["omega"] < high < record["omega_draws_high"]
    assert "rank_below" not in record
    assert main([*PREDICT, "--target-rank", "9", "--rtol", "0.001"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["omega_below"] < record["omega"] < record["omega_above"]
    assert record["rank_below"] < 9 < record["rank_above"]
    assert main([*PREDICT, "--target-rank", "50", "--rtol", "0.01", "--init", "normal"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["numerical_rank"] == pytest.approx(50, abs=0.01)


def test_predict_prints_and_draws_a_curve(capsys, tmp_path):
    file = tmp_path / "law.png"
    assert main([*PREDICT, "--omegas", "1:100:5:log", "--measures", "stable_rank", "--plot", str(file)]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [r["omega"] for r in records] == pytest.approx([1, 10**0.5, 10, 10**1.5, 100])
    assert all("numerical_rank" not in r for r in records)
    assert file.stat().st_size > 5_000


def test_predict_knows_other_functions_than_the_sine(capsys):
    import rankkit as rk

    assert main([*PREDICT, "--omegas", "2", "--rule", "tanh", "--init", "normal"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    rule, law = (lambda omega: rk.rules.Activation("tanh", omega=omega)), rk.initializers.Normal()
    for name, predict in (("stable_rank", rk.predict_stable_rank), ("numerical_rank", rk.predict_rank)):
        assert record[name] == pytest.approx(predict(2.0, d=256, r=2, initializer=law, rule=rule).value)


@pytest.mark.parametrize(
    "words", [
        ["--target-stable-rank", "4000"], ["--omegas", "0"], ["--target-rank", "9", "--plot", "x.png"],
        ["--omegas", "1", "--rule", "tanh"],
    ],
)  # fmt: skip
def test_predict_refuses_in_one_sentence(capsys, words):
    assert main([*PREDICT, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rankkit predict: ")
    assert len(err.splitlines()) == 1


def record(capsys, *words):
    """Return the one row that `rankkit predict` prints."""
    assert main(["predict", "--format", "json", *words]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    return row


def test_predict_knows_laws_of_entries_and_samples_of_them(capsys, tmp_path):
    import rankkit as rk

    laws = rk.law.EntryLaw.named("laplace"), rk.law.EntryLaw.named("uniform")
    sizes = ("--d", "60", "--r", "2")
    row = record(capsys, *sizes, "--omegas", "3", "--entries", "laplace,uniform")
    assert row["stable_rank"] == pytest.approx(rk.predict_stable_rank(3.0, d=60, r=2, entries=laws).value)
    draws = np.random.default_rng(0).laplace(scale=2**-0.5, size=20_000)
    np.savetxt(tmp_path / "b.csv", draws.reshape(-1, 4), delimiter=",")
    np.save(tmp_path / "b.npy", draws)
    for file in ("b.csv", "b.npy"):
        of_file = record(capsys, *sizes, "--omegas", "3", "--entries", f"{tmp_path / file},uniform")
        assert of_file["stable_rank"] == pytest.approx(row["stable_rank"], rel=0.03)
    target = ("--target-rank", "30", "--rtol", "0.01", "--entries", "laplace,uniform")
    assert record(capsys, *sizes, *target)["numerical_rank"] == pytest.approx(30, abs=0.01)


def test_predict_knows_covariances(capsys, tmp_path):
    import rankkit as rk

    one, other = np.array([[1.0, 0.5], [0.5, 2.0]]), np.diag([1.0, 4.0])
    np.savetxt(tmp_path / "one.csv", one, delimiter=",")
    np.savetxt(tmp_path / "other.csv", other, delimiter=",")
    for files, pair in (("one.csv,other.csv", (one, other)), ("other.csv", (other, other))):
        named = ",".join(str(tmp_path / file) for file in files.split(","))
        row = record(capsys, "--d", "60", "--r", "2", "--omegas", "0.5", "--covariance", named)
        assert row["stable_rank"] == pytest.approx(rk.predict_stable_rank(0.5, d=60, r=2, covariance=pair).value)


def test_predict_takes_the_factors_of_a_module(capsys):
    import rankkit as rk
    from rankkit.checkpoints import open_adapter
    from rankkit.data import sample_adapter

    layer = next(one for one in open_adapter(sample_adapter()).layers if one.name.endswith("1.attention.self.key"))
    factors = layer.product()
    assert isinstance(factors, rk.Factors)
    place = f"{sample_adapter()}:{layer.name.removeprefix('encoder.')}"
    row = record(capsys, "--factors", place, "--omegas", "200")
    assert row["numerical_rank"] == pytest.approx(rk.predict_rank(200.0, factors=factors).value)
    found = record(capsys, "--factors", place, "--target-rank", "40", "--rtol", "0.001")
    for omega, reached in ((found["omega"], True), (found["omega"] - 2 * found["omega_error"], False)):
        sigma = np.linalg.svd(rk.rules.Sine(omega)(factors), compute_uv=False)
        assert (np.sum(sigma > 1e-3 * sigma[0]) >= 40) == reached


@pytest.mark.parametrize(("words", "says"), [
    ("predict --d 64 --r 2 --omega 3", "takes no --omega; did you mean --omegas?"),
    ("predict --r 2 --omegas 3", "give --d and --r, or --factors"),
    ("compare A B --strength 1 1", "takes no 1; write --strength 1,1; "),
    ("predict --d 64 --r 2 --omegas 1 --entries laplace uniform", "write --entries laplace,uniform; "),
    ("predict --d 64 --r 2 --omegas 1 --entries laplce", "--entries must be uniform, normal, laplace or a file"),
    ("predict --d 64 --r 2 --omegas 1 --entries no.csv", "--entries must name a .csv or .npy file of numbers"),
    ("predict --d 64 --r 2 --omegas 1 --entries a,b,c", "--entries takes one word, or two with a comma"),
    ("predict --d 64 --r 2 --omegas 1 --entries uniform --init normal", "--init is used without --entries"),
    ("predict --d 64 --omegas 1 --factors A", "--d is used without --factors"),
    ("predict --d 64 --r 9999 --omegas 1", "r must be an integer in 1..4096, got 9999"),
    ("predict --d 64 --r 2 --omegas 1,1e-300", "omega must lie between 4e-30 and 4e+30 where entries of B A have"),
    ("predict --d 64 --r 2 --omegas 1 --measures rank", "got ['rank']; choose from these."),
    ("predict --factors SAMPLE --omegas 1", "--factors must name one module, got "),
    ("predict --factors SAMPLE:nowhere --omegas 1", "but 0 of 24 modules are called so; write ADAPTER:MODULE"),
    ("predict --factors SAMPLE:layer.1.attention.self.key --omegas 1 --rule tanh", "not predicted but measured"),
    ("predict --factors SAMPLE:layer.1.attention.self.key --target-rank 9 --measures stable_rank", "--measures is used"),
])  # fmt: skip
def test_what_is_written_nearly_right_is_told_how(capsys, words, says):
    from rankkit.data import sample_adapter

    assert main(words.replace("SAMPLE", str(sample_adapter())).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("values", [np.ones(20) * 1j, np.array(["a", "b"]), np.ones(0)])
def test_a_file_without_real_numbers_is_refused_in_one_line(capsys, tmp_path, values):
    file = tmp_path / "values.npy"
    np.save(file, values)
    assert main(["predict", "--d", "64", "--r", "2", "--omegas", "1", "--entries", str(file)]) == 2
    (tmp_path / "empty.csv").write_text("")
    assert main(["predict", "--d", "64", "--r", "2", "--omegas", "1", "--covariance", str(tmp_path / "empty.csv")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 2


@pytest.mark.parametrize("words", [
    "sweep --d 20 --r 30 --omegas 1 --seeds 1 --n-jobs 1 --no-progress", "predict --d 20 --r 30 --target-stable-rank 5",
])  # fmt: skip
def test_a_rank_above_the_size_is_told_once(capsys, words):
    assert main(words.split()) == 0
    told = f"rankkit {words.split()[0]}: r = 30 exceeds min(m, n) = 20: B A has full rank already.\n"
    assert capsys.readouterr().err == told


def test_a_sweeps_picture_can_hold_the_law(capsys, tmp_path):
    file = tmp_path / "both.png"
    assert main([*SWEEP, "--law", "--plot", str(file)]) == 0
    assert file.stat().st_size > 5_000
    assert main([*SWEEP, "--law", "--metrics", "stable_rank", "--plot", str(file)]) == 0
    assert main([*SWEEP, "--law", "--rule", "relu", "--plot", str(file)]) == 2
    assert main([*SWEEP, "--law"]) == 2


def limited(words, size):
    """Run the command line in a process that may write files of so many bytes at most, as a full disk lets it."""
    code = (
        "import resource, signal, sys; from rankkit.cli.main import main; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); sys.exit(main({words!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_disk_that_is_full_costs_one_sentence_and_leaves_what_was_there(adapter, tmp_path):
    out = tmp_path / "audit.csv"
    out.write_text("what was there")
    run = limited(["audit", str(adapter), "--no-progress", "-o", str(out)], 20)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "File too large" in run.stderr
    assert out.read_text() == "what was there"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".csv" or path.name.startswith(".audit")] == [
        "audit.csv"
    ]


def test_a_sum_that_cancels_says_why_in_the_text(adapter, tmp_path, capsys):
    assert main(["compare", str(adapter), str(adapter), "--strength", "1,-1", "--no-progress"]) == 0
    assert capsys.readouterr().out.count("Note: rounding hides the sum: the updates cancel") == 1


@pytest.mark.parametrize("text", ["{}", '{"records": {}}', "3", '[{"id": 1}]', "[3]"])
def test_what_is_no_ledger_is_refused_before_any_claim_is_checked(tmp_path, capsys, text):
    (tmp_path / "ledger.json").write_text(text)
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--against", str(tmp_path / "ledger.json")])
    assert stop.value.code == 2
    assert "is not a ledger written by `rankkit verify --format json`; name one" in capsys.readouterr().err
