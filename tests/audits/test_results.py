"""What an audit and its relatives show of themselves: short, whole, quick, and safe whatever a file holds."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import rankkit as rk
from rankkit.audits.gates import Gate
from rankkit.audits.update import apply
from rankkit.audits.weights import Base
from rankkit.checkpoints import open_adapter
from rankkit.data import sample_adapter
from rankkit.report.inline import WIDTH
from tests.conftest import CONFIG, module

HOSTILE = "layers.0.<img src=x onerror=alert(1)>&" + "q" * 300


def large(seed=0):
    """An adapter of 300 modules, one of which is dead and one called like an attack."""
    state = {}
    for i in range(298):
        state |= module(f"model.layers.{i // 4}.self_attn.{'qkvo'[i % 4]}_proj", seed=seed + i)
    state |= module(HOSTILE, seed=seed) | module("model.layers.9.mlp.up", seed=seed)
    state["base_model.model.model.layers.9.mlp.up.lora_B.weight"][:] = 0
    return state | {f"base_model.model.head.{i}.weight\x1b[2J{HOSTILE}": np.ones((2, 2)) for i in range(50)}


@pytest.fixture(scope="module")
def shown():
    report = rk.audit(large(), config=CONFIG)
    return {
        "an audit": report,
        "an audit of nothing": rk.audit({k: 0 * v for k, v in module("q").items()}, config=CONFIG),
        "a comparison": rk.compare(*(large(seed) for seed in range(4)), config=CONFIG, pairs="all"),
        "a probe": rk.probe_frequencies(large(), [0.1, 1.0, 10.0], config=CONFIG, progress=False),
        "ranks": rk.suggest_ranks(report, keep=0.9),
    }


KINDS = ("an audit", "an audit of nothing", "a comparison", "a probe", "ranks")


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_at_most_fifteen_lines(shown, kind):
    lines = repr(shown[kind]).splitlines()
    assert 3 < len(lines) <= 15
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
    assert "." in " ".join(lines[1:])  # how to go on


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_a_small_table_in_a_notebook(shown, kind):
    page = shown[kind]._repr_html_()
    assert len(page) < 60_000
    tree = ElementTree.fromstring(page)  # what a name could have broken
    tables = list(tree.iter("table"))
    assert tables
    assert all(len(list(table.iter("tr"))) <= 9 for table in tables)
    assert "<img" not in page
    assert "\x1b" not in page
    pictures = list(tree.iter("{http://www.w3.org/2000/svg}svg"))
    assert len(pictures) == (kind not in ("ranks", "an audit of nothing"))


def test_a_summary_says_what_was_measured(shown):
    report = shown["an audit"]
    text, page = repr(report), report._repr_html_()
    stable = np.median([v for v in report.columns["stable_rank"] if v == v])
    assert "Audit of state dict: 300 modules" in text
    assert "299 of 300 modules measured (1 zero); 50 tensors not analysed" in text
    for said in (text, page):
        assert f"median stable rank {stable:.4g}" in said
        assert ".summary()" in said
    assert report.coverage.split(";")[0] in page
    assert "299" in repr(rk.suggest_ranks(report))
    assert rk.suggest_ranks(report).summary in " ".join(repr(rk.suggest_ranks(report)).split())


def test_no_path_of_this_machine_is_shown():
    report = rk.audit(sample_adapter())
    for text in (repr(report), report._repr_html_()):
        assert "adapter_model.safetensors" in text
        assert str(sample_adapter().parent) not in text


def test_showing_loads_neither_pandas_nor_matplotlib():
    code = (
        "import sys, rankkit as rk; from rankkit.data import sample_adapter\n"
        "a = rk.audit(sample_adapter(), progress=False); b = rk.suggest_ranks(a)\n"
        "for result in (a, b): repr(result); result._repr_html_()\n"
        "assert not {'pandas', 'matplotlib', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_stands_inside_shows_itself_in_one_line():
    layer = open_adapter(module("q"), config=CONFIG).layers[0]
    assert repr(apply(layer)).startswith("<Applied: ok, rule linear, stable rank ")
    assert repr(Base({"q.weight": np.eye(3)})) == "Base('state dict', 1 tensor)"
    assert repr(Base({"q.weight": np.eye(3), "k.weight": np.eye(3)})) == "Base('state dict', 2 tensors)"
    assert repr(Gate("dead_modules > 0")) == "Gate(text='dead_modules > 0')"
    ElementTree.fromstring(Gate("min(utilization) < 0.1")._repr_html_())


def test_coverage_names_three_reasons_and_no_more():
    state = module("q")
    for i in range(9):
        state |= {f"base_model.model.q{i}.lora_A.weight": np.ones((4, 10))} | {f"q{i}.lora_A.weight": np.ones((4, 10))}
    coverage = rk.audit(state, config=CONFIG).coverage
    assert coverage.count("a second A of") == 3
    assert coverage.endswith("; ...).")
