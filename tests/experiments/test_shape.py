"""Occupancy of meshes whose inside is known, what closes a mesh, and a network that learns a sphere."""

import math
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from experiments.grid.plan import Plan
from experiments.layers import KINDS, Layers
from experiments.shape.__main__ import SHAPE
from experiments.shape.mesh import Mesh, bunny
from experiments.shape.occupancy import MARGIN, grid_points, iou, occupancy
from experiments.shape.work import Coordinates, learn
from experiments.training import parameters

OCTAHEDRON = Mesh(
    np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float),
    np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]),
)  # fmt: skip
QUICK = {"seed": 0, "rate": 1e-2, "steps": 150, "batch": 256, "width": 32, "spread": 0.3, "rank": 1, "omega": 50.0}


def finer(mesh):
    """Every triangle as four, the new corners pushed out to the unit sphere."""
    vertices, between, faces = [*mesh.vertices], {}, []

    def middle(a, b):
        key = (min(a, b), max(a, b))
        if key not in between:
            between[key] = len(vertices)
            point = vertices[a] + vertices[b]
            vertices.append(point / np.linalg.norm(point))
        return between[key]

    for a, b, c in mesh.faces.tolist():
        ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
        faces += [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]
    return Mesh(np.array(vertices), np.array(faces))


@pytest.fixture(scope="module")
def sphere():
    mesh = OCTAHEDRON
    for _ in range(4):
        mesh = finer(mesh)
    return mesh


def moved(mesh, *, by=(0, 0, 0), times=1.0):
    return Mesh(mesh.vertices * times + np.array(by), mesh.faces)


def together(*meshes):
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def share(filled):
    """The volume of filled cells over that of the cube which the longest side would fill."""
    return filled.mean() / (1 - MARGIN) ** 3


def test_a_sphere_fills_its_volume_and_nothing_else(sphere):
    filled = occupancy(sphere, 48)
    assert sphere.volume() == pytest.approx(4 * math.pi / 3, rel=0.01)
    assert share(filled) == pytest.approx(math.pi / 6, rel=0.01)
    radius = np.linalg.norm(grid_points(48), axis=1).reshape(filled.shape) / (1 - MARGIN)
    assert filled[radius < 0.995].all()
    assert not filled[radius > 1.0001].any()


def test_place_and_size_of_a_mesh_do_not_matter(sphere):
    filled = occupancy(sphere, 24)
    there = occupancy(moved(sphere, by=(700, -3, 0.1), times=512), 24)
    assert (filled != there).mean() < 1e-3  # cells whose centre lies on the surface but for rounding


def test_a_hole_inside_is_empty_and_the_axes_are_not_mixed_up(sphere):
    shell = together(sphere, moved(sphere, times=0.5, by=(0.3, 0, 0)))
    filled = occupancy(shell, 40)
    assert share(filled) == pytest.approx(math.pi / 6 * (1 - 0.5**3), rel=0.02)
    points = grid_points(40).reshape(40, 40, 40, 3) / (1 - MARGIN)
    inner = np.linalg.norm(points - [0.3, 0, 0], axis=-1)
    assert not filled[inner < 0.495].any()
    assert filled[(inner > 0.51) & (np.linalg.norm(points, axis=-1) < 0.99)].all()


@pytest.mark.parametrize("count", [9, 10])
def test_lines_that_run_through_edges_and_corners_are_counted_once(count):
    """The octahedron's edges lie over the planes x = 0, y = 0 and x = y, where lines run when the count is odd."""
    points = np.abs(grid_points(count).astype(float)).sum(1).reshape(count, count, count) / (1 - MARGIN)
    np.testing.assert_array_equal(occupancy(OCTAHEDRON, count), points < 1)


def test_an_open_mesh_is_refused(sphere):
    with pytest.raises(ValueError, match="must be closed, got 3 edges"):
        occupancy(Mesh(sphere.vertices, sphere.faces[1:]), 4)


def test_a_mesh_is_closed_and_rid_of_what_stands_out(sphere):
    assert (sphere.neighbours() == 2).all()
    around = (sphere.faces == 4).any(1)  # the triangles at the upper pole
    closed = Mesh(sphere.vertices, sphere.faces[~around]).closed()
    assert (closed.neighbours() == 2).all()
    assert closed.volume() == pytest.approx(sphere.volume(), rel=1e-2)
    assert iou(occupancy(closed, 32), occupancy(sphere, 32)) > 0.98
    # a fin lies over two neighbours: it has an edge of each, and one of its own
    a, b, c = sphere.faces[0].tolist()
    beside = next(face for face in sphere.faces.tolist() if {a, b} < set(face) and c not in face)
    (far,) = set(beside) - {a, b}
    finned = Mesh(sphere.vertices, np.concatenate([sphere.faces, [[c, a, far]]]))
    assert sorted(finned.neighbours()[-1].tolist()) == [1, 3, 3]
    np.testing.assert_array_equal(finned.without_fins().faces, sphere.faces)


