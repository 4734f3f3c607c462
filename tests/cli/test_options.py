"""No option is dropped: given in any mode of its command, it changes what comes out or is refused with status 2."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest

import rankkit as rk
from rankkit import execution, law, plots, reported
from rankkit.audits import audit as auditing
from rankkit.audits import compare as comparing
from rankkit.audits import merged as merging
from rankkit.audits import probe as probing
from rankkit.audits import ranks as ranking
from rankkit.audits import truncate as truncating
from rankkit.audits.record import Audit
from rankkit.claims import ledger as claims
from rankkit.cli.command import Group, Option
from rankkit.cli.main import COMMANDS, main
from rankkit.report import gallery
from rankkit.sweeps import sweep as sweeping
from rankkit.watch import follow as following
from rankkit.watch.measurement import measure
from tests.conftest import module

BY_NAME = {command.name: command for command in COMMANDS}

# every mode of every command: words that work as they stand, in a folder with what `inputs` makes
MODES = {
    "sweep": [
        "", "--rule sinter", "--rule relu", "--init normal", "--device cpu", "--scheduler tcp://host:1", "--plot p.png",
        "--omegas 1,2 --seeds 3 --metrics stable_rank", "--format json --rule sine --init kaiming_uniform",
    ],
    "predict": [
        "--d 32 --r 1 --omegas 1,2", "--d 32 --r 1 --target-rank 12 --measures stable_rank",
        "--d 32 --r 1 --target-stable-rank 9", "--d 32 --r 1 --target-stable-rank 9 --measures stable_rank",
        "--d 32 --r 1 --target-participation-ratio 9 --init uniform",
        "--d 32 --r 1 --omegas 1,2 --init normal --rule sinter",
        "--d 32 --r 1 --target-stable-rank 2 --init normal --rule relu --measures stable_rank",
        "--d 32 --r 1 --target-rank 9 --entries uniform", "--d 32 --r 1 --omegas 1,2 --covariance one.csv",
        "--factors given.npz:q --omegas 1,2 --measures numerical_rank", "--factors given.npz:q --target-rank 9",
        "--factors given.npz:q --target-stable-rank 9",
    ],
    "audit": [
        "one", "one --format csv", "one other", "--sample", "one --base model", "one --device cpu",
        "one --as sine --omega 3", "one --as sinter --omega 3", "one --as tanh --omega 3", "one --omegas 1,2",
        "one --omegas 1,2 --as sinter", "one --omegas 1,2 --as relu --format json", "--full model --base base",
        "one --base model --merged after", "one --base model --merged after --format json",
    ],
    "compare": ["one other", "one other --strength 1,2"],
    "truncate": [
        "one smaller", "one smaller --rank 1", "one --dry-run", "one --dry-run --rank 1", "one --dry-run --format json",
        "one smaller --budget 9k", "one --dry-run --budget 9k", "one --dry-run --next python",
    ],
    "watch": ["run", "run --format json", "run --follow --idle 1s"],
    "verify": [
        "claims.py", "claims.py --format json", "numbers --reported", "numbers", "claims.py --recheck found.json",
    ],
    "figures": ["--from scripts", "line --from scripts"],
}  # fmt: skip

# a word for every option that differs from its default and from what stands in MODES
WORDS = {
    "path": "third", "out": "elsewhere", "name": "line", "--d": "48", "--n": "40", "--r": "3", "--omegas": "5,6",
    "--seeds": "2", "--metrics": "nuclear_norm,numerical_rank", "--measures": "effective_rank,numerical_rank",
    "--protocol": "adasine", "--rtol": "0.01", "--rule": "gelu", "--gain": "7", "--amplitude": "0.5",
    "--init": "xavier_uniform", "--a": "2", "--dtype": "float32", "--device": "cpu:0", "--memory": "4GB",
    "--n-jobs": "2", "--scheduler": "tcp://host:2", "--store": "kept", "--save": "saved", "--format": "markdown",
    "--output": "made.txt", "--plot": "drawn.png", "--target-stable-rank": "5", "--target-rank": "5",
    "--target-participation-ratio": "5", "--full": "tuned", "--family": "peft", "--as": "swish", "--omega": "4",
    "--base": "another", "--intruders": "3", "--html": "page.html", "--spectra": "all.npz",
    "--merged": "afterwards", "--strength": "1,0.5", "--heatmap": "hot.png", "--sum": "sum.csv", "--sarif": "found.sarif", "--fail-on": "modules > 0", "--keep": "0.5", "--rank": "2", "--norm": "spectral", "--claim": "a",
    "--budget": "2m", "--instances": "7", "--database": "near", "--against": "before.json",
    "--certificates": "proofs.json", "--recheck": "one.json", "--pictures": "tables", "--from": "more_scripts",
    "--entries": "laplace", "--covariance": "two.csv", "--factors": "given.npz:v", "--out": "made", "run": "store", "--wait": "1s", "--idle": "2s", "--next": "kohya",
}  # fmt: skip

CLAIMS = """
from rankkit.claims import Claim, Domain, Real
up = Domain(x=Real(0, 2))
CLAIMS = [Claim('a', 'sin x <= x', domain=up, margin=lambda v, a: v.x - a.sin(v.x)),
          Claim('b', 'sin x >= x / 2', domain=up, margin=lambda v, a: a.sin(v.x) - v.x / 2)]
