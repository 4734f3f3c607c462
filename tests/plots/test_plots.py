"""Pictures: axes come back, with labels, fixed ranges and nothing shown or cut off."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

import rankkit as rk
from tests.conftest import CONFIG, module


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def sweep():
    return rk.sweep_frequency(24, 2, omegas=[0.1, 1, 10, 100], seeds=3)


@pytest.fixture(scope="module")
def report():
    dead = module("layers.1.self_attn.q_proj", seed=9)
    dead["base_model.model.layers.1.self_attn.q_proj.lora_B.weight"][:] = 0
    state = {}
    for i, name in enumerate(
        ("layers.0.self_attn.q_proj", "layers.0.attn.c_proj", "layers.0.mlp.c_proj", "layers.1.mlp.c_proj")
    ):
        state |= module(name, seed=i)
    return rk.audit(state | dead, config=CONFIG)


def nothing_cut_off(figure):
    """Return whether all that is drawn lies within the figure, to a hundredth of an inch."""
    figure.canvas.draw()
    drawn, frame = figure.get_tightbbox(), figure.bbox_inches
    return bool(np.all(drawn.min >= frame.min - 0.01) and np.all(drawn.max <= frame.max + 0.01))


def test_a_curve_shows_mean_band_and_both_frequencies(sweep):
    axes = sweep.plot()
    assert [a.get_xscale() for a in axes] == ["log", "log"]
    for axis, metric in zip(axes, sweep.metrics):
        np.testing.assert_allclose(axis.lines[0].get_ydata(), sweep.summary()[f"{metric}_mean"])
        assert len(axis.collections) == 1
        assert "ω" in axis.get_xlabel()
        assert axis.child_axes
    assert nothing_cut_off(axes[0].figure)


def test_nothing_is_computed_shown_or_saved_by_a_plot(sweep, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("shown"))
    ax = plt.figure().add_subplot()
    assert rk.plots.frequency_curve(sweep.summary(), "stable_rank", ax=ax) is ax


def test_a_cut_off_label_would_be_caught(sweep):
    figure = sweep.plot()[0].figure
    figure.text(0.98, 0.5, "a label that leaves the page")
    assert not nothing_cut_off(figure)


def test_spectra_have_a_tolerance_line():
    ax = rk.plots.spectra({"a": np.array([4.0, 1.0, 0.0]), "b": np.array([1.0, 0.1])}, rtol=1e-3)
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_ydata()), [1, 0.25, np.nan])
    assert np.asarray(ax.lines[2].get_ydata())[0] == 1e-3
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["a", "b"]


def test_the_cosine_heatmap_has_a_fixed_range():
    ax = rk.cosine_similarity(np.array([[1.0, 0.1], [1.0, 0.0], [0.0, 0.0]])).plot()
    assert ax.collections[0].get_clim() == (-1, 1)


def test_audit_pictures(report):
    axes = report.plot()
    profile = axes[0]
    names = [t.get_text() for t in profile.get_legend().get_texts()]
    assert names == ["attn.c_proj", "mlp.c_proj", "q_proj", "dead: q_proj"]
    assert len(axes[1].lines) == 4 + 1  # one spectrum a living module, and the tolerance
    assert nothing_cut_off(profile.figure)


def test_the_layer_heatmap_leaves_dead_modules_blank(report):
    ax = rk.plots.layer_heatmap(report.table)
    drawn = ax.collections[0].get_array()
    assert drawn is not None
    values = np.ma.filled(drawn.astype(float), np.nan).reshape(3, 2)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["attn.c_proj", "mlp.c_proj", "q_proj"]
    assert np.isnan(values[2, 1])
    assert np.isfinite(values[2, 0])


def test_a_report_without_layers_or_life_still_draws():
    dead = module("q")
    dead["base_model.model.q.lora_B.weight"][:] = 0
    assert len(rk.audit(dead, config=CONFIG).plot()) == 2
    assert len(rk.audit(module("q"), config=CONFIG).plot()) == 2


def test_a_curve_without_a_positive_frequency_is_empty_and_no_crash():
    axes = rk.sweep_frequency(8, 1, omegas=[0.0], seeds=1).plot()
    assert len(axes[0].lines[0].get_xdata()) == 0


def test_the_law_is_drawn_beside_what_was_measured(sweep):
    summary = sweep.summary()
    law = rk.predict_curve(
        summary["omega"],
        d=int(summary["d"].iloc[0]),
        n=int(summary["n"].iloc[0]),
        r=int(summary["r"].iloc[0]),
        measures=["stable_rank"],
    ).table
    axes = sweep.plot(law=law)
    for axis, metric in zip(axes, sweep.metrics):
        dashed = [line for line in axis.lines if line.get_label() == "law"]
        assert len(dashed) == (metric == "stable_rank")
        for line in dashed:
            np.testing.assert_allclose(line.get_ydata(), law["stable_rank"])


def test_a_name_with_dollars_is_drawn_as_it_stands():
    names = ["$x$", "$\\frac{$", "a$b", "\\$"]
    panel = rk.plots.spectra({name: np.ones(3) for name in names})
    panel.figure.canvas.draw()
    shown = {str(text.get_text()) for text in panel.figure.findobj(Text)}
    assert shown >= {name.replace("$", r"\$") for name in names}  # which matplotlib draws as a dollar
