"""DoRA against a second description of its module: names, whose lengths a shape has, the stated error, what is said."""

from dataclasses import replace

import numpy as np
import pytest

from rankkit.checkpoints import dora, open_adapter
from rankkit.checkpoints.assumptions import BASE, INNER_SCALE, MAGNITUDE, ORDER, SCALE
from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.forms import Dense
from tests.checkpoints.test_dora import LENGTHS, A, B, N, W, by_hand

NAMES = {
    "q.lora_magnitude_vector": "q", "q.lora_magnitude_vector.mine": "q[mine]", "q.lora_magnitude_vector.mine.weight": "q[mine]",
    "q.lora_magnitude_vector.weight": "q", "q.dora_scale": "q", "q.weight_m_wdecomp.weight": "q", "q.weight_m_wdecomp": "q", "q.magnitude": "q",
    "q.magnitude_layer.magnitude": "q", "q.weight_magnitude": "q", "q.dora_magnitude": "q", "q.dora_m": "q", "q.dora_layer.magnitude": "q",
    "q.m.weight": None, "q.lora_A.weight": None, "dora_scale": None, "q.magnitudes": None,
}  # fmt: skip


@pytest.mark.parametrize("family", ["peft", "kohya", "mlx", "pairs"])
def test_a_magnitude_s_name_names_its_module(family):
    for key, module in NAMES.items():
        assert dora.owner(key, family) == module, key
    assert dora.owner("q.m", family) == ("q" if family == "mlx" else None)


@pytest.mark.parametrize(("config", "said"), [
    ({"use_dora": True}, True), ({"use_dora": False}, False), ({"fine_tune_type": "dora"}, True), ({"fine_tune_type": "lora"}, False),
    ({"peft_type": "DORA"}, True), ({"peft_type": "LORA"}, False), ({}, False), (None, False),
])  # fmt: skip
def test_what_is_dora_by_a_word_of_its_configuration_lacks_its_magnitude(config, said):
    told = dora.told(None, config)
    assert told == (
        dora.Told(("DoRA: direction part only, its magnitude is not in the file",), (MAGNITUDE,))
        if said
        else dora.Told()
    )
    magnitude = dora.magnitude_of(StateDict({"q.dora_scale": LENGTHS}), "q.dora_scale")
    assert dora.told(magnitude, config) == dora.Told((dora.DIRECTION_ONLY,), (BASE,))


def turned_with(shape, key, m, n, kernel=()):
    """Return the update with lengths of this shape for an (m, n, kernel) weight, and the axes that share one by `by_hand`."""
    rng = np.random.default_rng(1)
    weight, D = rng.standard_normal((m, n, *kernel)), rng.standard_normal((m, n, *kernel))
    lengths = rng.uniform(1, 3, shape)
    state = {"q.diff": D, key: lengths}
    (layer,) = open_adapter(state).layers
    update = dora.adapted(layer, weight.reshape(m, -1)).product()
    assert isinstance(update, Dense)
    return weight, D, lengths, update.matrix


