"""The design, held by the code's own syntax: who may import whom, how large a module may be, what is public."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rankkit

ROOT = Path(rankkit.__file__).parent
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__main__.py")

# room (a folder, or a module that stands directly in rankkit/) -> the rooms it may import, at any level of indentation
MAY_IMPORT: dict[str, set[str]] = {
    # what everything may stand on
    "version": set(),
    "checks": set(),
    "verdict": set(),
    "regime": set(),
    "extras": set(),
    "files": {"extras"},
    "columns": {"checks", "files"},
    "store": {"files"},
    "execution": {"checks", "extras"},
    "plots": {"regime"},
    # the spine: factors become an update, the update a spectrum, the spectrum a number
    "factors": {"checks", "report"},
    "products": {"factors"},
    "initializers": {"checks", "factors"},
    "rules": {"checks", "factors"},
    "solvers": {"checks", "factors", "products", "report"},
    "spectrum": {"checks", "factors", "products", "report", "solvers"},
    "metrics": {"factors", "solvers", "spectrum"},
    "uncertainty": {"factors", "metrics", "solvers", "spectrum"},
    "similarity": {"factors", "plots", "report"},
    "report": {"execution", "files", "plots", "verdict", "version"},
    "testing": {"extras", "factors", "spectrum"},
    # the studies
    "sweeps": {"checks", "columns", "execution", "factors", "files", "initializers", "metrics", "plots", "report", "rules", "solvers", "spectrum", "store", "version"},
    "checkpoints": {"extras", "factors", "products", "rules"},
    "audits": {"checkpoints", "checks", "columns", "execution", "factors", "files", "metrics", "plots", "products", "regime", "report", "rules", "spectrum", "uncertainty"},
    "watch": {"audits", "checkpoints", "checks", "columns", "factors", "files", "plots", "report", "rules", "store", "version"},
    "law": {"checks", "columns", "extras", "factors", "initializers", "metrics", "regime", "report", "rules", "solvers", "spectrum", "uncertainty"},
    "claims": {"checks", "data", "execution", "extras", "report", "verdict"},
    "reported": {"checks", "files", "plots", "report", "verdict"},
    "adapters": {"checks", "extras", "factors", "metrics", "regime", "rules", "spectrum"},
    # the surface
    "data": set(),
    "cli": {
        "audits", "checkpoints", "checks", "claims", "data", "execution", "factors", "files", "initializers", "law",
        "plots", "report", "reported", "rules", "sweeps", "version", "watch",
    },
}  # fmt: skip
# folders of the law that stand on no module outside of them but these
LAW = {"limit": ("limit",), "finite": ("limit", "finite")}
# library -> the rooms that may import it, at the top of a module or below
ONLY = {
    "matplotlib": {"plots", "report", "cli", "reported"},
    "seaborn": {"plots"},
    "hypothesis": {"claims", "testing"},
    "flint": {"claims"},
    "finufft": {"law"},
}
# what may be imported inside a function, and why it is not at the module's top
INSIDE: dict[str, str] = {
    "torch": "a second, and only for devices, live models and .bin files",
    "scipy": "a fifth of a second for LAPACK",
    "pandas": "a third of a second, and only for tables",
    "matplotlib": "half a second, and only for pictures",
    "seaborn": "half a second, and only for pictures",
    "joblib": "only where work is spread",
    "threadpoolctl": "only where work is spread",
    "distributed": "only on a cluster, and an extra",
    "tqdm": "only where a bar is shown",
    "regex": "only for patterns that Python's own engine could run away with",
    "peft": "only for live models",
    "transformers": "a second, and only for training, and where a layer of GPT-2's kind is built",
    "safetensors": "only where an adapter is written",
    "hypothesis": "an extra",
    "flint": "an extra",
    "finufft": "an extra",
    "z3": "an extra",
    "gguf": "an extra, and only for quantised factors",
    "huggingface_hub": "half a second, and only for adapters that lie on the Hub",
    "rankkit.plots": "loads matplotlib and seaborn",
    "rankkit.claims.strategies": "loads hypothesis",
}
# what a room may load at its modules' top all the same: whoever imports rankkit.adapters trains with PEFT
AT_TOP = {"adapters": {"torch", "peft", "transformers"}, "watch": {"transformers"}}
# what a command loads when it runs, so that --help answers at once
LATE = {
    "cli": {
        "numpy", "audits", "checkpoints", "checks", "claims", "data", "execution", "factors", "files", "initializers",
        "law", "report", "reported", "rules", "sweeps", "watch"},
}  # fmt: skip


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def dotted(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in MODULES}


def imports(tree):
    """Yield (imported module, whether at the top of the file) for every import outside TYPE_CHECKING."""
    typing = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
              for n in ast.walk(node)}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            yield from ((name.name, node in tree.body) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            for name in node.names:
                outer = str(node.module)
                inner = f"{outer}.{name.name}"
                yield (inner if inner in NAMES else outer), node in tree.body


def broken_rules(path, source):
    """Return what in this source breaks the design."""
    wrong, own = [], room(path)
    for name, top in imports(ast.parse(source)):
        head = name.split(".")[0]
        target = name.split(".")[1] if head == "rankkit" and "." in name else None
        if target and target != own and target not in MAY_IMPORT[own]:
            wrong.append(f"{own} imports {name}")
        if head == "rankkit" and not target:
            wrong.append(f"{own} imports rankkit itself")
        if head in ONLY and own not in ONLY[head]:
            wrong.append(f"{own} imports {head}")
        heavy = any(f"{name}.".startswith(f"{library}.") for library in INSIDE)
        if top and heavy and target != own and own not in ONLY.get(head, ()) and head not in AT_TOP.get(own, ()):
            wrong.append(f"{own} imports {name} at its top")
        if not top and not heavy and (target or head) not in LATE.get(own, ()):
            wrong.append(f"{own} imports {name} inside a function")
    return wrong


INNER = [p for p in MODULES if p != ROOT / "__init__.py"]


@pytest.mark.parametrize("path", INNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_design(path):
    assert broken_rules(path, path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("metrics.py", "import matplotlib"), ("factors.py", "from rankkit.rules import Sine"),
        ("spectrum.py", "from rankkit.sweeps.plan import Plan"), ("metrics.py", "import torch"),
        ("metrics.py", "def f():\n    from hypothesis import given"), ("files.py", "def f():\n    import json"),
        ("audits/record.py", "from rankkit import plots"), ("report/card.py", "from rankkit.audits.record import Audit"),
        ("law/bounds.py", "import rankkit"),
    ],
)  # fmt: skip
def test_a_planted_import_is_caught(module, line):
    assert broken_rules(ROOT / module, f"{(ROOT / module).read_text()}\n{line}\n")


def circle(graph):
    """Return the modules of one circle in a graph of imports, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def imported(path):
    return {name for name, _ in imports(ast.parse(path.read_text())) if name in NAMES and name != dotted(path)}


