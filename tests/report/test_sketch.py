"""Sketches: small, whole, true to the numbers, and safe whatever a line is called."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from rankkit.report.sketch import COLOURS, HEIGHT, LEFT, MOST_LINES, WIDTH, Line, medians, sketch

SVG = "{http://www.w3.org/2000/svg}"


def points(svg):
    tree = ElementTree.fromstring(svg)
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        for line in tree.iter(f"{SVG}polyline")
    ]


def test_a_line_goes_through_its_points():
    drawn = points(sketch([Line("a", (0, 1, 4), (2, 2, 3)), Line("b", (0, 4), (1, 3))], across="x", up="y"))
    (one, two) = drawn
    assert one[0][0] == two[0][0] == LEFT
    assert (one[1][0] - one[0][0]) / (one[2][0] - one[0][0]) == pytest.approx(0.25, abs=0.01)
    assert one[0][1] == pytest.approx((two[0][1] + two[1][1]) / 2, abs=0.2)  # 2 is halfway from 1 to 3
    assert one[2] == two[1]
    assert two[1][1] < two[0][1]  # upwards


def test_logarithmic_axes_are_logarithmic():
    (line,) = points(sketch([Line("a", (1, 10, 100, -1, 0), (1, 10, 100, 5, 5))], across="x", up="y", logarithmic=True))
    assert len(line) == 3
    assert line[1][0] == pytest.approx((line[0][0] + line[2][0]) / 2, abs=1)
    text = sketch([Line("a", (1, 100), (1, 10))], across="x", up="y", logarithmic=True)
    assert {">1<", ">100<", ">10<"} <= set(re.findall(r">[\d.]+<", text))


def test_nothing_to_draw_is_no_picture():
    assert sketch([], across="x", up="y") == ""
    assert sketch([Line("a", (float("nan"), 1), (1, float("inf")))], across="x", up="y") == ""
    (line,) = points(sketch([Line("a", (3,), (7,))], across="x", up="y"))  # one point stands in the middle
    assert 0 < line[0][0] < WIDTH
    assert 0 < line[0][1] < HEIGHT


def test_many_lines_stay_a_small_picture():
    rng = np.random.default_rng(0)
    many = [Line(f"module {i}", tuple(range(1, 1001)), tuple(rng.random(1000) + 1)) for i in range(1000)]
    svg = sketch(many, across="x", up="y")
    assert len(points(svg)) <= MOST_LINES
    assert len(svg) < 60_000
    assert len(sketch(many[:2], across="x", up="y")) < 60_000
    assert len(points(sketch(many[:1], across="x", up="y"))[0]) == 1000


def test_a_name_cannot_become_markup():
    hostile = "<script>alert(1)</script>\x1b&\"'"
    svg = sketch([Line(hostile, (0, 1), (0, 1))], across=hostile, up=hostile)
    tree = ElementTree.fromstring(svg.replace("\x1b", ""))
    assert "<script" not in svg
    assert tree.tag == f"{SVG}svg"


def test_lines_of_one_name_have_one_colour_and_ink_is_the_pages():
    svg = sketch([Line(name, (0, 1), (i, i)) for i, name in enumerate("aba")], across="x", up="y")
    strokes = [line.attrib["stroke"] for line in ElementTree.fromstring(svg).iter(f"{SVG}polyline")]
    assert strokes == [COLOURS[0], COLOURS[1], COLOURS[0]]
    assert svg.count("currentColor") == 2  # axes and words, light on dark and dark on light


def test_medians_are_by_name_and_place():
    got = medians("aabab", [2, 2, 1, None, 0], [1.0, 4.0, 5.0, 9.0, float("nan")])
    assert got == [Line("a", (2.0,), (2.5,)), Line("b", (1.0,), (5.0,))]


def test_the_colours_are_those_of_the_plots():
    """They stand twice, since the plots' module loads matplotlib."""
    from rankkit.plots import PALETTE

    assert tuple(PALETTE[: len(COLOURS)]) == COLOURS