@pytest.mark.parametrize(("key", "shape", "sizes", "axis"), [
    ("q.lora_magnitude_vector", (4,), (4, 6), 0), ("q.lora_magnitude_vector", (6,), (4, 6), 1), ("q.lora_magnitude_vector", (1, 4), (4, 4), 0),
    ("q.lora_magnitude_vector", (1, 4, 1, 1), (4, 6, 2, 3), 0), ("q.lora_magnitude_vector", (4, 1), (4, 6), 0), ("q.lora_magnitude_vector", (3,), (4, 6), None),
    ("q.lora_magnitude_vector", (2, 2), (4, 6), 0), ("q.lora_magnitude_vector", (1, 6, 1, 1), (4, 6, 2, 3), None),
    ("q.dora_scale", (4, 1), (4, 6), 0), ("q.dora_scale", (1, 6), (4, 6), 1), ("q.dora_scale", (4,), (4, 6), 0), ("q.dora_scale", (6,), (4, 6), 1),
    ("q.dora_scale", (1, 4), (4, 4), 1), ("q.dora_scale", (4, 1), (4, 4), 0), ("q.dora_scale", (1, 4), (4, 6), None), ("q.dora_scale", (1, 3), (4, 6), None),
    ("q.dora_scale", (1, 6, 1, 1), (4, 6, 2, 3), 1), ("q.dora_scale", (1, 4, 1, 1), (4, 4, 2, 3), 1), ("q.dora_scale", (4, 1, 1, 1), (4, 4, 2, 3), 0),
    ("q.dora_scale", (6,), (4, 6, 2, 3), None), ("q.dora_scale", (1, 6), (4, 6, 2, 3), None), ("q.dora_scale", (1, 1), (1, 6), 0), ("q.dora_scale", (1, 0, 1, 1), (4, 6), None),
    ("q.dora_scale", (1, 5, 1, 1), (4, 6, 2, 3), None),
])  # fmt: skip
def test_lengths_are_of_rows_or_of_input_channels_by_the_shape_and_the_name(key, shape, sizes, axis):
    m, n, *kernel = sizes
    if axis is None:
        with pytest.raises(ValueError, match="fits neither the"):
            turned_with(shape, key, m, n, kernel)
        return
    weight, D, lengths, found = turned_with(shape, key, m, n, kernel)
    others = tuple(i for i in range(weight.ndim) if i != axis)
    exact = by_hand(weight, D, lengths, axis=others).reshape(m, -1)
    np.testing.assert_allclose(found, exact.astype(float), atol=1e-13 * float(np.abs(exact).max()))


@pytest.mark.parametrize("known", [0.0, 1e-9, 1e-3])
def test_the_stated_error_is_that_of_the_direction_and_a_rounding_of_each_entry(known):
    """2 max |gain| e for what the product is off by; and for a row of n entries n + 8 roundings of the update and of W."""
    (layer,) = open_adapter({"q.diff": W, "q.lora_magnitude_vector": LENGTHS}).layers
    D = 2 * B @ A
    layer = replace(layer, form=layer.form._replace(combine=lambda _: Dense(D, known)))
    update = dora.adapted(layer, W).product()
    assert isinstance(update, Dense)
    length = np.linalg.norm(W + D, axis=1)
    turned = (LENGTHS / length)[:, None] * (W + D)
    rounding = 2.0**-52 * (N + 8) * (np.linalg.norm(turned) + np.linalg.norm(W))
    assert update.error == pytest.approx(2 * np.max(LENGTHS / length) * known + rounding, rel=1e-12, abs=0)
    moved = np.random.default_rng(0).standard_normal(W.shape)
    off = by_hand(W, D + known * moved / np.linalg.norm(moved), LENGTHS) - by_hand(W, D, LENGTHS)
    assert float(np.linalg.norm(off)) <= update.error or known == 0


@pytest.mark.parametrize(("lengths", "said"), [
    (np.array([2.0, 0.5]), "magnitudes 0.5 to 2, mean 1.25"), (np.array([2.0, np.nan]), "its magnitudes are not finite"), (np.zeros(0), "its magnitudes are not finite"),
])  # fmt: skip
def test_the_range_of_the_lengths_is_said_beside_the_direction(lengths, said):
    (layer,) = open_adapter({"q.diff": W, "q.lora_magnitude_vector": lengths}).layers
    assert dora.with_range(layer).notes == (f"DoRA: direction part only, without the base weight; {said}",)
    plain = replace(layer, magnitude=None)
    assert dora.with_range(plain) is plain


def test_a_source_with_the_weight_gives_the_true_update_and_any_other_the_direction():
    (layer,) = open_adapter({"q.diff": W, "q.lora_magnitude_vector": LENGTHS}).layers
    direct = dora.with_range(layer).notes
    assert dora.with_weight(layer).notes == direct
    true = dora.with_weight(replace(layer, weight=lambda: W))
    assert (true.notes, true.assumed) == (("DoRA: the true update",), ())
    assert dora.with_weight(replace(layer, weight=lambda: W, status="zero")).notes == direct
    wrong = dora.with_weight(replace(layer, weight=lambda: W[:3]))
    assert wrong.notes[0] == direct[0]
    assert "fits neither the 3 rows" in wrong.notes[1]
    assumed = replace(layer, weight=lambda: W, assumed=(SCALE, BASE, ORDER))
    assert dora.with_weight(assumed).assumed == (INNER_SCALE, ORDER)
