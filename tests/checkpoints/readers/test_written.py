"""A file of any format, read back, is the update that its trainer applies; a file that was changed is not taken for it."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from rankkit.checkpoints import Layer, open_adapter
from rankkit.checkpoints.forms import formed
from tests.checkpoints.readers.writers import SHARED, WRITERS

PATH = "layers.{}.self_attn.q_proj"
OTHERS = {"experts": "layers.{}.mlp.experts", "litgpt": "transformer.h.{}.attn.attn"}
SIZES = [(7, 5, 2), (5, 9, 3), (6, 6, 2), (8, 4, 1)]
TAKES = {"unpaired", "unsupported"}  # the statuses of a module that is not measured


def written(name, m=7, n=5, r=2, at=0):
    """Return a module with the same numbers at every path."""
    path = OTHERS.get(name.split()[0].strip(","), PATH).format(at)
    return WRITERS[name](np.random.default_rng(zlib.crc32(f"{name} {m} {n} {r}".encode())), m, n, r, path)


def update(layer: Layer) -> np.ndarray:
    return formed(layer.product(), layer.rule).matrix


def held(adapter, made):
    """Assert that an adapter has the rows of what was written, and their updates."""
    assert {layer.name for layer in adapter.layers} == set(made.updates)
    assert len(adapter.layers) == len(made.updates)
    for layer in adapter.layers:
        delta = made.updates[layer.name]
        assert (layer.status, layer.m, layer.n, layer.r) == ("ok", *delta.shape, made.r), layer.notes
        assert layer.scale == pytest.approx(made.scale, rel=1e-14)
        np.testing.assert_allclose(update(layer), delta, rtol=0, atol=1e-12 * np.max(np.abs(delta)))


ALL = [(name, sizes) for name in WRITERS for sizes in SIZES]


@pytest.mark.parametrize(("name", "sizes"), ALL, ids=str)
def test_what_a_trainer_writes_is_read_as_the_update_that_it_applies(name, sizes):
    made = written(name, *sizes)
    for state in (made.state, dict(reversed(made.state.items()))):
        if "cloneofsimo, list" in name and state is not made.state:
            continue  # a list has one order
        adapter = open_adapter(state, config=made.config)
        held(adapter, made)
        assert adapter.skipped == ()
        width = ("width",) if name.startswith(("vera", "randlora")) else ()
        assert {layer.assumed for layer in adapter.layers} == {width}


@pytest.mark.parametrize("name", [name for name in WRITERS if not name.startswith(SHARED)])
def test_a_module_is_what_it_is_beside_another_of_the_same_file(name):
    one, other = written(name), written(name, at=1)
    held(
        open_adapter(one.state | other.state, config=one.config), one._replace(updates={**one.updates, **other.updates})
    )


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "cloneofsimo, list"])
def test_a_head_beside_a_module_changes_nothing(name):
    """Whoever comes first in the file: a format is recognised by some of its names."""
    made, head = written(name), {"score.weight": np.ones((3, 2))}
    for state in (head | made.state, made.state | head):
        adapter = open_adapter(state, config=made.config)
        held(adapter, made)
        assert [entry.key for entry in adapter.skipped] == ["score.weight"]
        assert adapter.family == open_adapter(made.state, config=made.config).family


# what a writer is called, or how that begins -> the family that its keys are taken for without a configuration
FAMILIES = {
    "peft's l": "kohya", "diffusers, ": "diffusers", "experts of llama.cpp": "gguf", "experts of mlx": "mlx", "litgpt": "loralib",
    **dict.fromkeys(("diffusers", "adalora", "sine", "experts"), "peft"), **dict.fromkeys(("lycoris", "loha", "lokr"), "kohya"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_the_keys_alone_tell_the_family_whatever_lies_beside_them(name):
    family = next(
        (known for begins, known in FAMILIES.items() if name.startswith(begins)),
        name.replace("'", ",").split(",")[0].split()[0],
    )
    made, head = written(name), {"score.weight": np.ones((3, 2))}
    files = (made.state,) if name == "cloneofsimo, list" else (made.state, made.state | head, head | made.state)
    assert {open_adapter(state).family for state in files} == {family}


def without(state, key):
    return {name: x for name, x in state.items() if name != key}


def opened(state, config):
    """Return an adapter's layers; none where it is refused."""
    try:
        return open_adapter(state, config=config).layers
    except ValueError:
        return ()


@pytest.mark.parametrize("name", WRITERS)
def test_a_module_that_lacks_a_tensor_is_not_measured(name):
    """Or it says that its scale was assumed, where the tensor is a number beside the factors."""
    made = written(name)
    for key, x in made.state.items():
        if key in made.beside and x.ndim:
            continue  # a mixer, without which the file is one of plain LoRA
        layers = opened(without(made.state, key), made.config)
        for layer in layers:
            if key in made.beside:
                assert layer.status == "ok", layer.notes
                same = layer.scale == made.scale
                assert layer.assumed == (() if same and "whole and whole" in name else ("scale",))
                np.testing.assert_allclose(update(layer) * made.scale, made.updates[layer.name], rtol=1e-9)
            else:
                assert layer.status in TAKES, (key, layer.notes)
                assert np.isnan(layer.scale)
                told = any(note.endswith((" is missing", " are missing")) for note in layer.notes)
                assert told == (layer.status == "unpaired")


def longer(x, axis):
    """Return an array with one entry more along an axis."""
    return np.concatenate([x, np.take(x, [0], axis)], axis)


@pytest.mark.parametrize("name", WRITERS)
def test_a_tensor_of_another_shape_changes_the_sizes_or_nothing_or_is_refused(name):
    made = written(name)
    for key, x in made.state.items():
        for axis in range(x.ndim):
            for layer in opened(made.state | {key: longer(x, axis)}, made.config):
                if layer.status != "ok":
                    assert layer.status in TAKES
                    continue
                delta = update(layer)
                assert delta.shape == (layer.m, layer.n)
                assert np.linalg.matrix_rank(delta) <= max(
                    layer.r or 0, min(delta.shape) if "sine" in name or name == "loran" else 0
                )
                before = made.updates.get(layer.name)
                if before is not None and before.shape == delta.shape and not layer.assumed:
                    other = (made.r, made.scale) != (layer.r, layer.scale)  # another number of groups
                    assert other or np.allclose(before, delta), (key, axis)


@pytest.mark.parametrize("name", WRITERS)
def test_integers_and_what_is_empty_make_no_update(name):
    made = written(name)
    for key in made.state.keys() - {*made.beside}:
        for layer in opened(made.state | {key: np.ones(made.state[key].shape, np.int8)}, made.config):
            assert layer.status == "unsupported"
            assert "I8: integers are no factors" in " ".join(layer.notes)
        for layer in opened(made.state | {key: np.zeros(0)}, made.config):
            assert layer.status in TAKES
    empty = {key: x[..., :0] if x.ndim > 1 else x for key, x in made.state.items()}
    for layer in opened(empty, made.config):
        assert layer.status in {"zero", *TAKES}