"""
RELATIONS = """
from rankkit.reported import Paper
PAPER = Paper('mine', __file__)
PAPER.differences(PAPER.table('t', key='m'), 'a', 'b', 'd')
"""
FIGURE = "TITLE = SHOWS = COMPARED = 'a line'\nARGUMENTS = {}\ndata = draw = print\n"


@dataclass
class Trace:
    """What one command line led to."""

    status: object
    out: str
    err: str
    files: dict
    calls: list

    def result(self):
        return self.status, self.out, self.files, self.calls


@pytest.fixture(scope="module")
def results():
    """What the work returns, whatever it is asked: one real result of each kind, made once."""
    state = module("layers.0.q_proj", m=6, n=5, r=2) | module("layers.1.q_proj", m=6, n=5, r=2, seed=1)
    report = rk.audit(state, config={"lora_alpha": 2})
    return SimpleNamespace(
        audit=report, merged=rk.audit_merged({}, base={}, adapter=state, config={"lora_alpha": 2}),
        probe=rk.probe_frequencies(state, [1.0], config={"lora_alpha": 2}),
        watched=rk.Watched.of([measure(state, step)[0] for step in (0, 10)]),
        compare=rk.compare(state, state, config={"lora_alpha": 2}, strengths=[1, 2]), ranks=rk.suggest_ranks(report),
        sweep=rk.sweep_frequency(8, 2, omegas=[1.0, 9.0], seeds=1, progress=False),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    file = tmp_path_factory.mktemp("claims") / "claims.py"
    file.write_text(CLAIMS)
    return claims.verify(file, instances=20, progress=False)


@pytest.fixture
def calls(monkeypatch, results, ledger):
    """The work replaced by a record of what it was asked for."""
    made = []

    def record(place, name, value):
        def work(*arguments, **named):
            made.append((name, [shown(x) for x in arguments], {key: shown(x) for key, x in sorted(named.items())}))
            return value

        monkeypatch.setattr(place, name, work)

    @contextmanager
    def cluster(scheduler):
        made.append(("cluster", scheduler))
        yield

    def make(wanted, out, **named):
        out.mkdir(exist_ok=True)
        made.append(("make", [figure.script.parent.name for figure in wanted], str(out), named))
        return {figure.name: "made" for figure in wanted}

    record(auditing, "audit", results.audit)
    record(auditing, "audit_full", results.audit)
    record(probing, "probe_frequencies", results.probe)
    record(merging, "audit_merged", results.merged)
    record(comparing, "compare", results.compare)
    record(ranking, "suggest_ranks", results.ranks)
    record(truncating, "truncate", results.ranks)
    record(sweeping, "sweep_frequency", results.sweep)
    record(claims, "verify", ledger)
    record(law, "frequency_for_rank", law.Target(20.0, 0.1, "growth"))
    record(reported, "pictures", [])
    record(following, "follow", [results.watched])
    record(rk.Watched, "load", results.watched)
    record(rk.Ranks, "next_run", "a configuration")
    record(rk.Watched, "to_html", "a page")
    monkeypatch.setattr(gallery, "make", make)
    monkeypatch.setattr(execution, "cluster", cluster)
    drawn = [SimpleNamespace(figure=SimpleNamespace(savefig=lambda file, **how: file.write(repr(how).encode())))]
    record(plots, "law_curves", drawn)
    for kind in (sweeping.Sweep, Audit, comparing.Comparison, rk.Watched):
        record(kind, "plot", drawn)
    record(comparing.Comparison, "heatmap", drawn)
    record(comparing.Comparison, "to_html", "a page")
    record(probing.Probe, "plot", drawn[0])
    record(Audit, "to_html", "a page")
    return made


def shown(value):
    """Return what a value is, for comparison: a rule by what it makes of one frequency, a table by its type."""
    if isinstance(value, partial):
        return repr(value(2.0))
    return repr(value) if not hasattr(value, "columns") else type(value).__name__


def drawn(name, part):
    """Return a factor of rank 1 of a module that is large enough for a prediction."""
    values = np.random.default_rng(ord(part)).normal(size=(1, {"q": 64, "v": 70}[name]))
    return values if part == "A" else values.T


def inputs(folder, ledger):
    """Put what the words of MODES and WORDS name into a folder."""
    (folder / "claims.py").write_text(CLAIMS)
    found = [record["certificate"] for record in ledger.records if record["certificate"]]
    (folder / "found.json").write_text(json.dumps(found))
    (folder / "one.json").write_text("[]")
    (folder / "before.json").write_text("[]")
    for file, variance in (("one.csv", 2.0), ("two.csv", 3.0)):
        (folder / file).write_text(f"{variance}\n")
    factors = {f"{name}.lora_{part}.weight": drawn(name, part) for name in "qv" for part in "AB"}
    np.savez(folder / "given.npz", allow_pickle=False, **factors)
    for paper in ("numbers", "third"):
        (folder / paper / "tables").mkdir(parents=True)
        (folder / paper / "tables" / "t.csv").write_text("m,a,b,d\nx,5.0,3.0,2.0\ny,5.0,3.0,1.0\n")
        (folder / paper / "relations.py").write_text(RELATIONS.replace("mine", paper))
    (folder / "third" / "claims.py").write_text(CLAIMS)
    for scripts in ("scripts", "more_scripts"):
        (folder / scripts).mkdir()
        (folder / scripts / "line.py").write_text(FIGURE)


@pytest.fixture
def trace(calls, ledger, tmp_path, monkeypatch, capsys):
    """Run a command line in a folder of its own and return its Trace."""
    count = iter(range(10**6))

    def run(words, commands=COMMANDS):
        folder = tmp_path / str(next(count))
        folder.mkdir()
        inputs(folder, ledger)
        before = set(folder.rglob("*"))
        monkeypatch.chdir(folder)
        calls.clear()
        try:
            status = main(words, commands=commands)
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        new = [path for path in folder.rglob("*") if path not in before and "__pycache__" not in str(path)]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in new if path.is_file()}
        return Trace(status, out.replace(str(folder), ""), err, files, [json.dumps(call) for call in calls])

    return run


def with_option(words, option):
    """Return a command line with an option given as well; None where it has no other value to take."""
    head, rest = words[:1], words[1:]
    if option.flag is not None:
        return None if option.name in words else [*words, option.name]
    if not option.name.startswith("-"):
        return [*head, WORDS[option.name], *rest]
    return [*words, option.name, WORDS[option.name]]


def dropped(command, mode, trace):
    """Return the options that, given in this mode, neither change anything nor are refused as they should be."""
    words = [command.name, *mode.split()]
    plain = trace(words, [command])
    assert plain.status in (0, 3, 4), plain.err
    found = []
    for option in command.options:
        given = with_option(words, option)
        if given is None or option.name in ANSWERS:
            continue
        got = trace(given, [command])
        refused = got.status == 2 and not got.calls and not got.files and not got.out and got.err.count("\n") == 1
        if not (refused if got.status == 2 else got.result() != plain.result()):
            found.append((option.name, got.status, got.err))
    return found


# what answers a question that is asked at a terminal only; test_asked.py tests it
ANSWERS = {"--yes"}
# what a mode tells already
SAID = {("verify", "numbers", "--reported")}
CASES = [(name, mode) for name, modes in MODES.items() for mode in modes]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=[f"{name} {mode}" for name, mode in CASES])
def test_every_option_changes_something_or_is_refused(name, mode, trace):
    assert [entry for entry in dropped(BY_NAME[name], mode, trace) if (name, mode, entry[0]) not in SAID] == []


def test_every_command_and_every_decision_has_a_mode_here(trace):
    assert MODES.keys() == BY_NAME.keys()
    missing = []
    for name, command in BY_NAME.items():
        seen = []
        watched = replace(command, run=lambda options, seen=seen: seen.append(options) or 0)
        for mode in MODES[name]:
            trace([name, *mode.split()], [watched])
        assert len(seen) == len(MODES[name])
        for choice in command.choices:
            decided = {choice.decided(options) for options in seen}
            missing += [f"{name} {decision}" for decision in choice.uses if decision not in decided]
            missing += (
                [f"{name} other than {[*choice.uses]}"] if decided == choice.uses.keys() and len(decided) == 1 else []
            )
    assert missing == []


@pytest.mark.parametrize(
    ("name", "mode", "fault", "caught"),
    [
        ("audit", "one", lambda c: replace(c, groups=(*c.groups, PLANTED)), {"--planted"}),
        ("truncate", "one --dry-run", lambda c: replace(c, groups=(*c.groups, PLANTED)), {"--planted"}),
        ("sweep", "--rule relu", lambda c: replace(c, choices=()), {"--gain", "--amplitude", "--law"}),
        ("verify", "numbers --reported", lambda c: replace(c, choices=()), {"--claim", "--budget"}),
    ],
)  # fmt: skip
def test_a_planted_option_that_is_dropped_is_found(name, mode, fault, caught, trace, monkeypatch):
    monkeypatch.setitem(WORDS, "--planted", "5")
    assert caught <= {option for option, _, _ in dropped(fault(BY_NAME[name]), mode, trace)}


PLANTED = Group("planted", (Option(("--planted",), "Nothing reads this."),))


@pytest.mark.parametrize(
    ("name", "work"),
    [("sweep", rk.sweep_frequency), ("compare", rk.compare), ("truncate", rk.truncate), ("verify", rk.verify)],
)
def test_defaults_are_those_of_the_functions(name, work):
    parameters = signature(work).parameters
    shared = [o for o in BY_NAME[name].options if o.dest in parameters and o.default not in (None, ())]
    assert {"sweep": "dtype", "compare": "rtol", "truncate": "keep", "verify": "budget"}[name] in [
        o.dest for o in shared
    ]
    for option in shared:
        known = parameters[option.dest].default
        assert option.default == known or not isinstance(known, type(option.default)), option.name
