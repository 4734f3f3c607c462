"""What a row rests on that is not known: it is a status, a count, a gate and a mark, and is never averaged in silence."""

import json

import matplotlib.colors as mcolors
import numpy as np
import pytest

import rankkit as rk
from rankkit.audits.gates import Gate
from rankkit.checkpoints.assumptions import UNKNOWN, named, rests, surest
from rankkit.report.text import audit_text
from tests.checkpoints.conftest import normal

B, A = normal(12, 3), normal(3, 10)


def kohya(**alphas):
    """An adapter of several modules; one whose alpha is None has none in the file."""
    state = {}
    for i, (name, alpha) in enumerate(alphas.items()):
        path = f"lora_unet_blocks_{i}_attn_{name}"
        state |= {f"{path}.lora_up.weight": (i + 1) * B, f"{path}.lora_down.weight": A}
        state |= {} if alpha is None else {f"{path}.alpha": np.array(alpha, np.float32)}
    return state


def vera(width):
    """VeRA's file: two trained vectors, and projections as wide as the widest module."""
    return {
        "base_model.model.q.vera_lambda_b": normal(6), "base_model.model.q.vera_lambda_d": normal(3),
        "base_model.vera_A": normal(3, width), "base_model.vera_B": normal(8, 3),
    }  # fmt: skip


def test_a_scale_that_is_not_stored_is_assumed_and_the_ranks_stay():
    known, unknown = rk.audit(kohya(q=3.0)).table.iloc[0], rk.audit(kohya(q=None)).table.iloc[0]
    assert (known["status"], unknown["status"]) == ("ok", "assumed")
    assert (known["assumed"], unknown["assumed"]) == ("", "scale")
    assert "scale 1 assumed" in unknown["note"]
    assert unknown["stable_rank"] == pytest.approx(known["stable_rank"], rel=1e-12)


def test_a_width_that_is_not_stored_is_assumed():
    report = rk.audit(vera(9))
    assert (report.columns["status"], report.columns["assumed"]) == (["assumed"], ["width"])
    assert report.coverage == "1 of 1 module measured, 1 of them with an unknown width."


def test_under_another_rule_the_scale_does_not_matter():
    table = rk.audit(kohya(q=None), rule=rk.rules.Sine(3.0)).table
    assert (table["status"].item(), table["assumed"].item()) == ("ok", "")
    assert rk.audit(vera(9), rule=rk.rules.Sine(3.0)).columns["assumed"] == ["width"]


def test_the_direction_of_dora_is_assumed_until_the_base_is_there():
    state = {"q.lora_A.weight": A, "q.lora_B.weight": B, "q.lora_magnitude_vector": np.ones(12)}
    config = {"r": 3, "lora_alpha": 3, "use_dora": True}
    alone = rk.audit(state, config=config).table.iloc[0]
    assert (alone["status"], alone["assumed"]) == ("assumed", "base weight")
    whole = rk.audit(state, config=config, base={"q.weight": normal(12, 10)}).table.iloc[0]
    assert (whole["status"], whole["assumed"]) == ("ok", "")
    open_scale = rk.audit(state, base={"q.weight": normal(12, 10)}).table.iloc[0]
    assert open_scale["assumed"] == "inner scale"  # m (W + s B A) / ||W + s B A|| - W is no multiple of s


def test_what_is_assumed_is_counted_and_not_averaged_with_what_was_measured():
    report = rk.audit(kohya(q=3.0, k=3.0, v=None))
    assert report.coverage == "3 of 3 modules measured, 1 of them with an unknown scale."
    norms = report.columns["frobenius_norm"]
    whole = report.summary().iloc[-1]
    assert (whole["ok"], whole["assumed"]) == (2, 1)
    assert whole["frobenius_norm_max"] == max(norms[:2]) < norms[2]
    assert whole["stable_rank_median"] == np.median(report.columns["stable_rank"])  # no scale changes these
    alone = rk.audit(kohya(v=None)).summary().iloc[-1]
    assert (alone["ok"], alone["assumed"]) == (0, 1)
    assert alone["frobenius_norm_max"] > 0
    assert surest("stable_rank", [1.0, 9.0], ["", "width"]) == [1.0]


def test_gates_can_refuse_it_and_take_no_number_that_rests_on_it():
    report = rk.audit(kohya(q=3.0, v=None))
    assert Gate("assumed_modules > 0").trips(report)
    assert Gate("ok_modules < 2").trips(report)
    assert Gate("max(frobenius_norm) > 1e9").trips(report)  # not known
    assert not Gate("max(stable_rank) > 1e9").trips(report)
    assert not Gate("assumed_modules > 0").trips(rk.audit(kohya(q=3.0)))


def test_pages_pictures_and_records_mark_it():
    report = rk.audit(kohya(q=3.0, v=None))
    assert '<tr class="assumed">' in report.to_html()
    assert "1 of 2</strong><span>assumed modules" in report.to_html()
    assert "hollow mark" in report.to_html()
    assert "assumed modules" not in rk.audit(kohya(q=3.0)).to_html()
    assert json.loads(json.dumps(report.record()))["modules"][1]["assumed"] == "scale"
    assert "with an unknown scale" in audit_text(report)
    faces = {str(line.get_label()): line.get_markerfacecolor() for line in report.plot()[0].get_lines()}
    hollow = {name: mcolors.to_rgba(face)[3] == 0 for name, face in faces.items() if "attn" in name}
    assert set(hollow.values()) == {True, False}
    assert all(empty == name.endswith("(assumed)") for name, empty in hollow.items())


def test_a_cell_of_the_heat_map_takes_no_assumed_value_beside_a_measured_one():
    from rankkit.plots import layer_heatmap

    table = rk.audit(vera(9)).table.assign(layer=0, module="a.0.q")
    table = type(table)({**table.to_dict("list")}).loc[[0, 0]].reset_index(drop=True)
    table["module"], table["status"], table["stable_rank"] = ["a.0.q", "b.0.q"], ["ok", "assumed"], [1.0, 9.0]
    table["module"] = ["a.q", "a.q"]
    both = layer_heatmap(table)
    assert np.asarray(both.collections[0].get_array()).ravel().tolist() == [1.0]
    assert not both.lines
    alone = layer_heatmap(table.assign(status="assumed"))
    assert np.asarray(alone.collections[0].get_array()).ravel().tolist() == [5.0]
    assert len(alone.lines) == 1


def test_compare_says_what_its_rows_rest_on():
    found = rk.compare(kohya(q=6.0), kohya(q=None), labels=("one", "two"))
    row = found.table.iloc[0]
    assert (row["status"], row["assumed"]) == ("assumed", "scale")
    assert row["note"] == "two: no alpha stored: scale 1 assumed"
    assert "with an unknown scale" in found.coverage
    assert row["cosine"] == pytest.approx(1)


def test_every_unknown_has_its_meaning():
    assert all(meaning.endswith(".") for meaning in UNKNOWN.values())
    assert named(UNKNOWN).count(" or ") == len(UNKNOWN) - 1
    assert not any(rests("r", name) for name in UNKNOWN)
    assert {name for name in UNKNOWN if not rests("stable_rank", name)} == {"scale"}
