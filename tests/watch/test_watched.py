"""Watched: its table, pictures and page say what was measured, and the page works in a browser."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import rankkit as rk
from rankkit.columns import COLUMN_TYPES
from rankkit.report.watched_page import MOST_STEPS
from rankkit.watch import Watched
from rankkit.watch.measurement import measure
from tests.conftest import CONFIG, module, save
from tests.watch.runs import adapted, train
from tests.watch.test_watch import METHODS


def grown(step, *, evil=""):
    """An adapter that has trained for so many steps: one module dead at first, one with a name that may be markup."""
    state = module(f"model.layers.0.{evil}q_proj", seed=1) | module("model.layers.1.up_proj", seed=2)
    for key in state:
        state[key] = state[key] * np.float32(step if "lora_B" in key else 1)
    return state


def of_steps(folder, steps, **more):
    return Watched.of([measure(save(folder / str(step), grown(step, **more)), step)[0] for step in steps])


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    return of_steps(tmp_path_factory.mktemp("run"), (0, 100, 200, 300))


def test_the_table_is_tidy_and_typed(watched, tmp_path):
    table = watched.table
    assert len(table) == 4 * 2
    assert list(table.columns[:2]) == ["step", "module"]
    assert set(table.columns) <= set(COLUMN_TYPES["Watched"])
    assert table["step"].tolist() == [0, 0, 100, 100, 200, 200, 300, 300]
    assert (table.loc[table["step"] == 0, "status"] == "zero").all()
    assert watched.save(tmp_path / "a.csv").read_text().startswith("step,module,")
    assert watched.save(tmp_path / "a.html").read_text().startswith("<!doctype html>")
    with pytest.raises(ValueError, match="must end in"):
        watched.save(tmp_path / "a.txt")


def test_it_shows_itself(watched):
    text = repr(watched)
    assert "4 measurements of 2 modules" in text
    assert "steps 0 to 300" in text
    assert "<svg" in watched._repr_html_()
    assert "nothing yet: 0 measurements" in repr(Watched.of([]))


def test_one_step_is_an_audit(watched):
    audit = watched.audit(100)
    direct = rk.audit(grown(100), config=CONFIG, progress=False)
    assert json.dumps(audit.columns) == json.dumps(direct.columns)
    assert watched.last_audit.columns == watched.audit(300).columns
    ranks = rk.suggest_ranks(watched, keep=0.9)
    assert ranks.rank_pattern == rk.suggest_ranks(direct, keep=0.9).rank_pattern
    with pytest.raises(ValueError, match="step 5 was not measured; there are 0, 100"):
        watched.audit(5)
    with pytest.raises(ValueError, match="nothing was measured yet"):
        Watched.of([]).audit()
    with pytest.raises(ValueError, match="has no measured update; there are model.layers.0.q_proj"):
        watched.spectra("nothing")


def test_pictures_are_of_what_was_measured(watched):
    lines, cells = watched.plot()
    drawn = [line.get_ydata() for line in lines.get_lines() if len(np.atleast_1d(line.get_xdata())) == 3]
    stable = watched.table.set_index(["module", "step"])["stable_rank"]
    assert any(np.array_equal(y, stable.loc["model.layers.1.up_proj"].iloc[1:]) for y in drawn)
    mesh = np.ma.filled(cells.collections[0].get_array().reshape(2, 4), np.nan)
    assert np.isnan(mesh[:, 0]).all()  # dead: grey
    assert np.array_equal(mesh[1, 1:], stable.loc["model.layers.1.up_proj"].iloc[1:])
    fan = watched.plot_spectra("model.layers.0.q_proj")
    assert len(fan.get_lines()) == 3
    assert np.array_equal(fan.get_lines()[-1].get_ydata(), watched.spectra("model.layers.0.q_proj")[300])
    with pytest.raises(ValueError, match="no module of this training learns its phi"):
        watched.plot_functions()
    with pytest.raises(ValueError, match="learns its omega"):
        watched.plot_frequencies()
    with pytest.raises(ValueError, match="by must be"):
        watched.plot(by="size")
    plt.close("all")


def test_learned_functions_are_those_of_the_live_layer():
    model = adapted(METHODS["LR"]())
    watch = rk.watch.Watch(model, every=2, budget=None)
    train(model, 4, watch=watch)
    table = watch.watched.learned_columns("phi")
    layer = model.base_model.model.layers[0].q_proj
    amplitude, width = (
        layer.lora_amplitude["default"].detach().numpy(),
        layer.lora_bandwidth["default"].detach().numpy(),
    )
    own = table[(table["module"] == "layers.0.q_proj") & (table["step"] == 4)]
    omega = np.logaddexp(0, width.astype(float))
    expected = np.sinc(omega * (own["x"].to_numpy()[:, None] - np.linspace(-3, 3, 9))) @ amplitude.astype(float)
    np.testing.assert_allclose(own["phi"], expected, atol=1e-12)
    frequencies = watch.watched.learned_columns("omega")
    last = frequencies[(frequencies["module"] == "layers.0.q_proj") & (frequencies["step"] == 4)]
    np.testing.assert_allclose(last["omega"], omega, rtol=1e-12)
    assert len(watch.watched.plot_functions(["layers.0.q_proj"])) == 1
    assert watch.watched.plot_frequencies().get_xlabel() == "step"
    assert watch.watched.to_html().count("<figure>") == 5
    with pytest.raises(ValueError, match="modules must learn a function"):
        watch.watched.plot_functions(["head"])
    plt.close("all")


def test_checkpoints_of_a_run_are_measured(tmp_path):
    for step in (1000, 200, 30):
        save(tmp_path / f"checkpoint-{step}", grown(step), CONFIG)
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "logs").mkdir()
    watched = Watched.load(tmp_path)
    assert watched.steps == [30, 200, 1000]
    audit = rk.audit(tmp_path / "checkpoint-200", progress=False)
    assert json.dumps(watched.audit(200).columns) == json.dumps(audit.columns)
    (tmp_path / "checkpoint-1100").mkdir()
    with pytest.raises(ValueError, match="checkpoint-1100 cannot be read: .*no tensor file"):
        Watched.load(tmp_path)


def test_the_page_needs_nothing_else_and_no_name_becomes_markup(tmp_path):
    made = of_steps(tmp_path, (100, 200), evil="<script>alert(1)</script>&'\"")
    page = made.to_html()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page.replace("xlink:href", "href"))
    assert "default-src 'none'" in page
    assert "<script>alert" not in page
    assert page == made.to_html()
    with pytest.raises(ValueError, match="nothing was measured yet"):
        Watched.of([]).to_html()


def test_a_long_training_has_a_page_of_a_bounded_size(watched):
    one = watched.measurements[1]
    many = Watched.of([replace(one, step=step) for step in range(3 * MOST_STEPS)])
    page = many.to_html()
    assert f'max="{MOST_STEPS - 1}"' in page
    assert f"The slider has {MOST_STEPS} of the {3 * MOST_STEPS} measured steps." in page


MOVE = """
<script>
const seen = [];
const look = () => seen.push({
  step: document.getElementById('at').textContent,
  cells: [...document.querySelectorAll('#modules tbody tr')].map(row => [...row.cells].map(cell => cell.textContent)),
  lines: document.querySelectorAll('#spectra polyline').length, width: document.getElementById('spectra').clientWidth,
  figures: [...document.querySelectorAll('.figures svg')].filter(svg => svg.clientWidth > 100).length,
});
const slider = document.getElementById('step');
look();
for (const place of [0, 1]) { slider.value = place; slider.dispatchEvent(new Event('input')); look(); }
document.body.innerHTML = '<pre id=seen>' + JSON.stringify(seen).replace(/</g, '&lt;') + '</pre>';
</script>
"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the chromium browser")
def test_the_slider_shows_each_step_in_a_browser(watched, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(watched.to_html().replace("</body>", f"{MOVE}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", "--virtual-time-budget=5000",
               f"--user-data-dir={tmp_path / 'browser'}"]  # fmt: skip
    run = subprocess.run(
        ["chromium", *options, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120
    )
    found = re.search(r"<pre id=\"seen\">(.*?)</pre>", run.stdout, re.S)
    assert found, run.stderr[-500:]
    last, first, second = json.loads(html.unescape(found[1]))
    assert [one["step"] for one in (last, first, second)] == ["300", "0", "100"]
    assert last["figures"] == 2
    assert last["width"] > 300
    assert (last["lines"], first["lines"]) == (4, 2)  # two modules, and the grey lines of the last step
    assert first["cells"][0][1:] == ["-"] * 6 + ["zero"]
    shown = float(second["cells"][1][1])
    assert shown == pytest.approx(watched.audit(100).columns["stable_rank"][1], rel=1e-3)
    assert second["cells"][1][-1] == "ok"