def test_modules_import_each_other_in_no_circle():
    graph = {name: imported(path) for name, path in NAMES.items() if name != "rankkit"}
    assert circle(graph) == []
    graph["rankkit.factors"] |= {"rankkit.audits.truncate"}  # a planted one, of length five or so
    assert circle(graph)


def floors(path, source):
    """Return what in this source of a folder of the law stands on what is above it."""
    allowed = LAW[path.parent.name]
    names = {name for name, _ in imports(ast.parse(source)) if name.startswith("rankkit.law")}
    return [name for name in sorted(names) if name.split(".")[2] not in allowed]


@pytest.mark.parametrize("folder", LAW)
def test_the_law_stands_on_its_limit(folder):
    for path in (ROOT / "law" / folder).glob("*.py"):
        assert floors(path, path.read_text()) == [], path.name
    planted = "from rankkit.law.measures import Cutoff"
    assert floors(ROOT / "law" / folder / "made.py", planted) == ["rankkit.law.measures"]


def test_rooms_import_each_other_in_no_circle():
    assert circle(MAY_IMPORT) == []
    assert circle({**MAY_IMPORT, "factors": {"metrics"}})


def test_the_table_has_every_room_and_allows_nothing_that_is_not_used():
    used = {name: set() for name in {room(path) for path in INNER}}
    for path in INNER:
        targets = {name.split(".")[1] for name in imported(path) if "." in name}
        used[room(path)] |= targets - {room(path)}
    assert used == MAY_IMPORT


