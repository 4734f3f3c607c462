"""What the results of the spine and of sweeps show of themselves: short, quick, and safe whatever a file holds."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit import testing as laws
from rankkit.products import Kronecker
from rankkit.report.inline import WIDTH
from rankkit.spectrum import Spectrum
from rankkit.sweeps.record import Sweep

HOSTILE = "<img src=x onerror=alert(1)>&\x1b[2J" + "q" * 3000


def hostile_sweep():
    """A sweep as a file could hold it: words that are HTML, every metric, and a third of its rows."""
    swept = rk.sweep_frequency(12, 2, omegas=np.geomspace(0.1, 50, 9), seeds=3, metrics=list(rk.metrics.METRICS))
    said = dict.fromkeys(("rule", "initializer", "dtype", "d"), HOSTILE)
    return Sweep({name: values[:9] for name, values in swept.columns.items()}, swept.arguments | said, swept.platform)


UPDATE = laws.orthogonal(0, 3) * np.array([1.0, 1e-3, 1e-6])
BESIDE = float(rk.spectrum_of(UPDATE).values[1])  # a threshold within the error of a singular value


F = rk.initializers.KaimingUniform()(40, 30, 3, seed=0)
MANY = rk.initializers.Normal()(3, 4, 2, seed=range(5000))
SHOWN = {
    "factors": lambda: F,
    "factors of torch": lambda: rk.Factors(torch.as_tensor(F.B), torch.as_tensor(F.A)),
    "many factors": lambda: MANY,
    "a spectrum": lambda: rk.spectrum_of(rk.rules.Sine(30.0)(F)),
    "a complete spectrum": lambda: rk.spectrum_of(F),
    "a truncated spectrum": lambda: rk.spectrum_of(np.diag(np.arange(1.0, 101.0)), top=3),
    "many spectra": lambda: rk.spectrum_of(MANY),
    "spectra with an error for each value": lambda: rk.spectrum_of(MANY.product(), tol=1e-3),
    "a spectrum of nothing": lambda: Spectrum([], (0, 0), complete=True, energy=0.0, noise_floor=0.0),
    "a count": lambda: rk.count_above(F),
    "an open count": lambda: rk.count_above(UPDATE, atol=BESIDE),
    "many counts": lambda: rk.count_above(MANY),
    "many counts, some open": lambda: rk.count_above(np.stack([UPDATE, np.eye(3), 2 * UPDATE]), atol=BESIDE),
    "cosines": lambda: rk.cosine_similarity(F),
    "cosines of zero": lambda: rk.cosine_similarity(np.zeros((2, 2))),
    "cosines of many rows": lambda: rk.cosine_similarity(np.random.default_rng(0).standard_normal((1200, 3))),
    "many cosines": lambda: rk.cosine_similarity(MANY),
    "a sweep": lambda: rk.sweep_frequency(12, 2, seeds=2),
    "a sweep without a positive frequency": lambda: rk.sweep_frequency(8, 1, omegas=[0.0], seeds=1),
    "a sweep as a file could hold it": hostile_sweep,
}


@pytest.fixture(scope="module")
def shown():
    return {kind: make() for kind, make in SHOWN.items()}


@pytest.mark.parametrize("kind", SHOWN)
def test_a_result_is_at_most_fifteen_short_lines(shown, kind):
    lines = repr(shown[kind]).splitlines()
    assert 2 <= len(lines) <= 15
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
    assert lines[0].endswith((".", "…"))


@pytest.mark.parametrize("kind", SHOWN)
def test_a_result_is_a_small_piece_of_sound_html(shown, kind):
    page = shown[kind]._repr_html_()
    assert len(page) < 60_000
    tree = ElementTree.fromstring(page)
    assert {element.tag.split("}")[-1] for element in tree.iter()} <= {
        "div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "img", "svg", "path", "text", "tspan", "polyline",
        "circle",
    }  # fmt: skip
    assert not [element for element in tree.iter() if any(name.startswith("on") for name in element.attrib)]
    assert all(src.startswith("data:image/png") for element in tree.iter("img") if (src := element.get("src")))


def test_the_numbers_that_matter_are_there(shown):
    assert "m=40, n=30, r=3" in repr(shown["factors"])
    assert "5,000 updates B A, batch (5000,)" in repr(shown["many factors"])
    assert "torch, cpu" in repr(shown["factors of torch"])
    assert "all 30 singular values" in repr(shown["a spectrum"])
    assert f"sigma_1 = {shown['a spectrum'].values[0]:.4g}" in repr(shown["a spectrum"])
    assert "3 singular values, all others are zero" in repr(shown["a complete spectrum"])
    assert "the 3 largest of 100 singular values" in repr(shown["a truncated spectrum"])
    assert "Spectra of 5,000 updates" in repr(shown["many spectra"])
    assert "threshold: 3." in repr(shown["a count"])
    assert "between 1 and 2" in repr(shown["an open count"])
    assert "undecided" in repr(shown["an open count"])
    assert "5,000 of 5,000 counts are decided" in repr(shown["many counts"])
    assert "2 of 3 counts are decided\n  undecided: a singular value" in repr(shown["many counts, some open"])
    assert f"{shown['cosines'].mean_absolute:.4g}" in repr(shown["cosines"])
    assert "2 rows are zero" in repr(shown["cosines of zero"])
    assert "9 of 27 rows are measured so far" in repr(shown["a sweep as a file could hold it"])
    curve, line = shown["a sweep"].summary(), repr(shown["a sweep"]).splitlines()[-1].split()
    assert [float(cell) for cell in line] == pytest.approx(
        curve[["omega", "c", "numerical_rank_mean", "stable_rank_mean"]].iloc[-1].tolist(), rel=1e-3
    )


def test_pictures_stand_where_they_say_more(shown):
    drawn = {kind for kind in SHOWN if any(tag in shown[kind]._repr_html_() for tag in ("<img", "<svg"))}
    assert drawn == {"cosines", "a sweep", "a sweep as a file could hold it"}


def test_factors_inside_a_message_take_one_line():
    assert "\n" not in f"{F} {Kronecker(F, F)!r}"
    with pytest.raises(ValueError, match="n = 7") as caught:
        rk.rules.AdaSine(1.0, np.ones(7)).response(F, np.ones(7))
    assert "\n" not in str(caught.value)


def test_factors_are_shown_without_a_look_at_their_entries():
    """A trillion entries that stand in no memory: whatever is computed from them would not come back."""
    B, A = np.broadcast_to(1.0, (10**11, 10)), np.broadcast_to(1.0, (10, 10**11))
    assert "m=100000000000, n=100000000000, r=10" in repr(rk.Factors._derived(B, A))


def test_text_takes_no_picture_library():
    code = (
        "import sys, numpy as np, rankkit as rk; f = rk.Factors(np.ones((4, 2)), np.ones((2, 3)));"
        "[repr(x) for x in (f, rk.spectrum_of(f), rk.count_above(f), rk.cosine_similarity(f))];"
        "print(*{'torch', 'pandas', 'matplotlib', 'seaborn'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
