"""The figures: made once, remade when they must be, drawn so that all can be read; the committed ones are up to date."""

import hashlib
import itertools
import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from rankkit.cli.main import main
from rankkit.data import figure_scripts
from rankkit.plots import PALETTE
from rankkit.plots.style import STYLE
from rankkit.report.gallery import figures, make, tables

pytestmark = pytest.mark.timeout(300)  # one fixture makes all figures
FIGURES = figures(figure_scripts())
IDS = [figure.name for figure in FIGURES]
GREYS = {"#888888", "#000000", "#e4e4e4", "#ffffff"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of a quick run."""
    mpl.use("Agg")
    out = tmp_path_factory.mktemp("figures")
    assert set(make(FIGURES, out, quick=True, progress=False).values()) == {"made"}
    return out


def test_there_are_enough_of_them():
    assert len(FIGURES) >= 20


def test_a_second_run_makes_nothing_and_the_same_data_come_again(quick, tmp_path):
    before = {path.name: path.read_bytes() for path in quick.glob("*.csv") if not path.stem.endswith("_timing")}
    assert set(make(FIGURES, quick, quick=True, progress=False).values()) == {"kept"}
    some = [figure for figure in FIGURES if figure.name in ("six_tolerances", "sine_fig2", "loran_fig2", "lr_fig4")]
    make(some, tmp_path, quick=True, force=True, progress=False)
    for path in tmp_path.glob("*.csv"):
        assert path.read_bytes() == before[path.name]


SCRIPT = """
TITLE, SHOWS, COMPARED = "a line", "Shows a line.", "No paper has it."
ARGUMENTS = {"slope": 2}
def data(slope):
    return {"x": [0, 1], "y": [0, slope]}
def draw(table):
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots()
    axes.plot(table["x"], table["y"])
    axes.set(xlabel="x", ylabel="y")
    return figure
"""


def test_a_figure_is_made_again_when_its_script_or_its_data_change(tmp_path, capsys):
    script, out = tmp_path / "line.py", tmp_path / "out"
    script.write_text(SCRIPT)
    run = ["figures", "--from", str(tmp_path), "--out", str(out), "--no-progress"]

    def state():
        assert main(run) == 0
        return capsys.readouterr().out.strip()

    assert [state(), state()] == ["line: made", "line: kept"]
    script.write_text(SCRIPT.replace("2}", "3}"))
    assert state() == "line: made"
    assert pd.read_csv(out / "line.csv")["y"].tolist() == [0, 3]
    (out / "line.csv").write_text("x,y\n0,0\n")
    assert state() == "line: made"
    assert {path.suffix for path in out.glob("line.*")} == {".csv", ".png", ".svg", ".json"}
    assert "Shows a line. No paper has it." in (out / "README.md").read_text()


def test_one_that_fails_is_named_and_the_others_are_made(tmp_path, capsys):
    (tmp_path / "good.py").write_text(SCRIPT)
    (tmp_path / "bad.py").write_text(SCRIPT.replace('return {"x"', 'raise RuntimeError("no data")\n    return {"x"'))
    assert main(["figures", "--from", str(tmp_path), "--out", str(tmp_path / "out"), "--no-progress"]) == 1
    said = capsys.readouterr().out
    assert "good: made" in said
    assert "bad: failed: RuntimeError: no data" in said


def test_names_that_are_none_are_refused(tmp_path, capsys):
    assert main(["figures", "nothing", "--out", str(tmp_path)]) != 0
    assert "there is no figure nothing; there are" in capsys.readouterr().err
    assert main(["figures", "--from", str(tmp_path), "--out", str(tmp_path)]) != 0
    assert "has no figure scripts" in capsys.readouterr().err


@pytest.fixture(params=FIGURES, ids=IDS)
def drawn(request, quick):
    """One figure, drawn from its quick data."""
    with plt.rc_context(STYLE):
        figure = request.param.draw(*tables(request.param, quick))
        figure.canvas.draw()
        yield figure
    plt.close(figure)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def beyond(axes):
    """Return the labels of ticks that lie outside an axis' limits: they are not drawn."""
    for axis, place in ((axes.xaxis, 0), (axes.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        for label in [*axis.get_ticklabels(which="both")]:
            if not low <= label.get_position()[place] <= high:
                yield label


def words_in(figure):
    """Return every text that shows, with its place in pixels."""
    renderer = figure.canvas.get_renderer()
    hidden = {label for axes in figure.axes for one in (axes, *axes.child_axes) for label in beyond(one)}
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def _inside(box, other):
    return box.x0 >= other.x0 - 1 and box.x1 <= other.x1 + 1 and box.y0 >= other.y0 - 1 and box.y1 <= other.y1 + 1


def test_no_text_is_cut_and_none_lies_over_another(drawn):
    page = drawn.bbox
    texts = words_in(drawn)
    assert texts
    for said, box in texts:
        assert _inside(box, page), f"{said!r} leaves the page"
    for (one, a), (two, b) in itertools.combinations(texts, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide < 2 or high < 2, f"{one!r} lies over {two!r}"


def test_every_axis_is_labelled(drawn):
    firsts = [axes for axes in panels(drawn) if axes.get_xlabel() or axes.get_ylabel()]
    assert firsts
    for axes in panels(drawn):
        assert axes.get_xlabel() or axes.get_ylabel()
        assert axes.get_xlabel() or not axes.xaxis.get_visible() or axes.get_label() == "<colorbar>"


def test_lines_and_bars_take_colours_that_all_can_tell_apart(drawn):
    allowed = {to_hex(color) for color in PALETTE} | GREYS
    for axes in panels(drawn):
        for line in axes.get_lines():
            assert to_hex(line.get_color()) in allowed
        for patch in axes.patches:
            assert to_hex(patch.get_facecolor()) in allowed


def test_the_palette_differs_for_those_who_see_two_colours():
    # Vienot, Brettel and Mollon 1999: linear maps of linear RGB for protanopia and deuteranopia
    maps = {
        "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    for kind in maps.values():
        seen = [np.clip(np.array(kind) @ np.array(to_rgb(c)) ** 2.2, 0, 1) ** (1 / 2.2) for c in PALETTE]
        for one, two in itertools.combinations(seen, 2):
            assert np.linalg.norm(one - two) > 0.12


@pytest.mark.parametrize("figure", FIGURES, ids=IDS)
def test_the_committed_figure_is_up_to_date(figure):
    out = figure_scripts()
    about = json.loads((out / f"{figure.name}.json").read_text())
    assert about["key"] == figure.key(quick=False), "run `make figures` and commit what it made"
    assert about["data"] == hashlib.sha256((out / f"{figure.name}.csv").read_bytes()).hexdigest()
    assert (out / f"{figure.name}.png").stat().st_size < 400_000
    readme = (out / "README.md").read_text()
    assert figure.shows in readme
    assert figure.compared in readme


def test_no_machine_shows_in_a_committed_figure():
    for path in figure_scripts().glob("*.svg"):
        text = path.read_text()
        assert str(Path.home()) not in text
        assert str(figure_scripts().parent) not in text
