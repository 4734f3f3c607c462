"""Every public result as a notebook shows it, looked at in a browser: visible, whole, and in the colours of its page."""

import html
import json
import re
import shutil
import subprocess

import pytest

import rankkit as rk
from rankkit import claims
from rankkit.data import sample_adapter
from rankkit.watch.measurement import measure

LEAST = 20  # pixels: a line of text
# for each box: what is drawn, its size, and whether every text has the box's own colour
LOOK = """
const seen = [...document.querySelectorAll("main > section")].map(box => {
  const texts = [...box.querySelectorAll("p, td, th")], drawn = [...box.querySelectorAll("img, svg")];
  const own = getComputedStyle(box).color;
  return {
    name: box.id, height: box.offsetHeight, words: box.innerText.trim().length,
    strange: texts.filter(text => getComputedStyle(text).color !== own).length,
    hidden: texts.filter(text => text.innerText.trim() && !text.getClientRects().length).length,
    pictures: drawn.map(one => [one.getBoundingClientRect().width, one.getBoundingClientRect().height]),
  };
});
document.body.innerHTML = "<pre id=seen>" + JSON.stringify(seen).replace(/</g, "&lt;") + "</pre>";
"""


def results():
    """One of each public result, by name."""
    factors = rk.initializers.KaimingUniform()(24, 32, 2, seed=0)
    adapter = sample_adapter()
    audit = rk.audit(adapter, progress=False)
    holds = claims.Claim(
        "mine", "x >= 0", domain=claims.Domain(x=claims.Real(0, 1)), margin=lambda v, a: v.x, paper="mine"
    )
    return {
        "Factors": factors,
        "Spectrum": rk.spectrum_of(rk.rules.Sine(30.0)(factors)),
        "Count": rk.count_above(factors, rtol=1e-3),
        "Similarity": rk.cosine_similarity(rk.rules.Sine(3.0)(factors)),
        "Sweep": rk.sweep_frequency(d=24, r=2, omegas=[1, 10, 100], seeds=2, progress=False),
        "Audit": audit,
        "Comparison": rk.compare(adapter, adapter, labels=("one", "two"), progress=False),
        "Probe": rk.probe_frequencies(adapter, [10.0, 1000.0], progress=False),
        "Ranks": rk.suggest_ranks(audit),
        "Watched": rk.Watched.of([measure(adapter, step)[0] for step in (0, 10)]),
        "Prediction": rk.predict_rank(50.0, d=64, r=2),
        "Curve": rk.predict_curve([1, 10, 100], d=64, r=2),
        "Checked": claims.check(holds),
        "Ledger": claims.Ledger((claims.check(holds),)),
    }


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """What the browser sees of each result, on a light and on a dark page."""
    shown = {name: result._repr_html_() for name, result in results().items()}
    boxes = "".join(
        f'<section id="{name} {page}" style="{style}">{inside}</section>'
        for page, style in (("light", "color:#111;background:#fff"), ("dark", "color:#eee;background:#111"))
        for name, inside in {**shown, "Planted": '<p style="color:#123456">fixed</p>'}.items()
    )
    file = tmp_path_factory.mktemp("page") / "shown.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><main>{boxes}</main><script>{LOOK}</script>")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", "--virtual-time-budget=5000",
               f"--user-data-dir={file.parent / 'browser'}"]  # fmt: skip
    run = subprocess.run(
        ["chromium", *options, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120
    )
    found = re.search(r"<pre id=\"seen\">(.*?)</pre>", run.stdout, re.S)
    assert found, run.stderr[-500:]
    return {one["name"]: one for one in json.loads(html.unescape(found[1]))}


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the chromium browser")
def test_results_are_seen_whole_and_in_the_colours_of_the_page(looked_at):
    assert len(looked_at) == 2 * 15
    for name, seen in looked_at.items():
        if name.startswith("Planted"):
            continue
        assert seen["height"] >= LEAST, name
        assert seen["words"] > 10, name
        assert (seen["strange"], seen["hidden"]) == (0, 0), name
        assert all(min(size) >= LEAST for size in seen["pictures"]), name
    assert any(seen["pictures"] for seen in looked_at.values())


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the chromium browser")
def test_a_fixed_colour_is_seen(looked_at):
    assert looked_at["Planted dark"]["strange"] == 1
