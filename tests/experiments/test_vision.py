"""The images, their parts, and small transformers that learn them."""

import gzip

import numpy as np
import pytest
import torch

from experiments.layers import KINDS, Layers
from experiments.training import seeded
from experiments.vision import images as module
from experiments.vision.__main__ import VISION, main
from experiments.vision.images import images
from experiments.vision.vit import VisionTransformer
from experiments.vision.work import learn
from tests.experiments.test_shape import assert_twins

QUICK = {
    "seed": 0, "rate": 3e-3, "steps": 100, "batch": 50, "train": 600, "validation": 200, "patch": 4, "width": 32,
    "blocks": 1, "heads": 2, "rank": 1, "omega": 100.0,
}  # fmt: skip


def test_the_parts_have_nothing_in_common_and_the_test_is_always_the_same():
    held = images("digits")
    assert held.pixels.shape == (1797, 8, 8)
    assert (held.pixels.min(), held.pixels.max()) == (0, 1)
    one, other = (held.parts(seed, train=1000, validation=297) for seed in (0, 1))
    assert not set(one.train) & set(one.validation)
    assert not (set(one.train) | set(one.validation)) & set(one.test)
    assert len(one.test) == 500
    np.testing.assert_array_equal(one.test, other.test)
    assert set(one.train) != set(other.train)
    with pytest.raises(ValueError, match="at most 1297, got 1000 \\+ 298"):
        held.parts(0, train=1000, validation=298)


@pytest.fixture
def garments(tmp_path, monkeypatch):
    """A folder laid out as Debian's, with three images of training and two of test."""
    for part, count in (("train", 3), ("t10k", 2)):
        pixels = np.arange(count * 28 * 28, dtype=np.uint8).reshape(count, 28, 28)
        for what, magic, array in (("images-idx3", 2051, pixels), ("labels-idx1", 2049, pixels[:, 0, 1])):
            head = np.array([magic, *array.shape], dtype=">u4").tobytes()
            (tmp_path / f"{part}-{what}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    monkeypatch.setattr(module, "FASHION", tmp_path)
    images.cache_clear()
    yield tmp_path
    images.cache_clear()


def test_garments_are_read_as_they_were_written(garments):
    held = images("fashion")
    assert held.pixels.shape == (5, 28, 28)
    assert held.test.tolist() == [False] * 3 + [True] * 2
    np.testing.assert_allclose(held.pixels[0].ravel()[:256] * 255, np.arange(256), rtol=1e-6)
    assert held.labels.tolist() == [(28 * 28 * i + 1) % 256 for i in (0, 1, 2, 0, 1)]


def test_files_that_are_none_and_sets_that_are_none_are_refused(garments):
    labels = garments / "train-labels-idx1-ubyte.gz"
    labels.write_bytes((garments / "t10k-images-idx3-ubyte.gz").read_bytes())
    with pytest.raises(ValueError, match="kind 2049, got kind 2051"):
        images("fashion")
    module.FASHION = garments / "nothing"
    with pytest.raises(ValueError, match="dataset-fashion-mnist"):
        images("fashion")
    with pytest.raises(ValueError, match="digits or fashion"):
        images("faces")


def test_patches_are_taken_as_the_eye_sees_them():
    """A model whose only input is one pixel's patch answers to that patch alone, wherever the head looks."""
    with seeded(0):
        model = VisionTransformer(Layers("full", 0, 0.0), side=8, patch=4, width=16, blocks=1, heads=2)
    seen = []
    model.embed.register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    image = torch.arange(64.0).reshape(1, 8, 8)
    assert model(image).shape == (1, 10)
    assert seen[0].shape == (1, 4, 16)
    assert torch.equal(seen[0][0, 1], image[0, :4, 4:].flatten())
    assert torch.equal(seen[0][0, 2], image[0, 4:, :4].flatten())
    assert model.compressed() == ["blocks.0.fc1", "blocks.0.fc2"]


def test_every_kind_learns_digits_in_a_moment_and_the_same_bits_come_again():
    held = images("digits")
    assert learn(held, {**QUICK, "kind": "sine"}) == learn(held, {**QUICK, "kind": "sine"})
    for kind in KINDS:
        found = learn(held, {**QUICK, "kind": kind})
        assert {row["module"] for row in found.tables["layers"]} == {"blocks.0.fc1", "blocks.0.fc2"}
        if kind != "twin":  # which begins with a weight many times too large
            assert found.scores["accuracy"] > 0.7, kind


@pytest.mark.parametrize("name", ["smoke", "small", "whole"])
def test_every_sine_of_a_plan_has_its_linear_twin(name):
    assert_twins(VISION.plan(name))


def test_the_command_makes_the_same_tables_twice(tmp_path):
    for name in ("one", "two"):
        arguments = ["--plan", "smoke", "--jobs", "1", "--kept", str(tmp_path / f"kept {name}")]
        assert main([*arguments, "--out", str(tmp_path / name)]) == 0
    names = {path.name for path in (tmp_path / "one").iterdir()}
    tables = {"runs.csv", "layers.csv", "cells.csv", "cells.md", "differences.csv", "platform.csv"}
    assert names == tables | {"progress.json"}
    for file in names - {"platform.csv"}:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
