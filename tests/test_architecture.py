"""The design, held by the code's own syntax: who may import whom, how large a module may be, what is public."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rankkit

ROOT = Path(rankkit.__file__).parent
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__main__.py")

FACTS = {"factors"}
CHECKPOINTS = {"checkpoints"}
# stage -> the stages of rankkit it may import, at any level of indentation
MAY_IMPORT = {
    "factors": set(),
    "checks": set(),
    "inline": {"report"},
    "regime": set(),
    "plots": {"plots", "regime"},
    "store": set(),
    "execution": set(),
    "report": set(),
    "initializers": {"factors"},
    "rules": {"factors", "rules"},
    "solvers": {"factors", "products", "solvers"},
    "checkpoints": {"factors", "products", "rules", "checkpoints"},
    "products": {"factors"},
    "spectrum": {"factors", "products", "solvers"},
    "similarity": {"factors", "plots"},
    "metrics": {"solvers", "spectrum"},
    "plan": {"factors", "initializers", "rules", "metrics"},
    "measurement": {"factors", "plan", "solvers", "spectrum", "metrics", "execution", "store"},
    "sweep": {"plan", "measurement", "initializers", "rules", "metrics", "store", "plots"},
    "uncertainty": {"metrics", "spectrum"},
    "applied": {"checkpoints", "factors", "products", "regime", "rules", "spectrum", "metrics", "uncertainty"},
    "base": {"applied", "checkpoints", "factors", "products", "rules", "metrics", "spectrum"},
    "definitions": set(),
    "card": {"audit", "definitions", "rankkit", "report"},
    "page": {"audit", "definitions", "plots", "rankkit", "report", "verdict"},
    "batches": {"applied", "checkpoints", "execution", "factors", "rules", "spectrum"},
    "audit": {"applied", "batches", "card", "page", "base", "checkpoints", "rules", "execution", "store", "plots"},
    "compare": {"checkpoints", "factors", "rules", "execution", "store", "plots"},
    "truncate": {"audit", "checkpoints", "compare", "factors", "rules", "execution"},
    "probe": {"applied", "batches", "checkpoints", "rules", "metrics", "uncertainty", "execution", "store", "plots"},
    "testing": {"factors", "spectrum"},
    "law": {
        "checks",
        "factors",
        "initializers",
        "inline",
        "law",
        "metrics",
        "regime",
        "rules",
        "solvers",
        "spectrum",
        "store",
        "uncertainty",
    },
    "verdict": set(),
    "claims": {"claims", "data", "execution", "page", "verdict"},
    "gallery": {"execution", "plots", "rankkit", "store"},
    "reported": {"page", "plots", "reported", "store", "verdict"},
    "gates": {"audit"},
    "arguments": {"gates"},
    "data": {"data"},
    "commands": {
        "arguments",
        "audit",
        "claims",
        "commands",
        "compare",
        "data",
        "definitions",
        "execution",
        "gallery",
        "gates",
        "initializers",
        "law",
        "plots",
        "probe",
        "report",
        "reported",
        "rules",
        "store",
        "sweep",
        "truncate",
    },
    "cli": {"commands", "rankkit"},
}
ONLY = {
    "matplotlib": {"plots", "page", "gallery", "commands", "reported"},
    "seaborn": {"plots"},
    "hypothesis": {"claims", "testing"},
    "flint": {"claims"},
    "finufft": {"law"},
}
LAZY = {
    "torch",
    "distributed",
    "dask",
    "pandas",
    "scipy",
    "matplotlib",
    "seaborn",
    "joblib",
    "threadpoolctl",
    "tqdm",
    "regex",
    "peft",
}


def stage(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree):
    """Yield (imported module, whether at the top of the file outside TYPE_CHECKING) for every import."""
    typing = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
              for n in ast.walk(node)}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            yield from ((name.name, node in tree.body) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            own = node.module == "rankkit"
            yield from ((f"rankkit.{name.name}" if own else node.module, node in tree.body) for name in node.names)


def broken_rules(path, source):
    """Return what in this source breaks the design."""
    wrong = []
    for name, top in imports(ast.parse(source)):
        head, *rest = name.split(".")
        if head == "rankkit":
            target = rest[0] if (rest and (ROOT / rest[0]).exists()) or (ROOT / f"{rest[0]}.py").exists() else "rankkit"
            if target not in MAY_IMPORT[stage(path)]:
                wrong.append(f"{stage(path)} imports {name}")
        if head in ONLY and stage(path) not in ONLY[head]:
            wrong.append(f"{stage(path)} imports {head}")
        if head in LAZY and top and head not in ONLY:
            wrong.append(f"{stage(path)} imports {head} at its top")
    return wrong


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p != ROOT / "__init__.py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_follow_the_design(path):
    assert broken_rules(path, path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("metrics.py", "import matplotlib"), ("factors.py", "from rankkit.rules import Sine"), ("spectrum.py", "from rankkit import sweep"),
        ("metrics.py", "import torch"), ("metrics.py", "def f():\n    from hypothesis import given"),
    ],
)  # fmt: skip
def test_a_planted_import_is_caught(module, line):
    assert broken_rules(ROOT / module, f"{(ROOT / module).read_text()}\n{line}\n")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_one_idea_of_readable_size(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 300
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_module_is_named_for_nothing():
    assert not {stage(p) for p in MODULES} & {"utils", "helpers", "core", "common", "misc"}


def test_every_stage_stands_in_the_map():
    text = (ROOT.parent / "ARCHITECTURE.md").read_text()
    missing = [name for name in MAY_IMPORT if f"{name}.py" not in text and f"{name}/" not in text]
    assert not missing


def test_public_names_are_these():
    assert rankkit.__all__ == [
        "Factors", "initializers", "rules", "Spectrum", "spectrum_of", "metrics", "Count", "count_above", "Similarity",
        "cosine_similarity", "Sweep", "sweep_frequency", "Audit", "audit", "audit_full", "Comparison", "compare", "Ranks",
        "suggest_ranks", "truncate", "Probe", "probe_frequencies", "predict_spectrum", "predict_rank", "predict_stable_rank",
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