def test_few_modules_stand_directly_in_the_package():
    assert len(list(ROOT.glob("*.py"))) <= 18


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_one_idea_of_readable_size(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 300
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_module_is_named_for_nothing():
    nothing = {"utils", "util", "helpers", "core", "common", "misc", "base", "shared", "applied", "manager"}
    assert not {path.stem for path in MODULES} & nothing


def test_no_module_shadows_a_public_name():
    """`rankkit.audit` is the function and nothing else; so for every folder and the names it hands on."""
    shadowed = []
    for name, path in NAMES.items():
        parent, _, stem = name.rpartition(".")
        if parent and getattr(sys.modules.get(parent), stem, sys.modules.get(name)) is not sys.modules.get(name):
            shadowed.append(f"{path}: {parent}.{stem} is something else")
    assert not shadowed


def test_tests_mirror_the_package():
    tests = Path(__file__).parent
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert {path.name for path in tests.iterdir() if any(path.glob("test_*.py"))} <= folders | {"experiments"}


def test_every_room_stands_in_the_map():
    text = (ROOT.parent / "ARCHITECTURE.md").read_text()
    missing = [name for name in MAY_IMPORT if not re.search(rf"\b{name}(\.py|/|\b)", text)]
    assert not missing
    absent = [path.stem for path in INNER if path.stem != "__init__" and path.stem not in text]
    assert not absent


def test_public_names_are_these():
    assert rankkit.__all__ == [
        "Factors", "initializers", "rules", "Spectrum", "spectrum_of", "metrics", "Count", "count_above", "Similarity",
        "cosine_similarity", "Sweep", "sweep_frequency", "Audit", "audit", "audit_full", "Merged", "audit_merged",
        "Comparison", "compare", "Ranks",
        "suggest_ranks", "truncate", "Probe", "probe_frequencies", "Watched", "watch", "predict_spectrum", "predict_rank", "predict_stable_rank",
        "predict_curve", "frequency_for_rank", "rank_bounds", "leading_spectrum", "claims", "verify", "plots",
    ]  # fmt: skip
    for name in rankkit.__all__:
        assert getattr(rankkit, name) is not None
        assert name in dir(rankkit)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rankkit.nothing


def test_importing_rankkit_is_light():
    code = (
        "import sys, rankkit; print(*{'torch','pandas','scipy','matplotlib','seaborn','hypothesis'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_an_audit_of_a_plain_adapter_is_light():
    """It takes LAPACK from scipy, and leaves the package around it, which takes half of an audit's time."""
    heavy = {"torch", "pandas", "scipy.linalg", "numpy.f2py", "matplotlib", "seaborn"}
    code = f"import sys; from rankkit.cli.main import main; main(['audit', '--sample']); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(done.stdout.splitlines()) > 10


def test_importing_rankkit_adds_little_to_numpy():
    """A count of modules, which no other program on the machine can disturb; benchmarks/ has the seconds."""
    code = "import sys, numpy; before = len(sys.modules); import rankkit; print(len(sys.modules) - before)"
    assert int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) < 110


def _public_callables():
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                yield pytest.param(node, id=f"{path.relative_to(ROOT)}:{node.name}")


@pytest.mark.parametrize("node", list(_public_callables()))
def test_public_docstrings_begin_with_what_comes_back(node):
    text = ast.get_docstring(node)
    assert text
    assert text.splitlines()[0].endswith(".")
