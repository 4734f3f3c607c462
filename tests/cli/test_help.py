"""The help teaches: it comes at once, groups what can be asked, and its examples run."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from rankkit.audits.gates import Gate
from rankkit.checkpoints import READERS, open_adapter
from rankkit.checkpoints.forms import formed
from rankkit.cli import laws, options, predict
from rankkit.cli.command import STATUSES
from rankkit.cli.main import COMMANDS, main
from rankkit.data import sample_adapter
from rankkit.law import MEASURES
from rankkit.law.limit.entry_laws import QUANTILES
from rankkit.metrics import METRICS
from tests.cli.test_options import CLAIMS

FIGURE = """
TITLE, SHOWS, COMPARED = "a line", "Shows a line.", "No paper has it."
ARGUMENTS = {"slope": 2}
def data(slope):
    return {"x": [0, 1], "y": [0, slope]}
def draw(table):
    import matplotlib.pyplot as plt
    return table.plot(x="x", y="y", ax=plt.subplots()[1]).figure
"""
# nothing of this is needed to say what a command takes
HEAVY = (
    "numpy", "scipy", "torch", "pandas", "matplotlib", "seaborn", "joblib", "threadpoolctl", "tqdm", "regex", "hypothesis",
    "flint", "finufft", "distributed", "peft", "transformers", "safetensors", "array_api_compat", "rankkit.audits",
    "rankkit.checkpoints", "rankkit.law", "rankkit.plots", "rankkit.report.cells", "rankkit.report.tables", "rankkit.rules", "rankkit.sweeps",
    "rankkit.watch",
)  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["audit", "--sample", "--memory", "4GB"], *([c.name, "--help"] for c in COMMANDS)],
    ids=" ".join,
)
def test_help_and_refusals_load_nothing_heavy(words):
    code = (
        "import sys\nfrom rankkit.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print(*{{*{HEAVY!r}}} & {{*sys.modules}}, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_groups_its_options_and_shows_three_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main([command.name, "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert "exit status: 0 done" in out
    statuses, taken = out.partition("exit status: ")[2], {option.name for option in command.options}
    assert {name for name in STATUSES if name in statuses} == taken & STATUSES.keys()
    places = [out.index(f"\n{group.title}:\n") for group in command.groups] + [out.index("\nexamples:\n")]
    assert places == sorted(places)
    assert [line for line in out.splitlines() if line.startswith("  rankkit ")] == [f"  {e}" for e in command.examples]
    assert len(command.examples) == 3
    assert all(option.help[0].isupper() and option.help.endswith(".") for option in command.options)


def test_the_first_help_lists_the_commands_and_the_next_steps(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    table = " ".join(" ".join(lines).partition("commands: COMMAND ")[2].partition("next steps:")[0].split())
    assert table == " ".join(f"{command.name} {command.summary}" for command in COMMANDS)
    assert any(line.startswith("rankkit audit --sample ") for line in lines)
    assert any(line.startswith("rankkit COMMAND --help ") for line in lines)


def test_the_names_that_the_help_lists_are_those_that_are_accepted():
    assert tuple(READERS) == options.FAMILIES
    assert tuple(METRICS) == options.METRICS
    assert predict.MEASURES == MEASURES
    assert tuple(QUANTILES) == laws.NAMES
    for condition, names in (("nonsense", options.COUNTED), ("min(nonsense) > 1", options.MEASURED)):
        with pytest.raises(ValueError) as caught:
            Gate(condition)
        assert str(caught.value).endswith(f"'nonsense', only {', '.join(names)}.")


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (
            ["audit", "--sample", "sine", "--base", "base"],
            {"module", "m", "n", "r", "scale", "rule", "regime", "status"},
        ),
        (["sweep", "--d", "8", "--omegas", "1", "--seeds", "1", "--no-progress"], {"omega"}),
    ],
)
def test_the_help_explains_every_column_whose_head_does_not(words, plain, capsys, tmp_path, monkeypatch):
    """A name with an underscore is in the table of every other format, and a metric has its name from --metrics."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)
    weights = {f"encoder.layer.{i}.attention.self.{name}.weight": np.eye(384, dtype="f4") for i in range(6)
               for name in ("query", "value")}  # fmt: skip
    save_file(weights, "base")
    (tmp_path / "base").rename("base.safetensors")
    assert main([word.replace("base", "base.safetensors") if word == "base" else word for word in words]) == 0
    tables = capsys.readouterr().out.split("\n\n")
    heads = {head for table in tables for head in re.split(r"  +", table.splitlines()[0])}
    with pytest.raises(SystemExit):
        main([words[0], "--help"])
    told = {line.strip().partition(":")[0] for line in capsys.readouterr().out.splitlines()}
    assert heads >= {"stable/r", "90% energy", "least", "most"} or words[0] == "sweep"
    unexplained = {
        head for head in heads - told - plain if not re.match(r".*_(mean|std)$|\d|kind|modules|ok|.*\.$", head)
    }
    assert unexplained == set()


def test_a_default_time_has_its_unit(capsys):
    with pytest.raises(SystemExit):
        main(["watch", "--help"])
    assert "(default: 5s)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", [[], ["help"]])
def test_no_command_at_all_shows_the_help(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    assert "next steps:" in capsys.readouterr().out


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Make a folder with what the examples name, and stand in it."""
    rng = np.random.default_rng(0)
    sample, adapter = sample_adapter(), open_adapter(sample_adapter())
    stacked = ["style", "subject", "light"]
    copies = ["path/to/adapter", "adapter", "smaller", *stacked, *(f"run/checkpoint-{k}" for k in (500, 1000, 1500))]
    for copy in copies:
        shutil.copytree(sample, tmp_path / copy)
    (tmp_path / "path/to/model").mkdir()
    weights = {f"{layer.name}.weight": rng.normal(size=(layer.m or 1, layer.n or 1)) for layer in adapter.layers}
    save_file(weights, tmp_path / "path/to/model/model.safetensors")
    (tmp_path / "path/to/merged").mkdir()
    for layer in adapter.layers:
        weights[f"{layer.name}.weight"] += formed(layer.product(), layer.rule).matrix
    save_file(weights, tmp_path / "path/to/merged/model.safetensors")
    (tmp_path / "my_claims.py").write_text(CLAIMS)
    (tmp_path / "my_figures").mkdir()
    (tmp_path / "my_figures" / "line.py").write_text(FIGURE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_examples_run(command, place, capsys):
    if command.name == "truncate":
        shutil.rmtree(place / "smaller")
    for example in command.examples:
        program, *words = shlex.split(example)
        assert program == "rankkit"
        status = main(words)
        said = capsys.readouterr()
        assert status == 0, said.err
        written = ("-o", "--plot", "--html", "--heatmap", "--certificates")
        named = [words[words.index(o) + 1] for o in written if o in words]
        assert all((place / file).stat().st_size > 0 for file in named)
        assert said.out or "-o" in words
    if command.name == "verify":
        kept = {record["claim"] for record in json.loads((place / "found.json").read_text())}
        assert kept == {"a", "b"}, "a proof and a counterexample"
