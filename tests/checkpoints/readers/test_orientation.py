"""Rows or columns: what a file's shapes and its configuration say, against a second description of it."""

from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.readers.orientation import NOT_BY_NAME, UNSURE
from tests.checkpoints.conftest import dense

RNG = np.random.default_rng(7)


def test_a_named_rank_above_both_outer_sizes_turns_no_square_module():
    B, A = RNG.standard_normal((16, 4)), RNG.standard_normal((4, 16))
    state = {"lora_unet_q.lora_up.weight": B, "lora_unet_q.lora_down.weight": A}
    config = {"r": 16, "lora_alpha": 8}  # 16 is also the rank of a 4 x 4 module stored transposed
    (got,) = rk.audit(state, config=config, progress=False).table.itertuples()
    assert (got.m, got.n, got.r, got.status) == (16, 16, 4, "assumed")
    assert got.spectral_norm == pytest.approx(8 / 4 * dense(B @ A)[0])


def readings(B, A):
    """Return (m, n, r) as the names say, and as both factors transposed say; None where that does not multiply."""
    return ((B[0], A[1], B[1]) if B[1] == A[0] else None), ((B[1], A[0], B[0]) if B[0] == A[1] else None)


def plausible(sizes):
    return sizes[2] <= max(sizes[:2])


def way(shapes, r):
    """Return whether a file is stored transposed, and whether that is sure; or None where nothing tells."""
    both = [readings(*pair) for pair in shapes]
    single = {named is None for named, turned in both if (named is None) != (turned is None)}
    if len(single) == 1:
        return single.pop(), True
    open_ = [(named, turned) for named, turned in both if named and turned]
    by_rank = {fits.index(True) for pair in open_ if sum(fits := [s[2] == r and plausible(s) for s in pair]) == 1}
    if len(by_rank) == 1:
        return by_rank == {1}, True
    by_size = {fits.index(True) for pair in open_ if sum(fits := [plausible(s) for s in pair]) == 1}
    if len(by_size) == 1:
        return by_size == {1}, by_size == {0}
    return None if open_ else (False, True)


def expected(pair, turn, r):
    """Return the sizes of a module, whether it is read against its names, and whether that is open."""
    named, turned = readings(*pair)
    if not named or not turned:
        return named or turned, turned is not None, False
    against, sure = turn or (False, False)
    taken = turned if against else named
    return taken, against, not sure or (r is None and not plausible(taken))


def drawn_pair(rng):
    """Return shapes of B and A: of a module stored either way, or any."""
    m, n, r = (int(x) for x in rng.choice([2, 3, 4, 6], 3))
    m, n = (m, m) if rng.random() < 0.6 else (m, n)
    return [((m, r), (r, n)), ((r, m), (n, r))][int(rng.integers(2))]


@pytest.mark.parametrize("modules", [1, 2, 3])
@pytest.mark.parametrize("r", [None, 2, 3, 6])
def test_a_file_is_turned_by_what_its_modules_say_together(modules, r):
    rng, seen = np.random.default_rng(modules), set()
    for _ in range(120):
        shapes = [drawn_pair(rng) for _ in range(modules)]
        state = {
            f"l.{i}.q.lora_{x}.weight": rng.standard_normal(shape)
            for i, pair in enumerate(shapes)
            for x, shape in zip("ba", pair, strict=True)
        }
        turn = way(shapes, r)
        for i, layer in enumerate(open_adapter(state, config={"lora_alpha": 1.0} | ({"r": r} if r else {})).layers):
            sizes, against, doubtful = expected(shapes[i], turn, r)
            assert (layer.m, layer.n, layer.r) == sizes, (shapes, turn)
            assert ("orientation" in layer.assumed) == doubtful, (shapes, turn)
            assert (NOT_BY_NAME in layer.notes) == against
            assert (UNSURE in layer.notes) == (doubtful and not against)
            product: Any = layer.product()
            B, A = (state[f"l.{i}.q.lora_{x}.weight"] for x in "ba")
            np.testing.assert_array_equal(product.B, B.T if against else B)
            np.testing.assert_array_equal(product.A, A.T if against else A)
            seen.add((against, doubtful))
    assert len(seen) >= (3 if modules == 1 else 4)


