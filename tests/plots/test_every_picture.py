"""Every function of rankkit.plots: labels in words, nothing cut off, and the axes that were given are drawn on."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import rankkit as rk
from rankkit import plots
from rankkit.watch import Watched
from rankkit.watch.learned import Learned, learned_rows
from rankkit.watch.measurement import measure
from tests.conftest import CONFIG, module
from tests.plots.test_plots import nothing_cut_off

OMEGAS = [0.1, 1.0, 10.0, 100.0]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def results():
    names = [f"layers.{i}.self_attn.{k}_proj" for i in range(3) for k in "qv"]
    state, other = (
        {k: v for i, name in enumerate(names) for k, v in module(name, seed=s + i).items()} for s in (0, 50)
    )
    report = rk.audit(state, config=CONFIG)
    grown = [measure({key: value * (1 + i) for key, value in state.items()}, 10 * i)[0] for i in range(4)]
    many = rk.compare(state, other, state, config=CONFIG, labels=["a style with a long name", "b", "c"])
    x, index = np.linspace(-3, 3, 20), np.arange(5)
    learned = [(10 * i, {name: Learned(x, i * np.sin(x), 1 + i * index / 10) for name in names}) for i in range(4)]
    return {
        "watched": Watched.of(grown).table,
        "fan": Watched.of(grown).spectra(names[0]),
        "phi": pd.DataFrame(learned_rows(learned, "phi")),
        "omega": pd.DataFrame(learned_rows(learned, "omega")),
        "summary": rk.sweep_frequency(24, 2, omegas=OMEGAS, seeds=2).summary(),
        "law": rk.predict_curve(OMEGAS, d=24, r=2, measures=["stable_rank", "numerical_rank"]).table,
        "audit": report.table,
        "spectra": report.spectra,
        "probe": rk.probe_frequencies(state, [1.0, 10.0, 100.0], config=CONFIG, progress=False).table,
        "compared": rk.compare(state, other, config=CONFIG).table,
        "grids": {name: many.matrix(name) for name in ("cosine", "column_energy", "row_energy", "sum_ratio")},
        "cosines": rk.cosine_similarity(np.random.default_rng(0).standard_normal((6, 4))).values,
    }


def matrices(_):
    table = pd.DataFrame(
        [{"panel": p, "row": i, "column": j, "value": i * j} for p in "ab" for i in range(3) for j in range(3)]
    )
    return plots.matrix_panels(
        table, "value", titles={"a": "first", "b": "second"}, limits=(0, 4), cmap="viridis", label="v"
    )


DRAWN = {
    "audit_overview": lambda r: plots.audit_overview(r["audit"], r["spectra"]),
    "comparison": lambda r: plots.comparison(r["compared"]),
    "cosine_heatmap": lambda r: plots.cosine_heatmap(r["cosines"], title="cosines"),
    "depth_profile": lambda r: plots.depth_profile(r["audit"], "effective_rank"),
    "frequency_curve": lambda r: plots.frequency_curve(r["summary"], "stable_rank"),
    "frequency_curves": lambda r: plots.frequency_curves(r["summary"], ["numerical_rank", "stable_rank"], law=r["law"]),
    "law_curves": lambda r: plots.law_curves(r["law"], ["stable_rank", "numerical_rank"]),
    "grid_heatmaps": lambda r: plots.grid_heatmaps(r["grids"]),
    "layer_heatmap": lambda r: plots.layer_heatmap(r["audit"], "stable_rank"),
    "learned_frequencies": lambda r: plots.learned_frequencies(r["omega"]),
    "learned_functions": lambda r: plots.learned_functions(r["phi"]),
    "matrix_panels": matrices,
    "ranks_over_steps": lambda r: plots.ranks_over_steps(r["watched"], by="layer"),
    "spectrum_fan": lambda r: plots.spectrum_fan(r["fan"]),
    "step_heatmap": lambda r: plots.step_heatmap(r["watched"], "effective_rank"),
    "training_overview": lambda r: plots.training_overview(r["watched"]),
    "printed_table": lambda r: plots.printed_table(["", "rank"], [["a", "1"]], {(0, 1): "INCONSISTENT"}, {(0, 1): "2"}, title="Table 1"),
    "probe_curves": lambda r: plots.probe_curves(r["probe"]),
    "rank_to_full": lambda r: plots.rank_to_full(r["summary"]),
    "spectra": lambda r: plots.spectra({"a": np.array([2.0, 1.0])}, rtol=1e-2),
    "spectra_grid": lambda r: plots.spectra_grid(r["audit"], r["spectra"]),
}  # fmt: skip
ON_GIVEN_AXES = {
    "cosine_heatmap": lambda r, ax: plots.cosine_heatmap(r["cosines"], ax=ax),
    "depth_profile": lambda r, ax: plots.depth_profile(r["audit"], ax=ax),
    "frequency_curve": lambda r, ax: plots.frequency_curve(r["summary"], "stable_rank", ax=ax),
    "layer_heatmap": lambda r, ax: plots.layer_heatmap(r["audit"], ax=ax),
    "learned_frequencies": lambda r, ax: plots.learned_frequencies(r["omega"], ax=ax),
    "ranks_over_steps": lambda r, ax: plots.ranks_over_steps(r["watched"], ax=ax),
    "spectrum_fan": lambda r, ax: plots.spectrum_fan(r["fan"], ax=ax),
    "step_heatmap": lambda r, ax: plots.step_heatmap(r["watched"], ax=ax),
    "printed_table": lambda r, ax: plots.printed_table(["x"], [["1"]], {}, {}, ax=ax),
    "probe_curves": lambda r, ax: plots.probe_curves(r["probe"], ax=ax),
    "rank_to_full": lambda r, ax: plots.rank_to_full(r["summary"], ax=ax),
    "spectra": lambda r, ax: plots.spectra({"a": np.array([2.0, 1.0])}, ax=ax),
}


def panels(drawn):
    return list(np.asarray(drawn, dtype=object).ravel())


def test_every_picture_is_drawn_here():
    helpers = {"LABELS", "PALETTE", "label_lines", "panels_for"}
    assert set(DRAWN) == set(plots.__all__) - helpers


@pytest.mark.parametrize("name", DRAWN)
def test_labels_are_words_and_nothing_is_cut_off(results, name):
    axes = panels(DRAWN[name](results))
    figure = axes[0].figure
    assert isinstance(figure, Figure)
    said = [text.get_text() for text in figure.findobj(match=Text) if text.get_visible()]
    assert any(said)
    assert not [text for text in said if "_" in text and "proj" not in text]
    if name != "printed_table":
        assert all(ax.get_xlabel() for ax in axes if ax.get_visible() and ax.get_subplotspec().is_last_row())
    assert nothing_cut_off(figure)


@pytest.mark.parametrize("name", ON_GIVEN_AXES)
def test_the_axes_that_are_given_are_drawn_on(results, name):
    ax = plt.figure().add_subplot()
    assert ON_GIVEN_AXES[name](results, ax) is ax


def test_a_frequency_has_its_unit(results):
    axes = panels(DRAWN["frequency_curves"](results)) + panels(DRAWN["law_curves"](results))
    assert {ax.get_xlabel() for ax in axes} == {"frequency ω  [rad per unit of BA]"}
    assert axes[0].child_axes[0].get_xlabel().endswith("[rad]")


def test_names_at_the_ends_of_lines_keep_apart():
    (ax,) = plots.panels_for(None, 1, (4, 3))
    for i in range(6):
        ax.plot([0, 1], [0, 1 + i * 1e-3], label=f"line {i}")
    ax.plot([0, np.nan], [0.2, 0.3], label="half")
    ax.plot([0, 1], [0.5, 0.5])
    ax.set_ylim(0, 1.01)
    plots.label_lines(ax, gap=0.1)
    texts: Any = list(ax.texts)
    heights = sorted(text.xy[1] for text in texts)
    assert sorted(text.get_text() for text in texts) == ["half", *(f"line {i}" for i in range(6))]
    assert np.min(np.diff(heights)) >= 0.1 - 1e-12
    assert heights[-1] <= 1


def test_a_verdict_has_its_colour_and_its_name(results):
    ax = DRAWN["printed_table"](results)
    assert [text.get_text() for text in ax.texts] == ["orange: inconsistent"]
    (table,) = ax.tables
    assert table[1, 1].get_text().get_text() == "1\n(2)"
    assert to_hex(table[1, 1].get_facecolor()) == "#f4a582"
    assert to_hex(table[1, 0].get_facecolor()) == "#ffffff"


def test_the_points_of_one_pair_stand_at_their_layers(results):
    panel = panels(DRAWN["comparison"](results))[0]
    assert set(panel.lines[0].get_xdata()) == {0.0, 1.0, 2.0}
