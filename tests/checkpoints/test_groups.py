"""Factors in groups against blocks that numpy puts together, and the shapes that make such groups and no others."""

import math
from itertools import product

import numpy as np
import pytest

from rankkit.checkpoints.forms import formed
from rankkit.checkpoints.groups import MOST_GROUPS, merged_form, stacked_form
from rankkit.rules import Linear


def matrix(form, *tensors):
    return formed(form.combine(*tensors), Linear()).matrix


@pytest.mark.parametrize(
    "enabled", [on for k in (1, 2, 3) for on in product((True, False), repeat=k) if any(on)], ids=str
)
@pytest.mark.parametrize("heights", ["alike", "apart"])
def test_a_merged_projection_has_the_update_of_every_group_in_its_rows(enabled, heights):
    rng, r, n = np.random.default_rng(sum(enabled)), 2, 5
    rows = (3,) * len(enabled) if heights == "alike" else tuple(range(2, 2 + len(enabled)))
    form = merged_form(enabled, () if heights == "alike" else rows)
    parts = [(rng.standard_normal((height, r)), rng.standard_normal((r, n))) for height in rows]
    B = np.concatenate([b for (b, _), on in zip(parts, enabled, strict=True) if on])
    A = np.concatenate([a for (_, a), on in zip(parts, enabled, strict=True) if on])
    delta = np.concatenate([b @ a if on else np.zeros((len(b), n)) for (b, a), on in zip(parts, enabled, strict=True)])
    assert form.sizes(B.shape, A.shape) == (sum(rows), n, r * sum(enabled))
    np.testing.assert_allclose(matrix(form, B, A), delta, atol=1e-14)
    kernel = A.reshape(*A.shape[:1], 5, 1, 1)
    for stored in (B[:, :, None], B[:, :, None, None]):
        assert form.sizes(stored.shape, kernel.shape) == form.sizes(B.shape, A.shape)
        np.testing.assert_allclose(matrix(form, stored, kernel), delta, atol=1e-14)
    short = 1 if sum(enabled) > 1 or heights == "apart" else 0
    for bad in ((B.shape[0] + short, r), (B.shape[0], r + 1), (*B.shape, 2), B.shape[:1]):
        if bad != B.shape:
            assert form.sizes(bad, A.shape) is None, bad
    for bad in ((len(A) + 1, n), (len(A) - 1, n), A.shape[:1], ()):
        assert form.sizes(B.shape, bad) is None, bad


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_projection_in_parts_has_the_update_of_every_part_in_its_rows(parts, shared):
    rng, n = np.random.default_rng(parts), 6
    pairs = [(rng.standard_normal((3 + i, 1 + i)), rng.standard_normal((1 + i, n))) for i in range(parts)]
    above = [b for b, _ in pairs]
    below = [np.concatenate([a for _, a in pairs])] if shared else [a for _, a in pairs]
    form = stacked_form(tuple(f"B.{i}" for i in range(parts)), tuple(f"A.{i}" for i in range(len(below))))
    shapes = [x.shape for x in (*above, *below)]
    delta = np.concatenate([b @ a for b, a in pairs])
    assert form.sizes(*shapes) == (len(delta), n, sum(b.shape[1] for b in above))
    np.testing.assert_allclose(matrix(form, *above, *below), delta, atol=1e-14)
    places = [x[:, :, None, None] for x in above] + [x.reshape(len(x), 3, 2) for x in below]
    assert form.sizes(*(x.shape for x in places)) == form.sizes(*shapes)
    np.testing.assert_allclose(matrix(form, *places), delta, atol=1e-14)
    for i, shape in enumerate(shapes):
        factor = "B" if i < parts else "A"
        changed = [(shape[0] + 1, shape[1]), (shape[0], shape[1] + 1), shape[:1], (*shape, 2)]
        for j, bad in enumerate(changed):
            found = form.sizes(*shapes[:i], bad, *shapes[i + 1 :])
            more_rows, more_columns, longer = (
                factor == "B" and j == 0,
                factor == "A" and len(below) == 1 and j == 1,
                factor == "A" and len(below) == 1 and j == 3,
            )
            if more_rows:
                assert found == (len(delta) + 1, n, sum(b.shape[1] for b in above))
            elif more_columns or longer:
                assert found == (len(delta), math.prod(bad[1:]), sum(b.shape[1] for b in above))
            else:
                assert found is None, (i, bad)


def test_parts_over_fewer_factors_than_parts_fit_where_one_has_the_ranks_of_all():
    form = stacked_form(("B.0", "B.1"), ("A.0",))
    assert form.sizes((4, 2), (5, 3), (5, 6)) == (9, 6, 5)
    for rows in (1, 2, 3, 4, 6):
        assert form.sizes((4, 2), (5, 3), (rows, 6)) is None


def test_a_vector_is_no_factor_of_a_projection_with_one_input():
    form = stacked_form(("B.0", "B.1"), ("A.0", "A.1"))
    assert form.sizes((4, 2), (5, 3), (2, 1), (3, 1)) == (9, 1, 5)
    for bad in (
        ((4, 2), (5, 3), (2,), (3, 1)),
        ((4, 2), (5, 3), (2, 1), (3,)),
        ((4,), (5, 3), (2, 1), (3, 1)),
        ((4, 2), (5,), (2, 1), (3, 1)),
    ):
        assert form.sizes(*bad) is None


def test_a_fused_projection_has_sixteen_groups_at_most():
    assert MOST_GROUPS == 16