@pytest.mark.parametrize("outer", range(1, 7))
@pytest.mark.parametrize("r", range(1, 7))
def test_the_base_settles_what_the_shapes_leave_open_where_one_reading_has_its_shape(outer, r):
    """Of a square module the other reading is one of r x r and of rank `outer`."""
    B, A, size = RNG.standard_normal((outer, r)), RNG.standard_normal((r, outer)), max(outer, r)
    state, config = {"l.0.q.lora_b.weight": B, "l.0.q.lora_a.weight": A}, {"lora_alpha": 1.0}
    alone = rk.audit(state, config=config).table.iloc[0]
    known = rk.audit(state, config=config, base={"l.0.q.weight": np.eye(size)}).table.iloc[0]
    for row in (alone, known):
        assert (row["m"], row["n"], row["r"]) == (size, size, min(outer, r))
    assert alone["assumed"] == ("orientation" if r >= outer else "")
    assert known["assumed"] == ("orientation" if r == outer else "")
    assert (UNSURE in known["note"]) == (r == outer) == (UNSURE in alone["note"])
    assert (NOT_BY_NAME in known["note"]) == (r > outer)


@pytest.mark.parametrize("outer", range(1, 7))
@pytest.mark.parametrize("r", range(1, 7))
def test_the_base_settles_experts_by_the_same_rule(outer, r):
    size = max(outer, r)
    state = {
        f"experts.w1.lora_{x}.weight": RNG.standard_normal((9, *shape))
        for x, shape in (("b", (outer, r)), ("a", (r, outer)))
    }
    one, all_of_them = np.eye(size), np.stack([np.eye(size)] * 9)
    alone = rk.audit(state, config={"lora_alpha": 1.0}).table
    for base in ({"experts.w1.weight": all_of_them}, {f"experts.{e}.w1.weight": one for e in range(9)}):
        known = rk.audit(state, config={"lora_alpha": 1.0}, base=base).table
        for table in (alone, known):
            assert {*zip(table["m"], table["n"], table["r"], strict=True)} == {(size, size, min(outer, r))}
        assert set(alone["assumed"]) == {"orientation" if r >= outer else ""}
        assert set(known["assumed"]) == {"orientation" if r == outer else ""}
        assert all((UNSURE in note) == (r == outer) for note in known["note"])


def test_a_base_with_experts_of_another_shape_settles_nothing():
    state = {f"experts.w1.lora_{x}.weight": RNG.standard_normal((9, *s)) for x, s in (("b", (3, 5)), ("a", (5, 3)))}
    base = {"experts.w1.weight": np.ones((9, 3, 3)), "experts.w2.weight": np.ones((9, 5, 5))}
    state |= {f"experts.w2.lora_{x}.weight": state[f"experts.w1.lora_{x}.weight"] for x in "ab"}
    known = rk.audit(state, config={"lora_alpha": 1.0}, base=base).table.set_index("module")
    assert known["assumed"]["experts.w2[0]"] == ""
    assert known["assumed"]["experts.w1[0]"] == "orientation"
    assert UNSURE in known["note"]["experts.w1[0]"]


@pytest.mark.parametrize("square", [6, 2])
def test_the_base_settles_each_of_two_modules_that_speak_against_each_other(square):
    """One looks stored as it is named and the other transposed, so that the names are believed of both, with doubt."""
    state = {
        f"l.0.{name}.lora_{x}.weight": RNG.standard_normal(shape)
        for name, pair in (("q", "ba"), ("k", "ab"))
        for x, shape in zip(pair, ((6, 2), (2, 6)), strict=True)
    }
    base = {"l.0.q.weight": np.eye(6), "l.0.k.weight": np.eye(square)}
    table = rk.audit(state, config={"lora_alpha": 1.0}).table.set_index("module")
    assert set(table["assumed"]) == {"orientation"}
    assert all(UNSURE in note for note in table["note"])
    known = rk.audit(state, config={"lora_alpha": 1.0}, base=base).columns
    assert (known["module"], known["m"], known["r"]) == (["l.0.q", "l.0.k"], [6, 2], [2, 6])
    assert (known["assumed"][0], known["note"][0]) == ("", "")
    assert (known["assumed"][1] == "") == (UNSURE not in known["note"][1]) == (square == 2)


@pytest.mark.parametrize("outer", range(1, 7))
@pytest.mark.parametrize("r", range(1, 7))
def test_experts_are_turned_by_the_same_rule(outer, r):
    """Nine of them, so that no size is the number of experts."""
    state = {
        f"experts.w1.lora_{x}.weight": RNG.standard_normal((9, *shape))
        for x, shape in (("b", (outer, r)), ("a", (r, outer)))
    }
    for asked in (None, r, outer):
        layers = open_adapter(state, config={"lora_alpha": 1.0} | ({"r": asked} if asked else {})).layers
        assert len(layers) == 9
        turn = way([((outer, r), (r, outer))], asked)
        sizes, against, doubtful = expected(((outer, r), (r, outer)), turn, asked)
        for e, layer in enumerate(layers):
            assert (layer.m, layer.n, layer.r) == sizes
            assert ("orientation" in layer.assumed) == doubtful == (UNSURE in layer.notes)
            product: Any = layer.product()
            B = state["experts.w1.lora_b.weight"][e]
            np.testing.assert_array_equal(product.B, B.T if against else B)
