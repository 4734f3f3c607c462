"""What a picture is given: a result is as good as its table, and anything else is one sentence and no figure."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import rankkit as rk
from rankkit import plots as typed
from rankkit.watch import Watched
from rankkit.watch.learned import Learned
from rankkit.watch.measurement import measure
from tests.conftest import CONFIG, module

plots: Any = typed  # what is passed is of the wrong type on purpose
OMEGAS = [0.1, 1.0, 10.0, 100.0]
NAMES = [f"layers.{i}.self_attn.{kind}_proj" for i in range(2) for kind in "qv"]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def made():
    """One result of each kind."""
    state, other = (
        {key: value for i, name in enumerate(NAMES) for key, value in module(name, seed=start + i).items()}
        for start in (0, 50)
    )
    x = np.linspace(-3, 3, 20)
    measured = [measure({key: value * (1 + i) for key, value in state.items()}, 10 * i)[0] for i in range(3)]
    for one in measured:
        one.learned.update({name: Learned(x, np.sin(x), np.arange(1.0, 4.0)) for name in NAMES})
    return {
        "sweep": rk.sweep_frequency(24, 2, omegas=OMEGAS, seeds=2, progress=False),
        "curve": rk.predict_curve(OMEGAS, d=24, r=2, measures=["stable_rank", "numerical_rank"]),
        "audit": rk.audit(state, config=CONFIG),
        "probe": rk.probe_frequencies(state, [1.0, 10.0], config=CONFIG, progress=False),
        "comparison": rk.compare(state, other, config=CONFIG),
        "watched": Watched.of(measured),
        "similarity": rk.cosine_similarity(np.random.default_rng(0).standard_normal((6, 4))),
    }


# function -> the result that it draws, what of the result is the same, and the rest of the call
TAKEN = {
    "frequency_curve": ("sweep", lambda s: s.summary(), ["stable_rank"]),
    "rank_to_full": ("sweep", lambda s: s.summary(), []),
    "frequency_curves": ("sweep", lambda s: s.summary(), [["numerical_rank", "stable_rank"]]),
    "law_curves": ("curve", lambda c: c.table, [["stable_rank"]]),
    "probe_curves": ("probe", lambda p: p.table, []),
    "layer_heatmap": ("audit", lambda a: a.table, []),
    "depth_profile": ("audit", lambda a: a.table, []),
    "comparison": ("comparison", lambda c: c.table, []),
    "ranks_over_steps": ("watched", lambda w: w.table, []),
    "step_heatmap": ("watched", lambda w: w.table, []),
    "training_overview": ("watched", lambda w: w.table, []),
    "learned_functions": ("watched", lambda w: w.learned_columns("phi"), []),
    "learned_frequencies": ("watched", lambda w: w.learned_columns("omega"), []),
    "spectra": ("audit", lambda a: a.spectra, []),
    "cosine_heatmap": ("similarity", lambda s: s.values, []),
    "grid_heatmaps": ("comparison", lambda c: {n: c.matrix(n) for n in ("cosine", "column_energy", "row_energy", "sum_ratio")}, []),
}  # fmt: skip
WITH_SPECTRA = ("audit_overview", "spectra_grid")
WRONG = [None, "adapter/", 3, [1, 2], np.ones((2, 3)), {}, pd.DataFrame({"a": [1.0]}), pd.DataFrame(), object()]


def picture(drawn):
    """Return a picture as pixels."""
    figure = np.asarray(drawn, dtype=object).ravel()[0].figure
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def refused(call):
    """Return the sentence with which a call is refused, once it is found to be one and to leave no figure."""
    before = plt.get_fignums()
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    said = str(error.value)
    assert " must " in said
    assert "got" in said
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 400
    assert plt.get_fignums() == before
    return said


@pytest.mark.parametrize("name", TAKEN)
def test_a_result_is_drawn_as_its_table(made, name):
    kind, part, rest = TAKEN[name]
    draw = getattr(plots, name)
    np.testing.assert_array_equal(picture(draw(made[kind], *rest)), picture(draw(part(made[kind]), *rest)))


@pytest.mark.parametrize("name", WITH_SPECTRA)
def test_an_audit_brings_its_spectra(made, name):
    draw, report = getattr(plots, name), made["audit"]
    np.testing.assert_array_equal(picture(draw(report)), picture(draw(report.table, report.spectra)))
    said = refused(lambda: draw(report.table))
    assert "Audit.spectra" in said


@pytest.mark.parametrize("name", [*TAKEN, *WITH_SPECTRA])
def test_anything_else_is_one_sentence_and_no_figure(made, name):
    rest = TAKEN[name][2] if name in TAKEN else []
    fine = {"spectra": dict, "cosine_heatmap": pd.DataFrame}.get(name, ())  # of no update, of an update with one row
    wrong = [given for given in WRONG if not isinstance(given, fine)]
    for given in (*wrong, *(made[kind] for kind in made if name not in TAKEN or kind != TAKEN[name][0])):
        if name in (*WITH_SPECTRA, "spectra") and given is made["audit"]:
            continue
        said = refused(lambda given=given: getattr(plots, name)(given, *rest))
        assert "rankkit." in said or "Watched.spectra" in said


@pytest.mark.parametrize("name", ["frequency_curve", "rank_to_full", "frequency_curves", "step_heatmap"])
def test_a_table_without_rows_is_refused_where_a_row_is_needed(made, name):
    kind, part, rest = TAKEN[name]
    assert "empty" in refused(lambda: getattr(plots, name)(part(made[kind]).iloc[:0], *rest))


def test_a_metric_that_is_not_there_is_named_with_those_that_are(made):
    assert "stable_rank" in refused(lambda: plots.frequency_curve(made["sweep"], "rank"))
    assert "stable_rank" in refused(lambda: plots.frequency_curves(made["sweep"], ["stable_rank", "rank"]))
    assert "stable_rank" in refused(lambda: plots.law_curves(made["curve"], ["rank"]))
    for metric in ("rank", "kind"):  # the second is a column, of words
        assert "stable_rank" in refused(lambda metric=metric: plots.layer_heatmap(made["audit"], metric))
        assert "stable_rank" in refused(lambda metric=metric: plots.depth_profile(made["audit"], metric))
        assert "stable_rank" in refused(lambda metric=metric: plots.ranks_over_steps(made["watched"], metric))
        assert "stable_rank" in refused(lambda metric=metric: plots.step_heatmap(made["watched"], metric))
    refused(lambda: plots.frequency_curves(made["sweep"], []))
    refused(lambda: plots.frequency_curves(made["sweep"], 3))
    refused(lambda: plots.training_overview(made["watched"], by="depth"))
    refused(lambda: plots.learned_functions(made["watched"], modules=["nowhere"]))


def test_one_name_is_as_good_as_a_list_of_one(made):
    one = plots.frequency_curves(made["sweep"], "stable_rank", law=made["curve"])
    listed = plots.frequency_curves(made["sweep"].summary(), ["stable_rank"], law=made["curve"].table)
    np.testing.assert_array_equal(picture(one), picture(listed))
    assert len(plots.learned_functions(made["watched"], modules=NAMES[0])) == 1


@pytest.mark.parametrize("axes", ["x", 3, [], "two"])
def test_axes_have_to_be_as_many_as_the_panels(made, axes):
    given = list(plots.panels_for(None, 2, (3, 3))) if axes == "two" else axes
    assert "3 Axes" in refused(lambda: plots.panels_for(given, 3, (3, 3)))
    assert "1 Axes" in refused(lambda: plots.law_curves(made["curve"], ["stable_rank"], axes=given))
    assert "an Axes" in refused(lambda: plots.depth_profile(made["audit"], ax=given))


@pytest.mark.parametrize("sigma", [None, "a", [], 3.0, np.ones((2, 2)), [[1], [1, 2]], ["a"]])
def test_spectra_are_rows_of_numbers(made, sigma):
    assert "'one'" in refused(lambda: plots.spectra({"one": sigma}))
    refused(lambda: plots.spectrum_fan({"one": sigma}))
    refused(lambda: plots.spectra_grid(made["audit"], {"one": [1.0]}))


def test_cosines_are_a_square():
    for wrong in (np.ones((3, 2)), np.ones((2, 3, 3)), 1.0, [["a"]], np.ones((0, 0)), 2 * np.eye(3)):
        assert "(m, m)" in refused(lambda wrong=wrong: plots.cosine_heatmap(wrong))


def test_a_matrix_has_places_and_values():
    rest = {"titles": {"a": "first"}, "limits": (0, 1), "cmap": "viridis", "label": "v"}
    for wrong in (None, "a", pd.DataFrame({"row": [1]})):
        assert "panel" in refused(lambda wrong=wrong: plots.matrix_panels(wrong, "value", **rest))


def test_printed_cells_are_as_many_as_the_header_has():
    assert "2 cells" in refused(lambda: plots.printed_table(["a", "b"], [["1"]], {}, {}))
    assert "WRONG" in refused(lambda: plots.printed_table(["a"], [["1"]], {(0, 0): "WRONG"}, {}))