def test_holes_that_touch_are_refused(sphere):
    first = sphere.faces[0]
    other = next(i for i, face in enumerate(sphere.faces) if len(set(face) & set(first)) == 1)
    with pytest.raises(ValueError, match="touch each other"):
        Mesh(sphere.vertices, np.delete(sphere.faces, [0, other], axis=0)).closed()


def test_a_ply_file_comes_back_and_others_are_refused(tmp_path):
    file = tmp_path / "octahedron.ply"
    head = (
        "ply\nformat binary_little_endian 1.0\ncomment made by a test\nelement vertex 6\nproperty float x\n"
        "property float y\nproperty float z\nelement face 8\nproperty list uchar int vertex_indices\nend_header\n"
    )
    points = OCTAHEDRON.vertices.astype("<f4").tobytes()
    faces = b"".join(struct.pack("<Biii", 3, *face) for face in OCTAHEDRON.faces.tolist())
    file.write_bytes(head.encode() + points + faces)
    read = Mesh.read(file)
    np.testing.assert_array_equal(read.vertices, OCTAHEDRON.vertices)
    np.testing.assert_array_equal(read.faces, OCTAHEDRON.faces)
    file.write_bytes(head.encode() + points + faces.replace(b"\x03\x00", b"\x04\x00", 1))
    with pytest.raises(ValueError, match="no triangles"):
        Mesh.read(file)
    file.write_bytes(head.replace("binary_little_endian", "ascii").encode())
    with pytest.raises(ValueError, match="binary PLY"):
        Mesh.read(file)


@pytest.mark.skipif(find_spec("pymeshfix") is None, reason="the package that ships the bunny is not installed")
def test_the_bunny_is_closed_and_fills_its_volume():
    mesh = bunny()
    assert (mesh.neighbours() == 2).all()
    side = np.ptp(mesh.vertices, axis=0).max()
    assert share(occupancy(mesh, 64)) * side**3 == pytest.approx(mesh.volume(), rel=2e-3)


def test_iou_counts_what_is_common():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 8, 8, 8)) < 0.5
    assert iou(a, a) == 1
    assert iou(a, ~a) == 0
    assert iou(a, b) == iou(b, a)
    assert iou(a & b, a) == (a & b).sum() / a.sum()
    assert iou(a & ~a, a & ~a) == 1
    # inclusion and exclusion
    both = iou(a, b) * (a | b).sum()
    assert both + (a | b).sum() == pytest.approx(a.sum() + b.sum())


def test_the_network_has_the_numbers_of_the_papers_table_13():
    printed = {("full", 0): 132, ("sine", 1): 2.8, ("sine", 2): 3.8, ("low rank", 5): 6.9, ("low rank", 20): 22.3}
    for (kind, rank), thousands in printed.items():
        count = parameters(Coordinates(Layers(kind, rank, 20.0), width=256, spread=0.1)) / 1000
        assert abs(count - thousands) < (1 if kind == "full" else 0.05)


def test_every_kind_learns_a_sphere_in_a_moment_and_the_same_bits_come_again(sphere):
    inside = occupancy(sphere, 16)
    first = learn(inside, {**QUICK, "kind": "sine"})
    assert first == learn(inside, {**QUICK, "kind": "sine"})
    assert first.scores["iou"] != learn(inside, {**QUICK, "kind": "sine", "seed": 1}).scores["iou"]
    for kind in KINDS:
        found = learn(inside, {**QUICK, "kind": kind})
        assert len(found.tables["layers"]) == 4
        if kind != "twin":  # which begins with a weight many times too large
            assert found.scores["iou"] > 0.7, kind


@pytest.mark.parametrize("name", ["smoke", "small", "whole"])
def test_every_sine_of_a_plan_has_its_linear_twin(name):
    assert_twins(SHAPE.plan(name))


def assert_twins(plan: Plan):
    rest = [(run.settings["kind"], {**run.settings, "kind": "sine"}) for run in plan.runs]
    for run in plan.runs:
        if run.settings["kind"] == "sine":
            assert ("matched twin", dict(run.settings)) in rest
    assert {run.settings["kind"] for run in plan.runs} == set(KINDS)


def test_the_command_says_what_is_missing(monkeypatch, capsys, tmp_path):
    from experiments.shape import mesh
    from experiments.shape.__main__ import main

    monkeypatch.setattr(mesh, "find_spec", lambda name: None)
    arguments = ["--plan", "smoke", "--jobs", "1", "--kept", str(tmp_path / "kept"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    assert "pip install --no-deps pymeshfix" in capsys.readouterr().err
    assert not Path(tmp_path / "out").exists()
