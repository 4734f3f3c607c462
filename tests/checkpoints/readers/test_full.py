"""A full fine-tune: W_tuned - W of what two checkpoints share, and the reason for every tensor that they do not."""

import numpy as np
import pytest

from rankkit.checkpoints.forms import formed
from rankkit.checkpoints.readers.full import difference

RNG = np.random.default_rng(6)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (5, 5), (4, 3, 2), (4, 2, 3, 2), (1, 6), (6, 1)])
def test_a_matrix_of_both_has_its_difference(shape):
    W, V = RNG.standard_normal(shape), RNG.standard_normal(shape)
    adapter = difference({"l.0.q.weight": V}, {"l.0.q.weight": W})
    (layer,) = adapter.layers
    m, n = shape[0], int(np.prod(shape[1:]))
    assert (layer.name, layer.m, layer.n, layer.r, layer.status, layer.scale) == ("l.0.q", m, n, min(m, n), "ok", 1.0)
    update = formed(layer.product(), layer.rule)
    np.testing.assert_array_equal(update.matrix, (V - W).reshape(m, n))
    exact = V.astype(np.longdouble) - W
    off = float(np.linalg.norm((update.matrix - exact.reshape(m, n)).astype(float)))
    assert off <= update.error == pytest.approx(2.0**-52 * np.linalg.norm(V - W), rel=1e-12, abs=0)
    assert dict(layer.keys) == {"tuned": "l.0.q.weight", "base": "l.0.q.weight"}


def test_what_is_no_difference_of_matrices_has_its_reason():
    square = np.ones((2, 2))
    tuned = {
        "a.weight": square,
        "b.bias": np.ones(2),
        "c.weight": np.ones((2, 0)),
        "d.weight": square,
        "e.weight": square,
        "f.weight": square.astype(np.int8),
        "n": np.array(1.0),
    }
    base = tuned | {
        "d.weight": np.ones((2, 3)),
        "f.weight": square,
        "a.weight": square.astype(np.int8),
        "g.weight": square,
    }
    del base["e.weight"]
    reasons = {entry.key: entry.reason for entry in difference(tuned | {"g.weight": 2 * square}, base).skipped}
    assert reasons["b.bias"] == reasons["c.weight"] == reasons["n"] == "no matrix"
    assert reasons["d.weight"] == "of another shape in the base, (2, 3)"
    assert "integers are no factors" in reasons["f.weight"]
    assert reasons["a.weight"].startswith("in the base it has dtype I8")
    assert reasons.keys() == {*tuned} - {"g.weight"}
    with pytest.raises(ValueError, match="share no matrix"):
        difference({"b": np.ones(2)}, {"b": np.ones(2)})


def test_a_matrix_is_found_under_another_spelling_and_keeps_a_name_of_its_own():
    W, V = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))
    (layer,) = difference({"base_model.model.l.0.q.weight": V}, {"l.0.q.weight": W}).layers
    assert (layer.name, layer.keys["base"]) == ("l.0.q", "l.0.q.weight")
    both = {"q": V, "q.weight": 2 * V}
    layers = difference(both, {"q": W, "q.weight": W}).layers
    assert [layer.name for layer in layers] == ["q", "q.weight"]
    for layer, scale in zip(layers, (1, 2), strict=True):
        np.testing.assert_array_equal(formed(layer.product(), layer.rule).matrix, scale * V - W)
