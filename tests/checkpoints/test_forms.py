"""Forms: every one takes its tensors by name, never by their order, and its sizes are those of its product."""

import numpy as np
import pytest

from rankkit.checkpoints.forms import (
    ADALORA,
    CP,
    HADAMARD,
    HADAMARD_CP,
    LORA,
    TRANSPOSED,
    TURNED,
    Dense,
    formed,
    kronecker_form,
)
from rankkit.checkpoints.groups import merged_form, stacked_form
from rankkit.checkpoints.layer import Layer
from rankkit.checkpoints.readers.vera import RANDLORA_FORM, VERA_FORM
from rankkit.rules import Linear, Sine

M, N, R, KERNEL = 12, 10, 2, (3, 2)
WIDE = N * 6  # columns with a kernel

# form -> the shapes of its tensors and of its product
FORMS = {
    "lora": (LORA, {"B": (M, R), "A": (R, N)}, (M, N, R)),
    "convolution": (LORA, {"B": (M, R, 1, 1), "A": (R, N, *KERNEL)}, (M, WIDE, R)),
    "turned": (TURNED, {"B": (R, M), "A": (N, R)}, (M, N, R)),
    "transposed": (TRANSPOSED, {"b": (R, M), "a": (N, R)}, (M, N, R)),
    "adalora": (ADALORA, {"B": (M, R), "E": (R, 1), "A": (R, N)}, (M, N, R)),
    "middle": (CP, {"B": (M, R, 1, 1), "M": (R, R, *KERNEL), "A": (R, N, 1, 1)}, (M, WIDE, R)),
    "hadamard": (HADAMARD, {"w1_a": (M, R), "w1_b": (R, N), "w2_a": (M, 3), "w2_b": (3, N)}, (M, N, 3 * R)),
    "hadamard, tucker": (
        HADAMARD_CP,
        {"t1": (R, R, *KERNEL), "w1_a": (R, M), "w1_b": (R, N), "t2": (R, R, *KERNEL), "w2_a": (R, M), "w2_b": (R, N)},
        (M, WIDE, R * R),
    ),
    "merged": (merged_form((True, False, True)), {"B": (2 * M, R), "A": (2 * R, N)}, (3 * M, N, 2 * R)),
    "stacked": (
        stacked_form(("B.0", "B.1"), ("A.0", "A.1")),
        {"B.0": (M - 4, R), "B.1": (4, R), "A.0": (R, N), "A.1": (R, N)},
        (M, N, 2 * R),
    ),
    "stacked over one": (
        stacked_form(("B.0", "B.1"), ("A",)), {"B.0": (M - 4, R), "B.1": (4, 3), "A": (R + 3, N)}, (M, N, R + 3),
    ),
    "kronecker": (kronecker_form(("w1",), ("a", "b")), {"w1": (3, 2), "a": (4, R), "b": (R, 5)}, (M, N, 2 * R)),
    "kronecker, tucker": (
        kronecker_form(("w1",), ("t", "a", "b")),
        {"w1": (3, 2), "t": (R, R, *KERNEL), "a": (R, 4), "b": (R, 5)},
        (M, WIDE, 2 * R),
    ),
    "vera": (VERA_FORM, {"lambda_b": (M,), "lambda_d": (R,), "B": (M + 1, R), "A": (R, N)}, (M, N, R)),
    "randlora": (
        RANDLORA_FORM,
        {"lambda": (R, 3), "gamma": (3, N), "B": (M, 4, R), "A": (R, 1, N + 2)},
        (M, N, 3 * R),
    ),
}  # fmt: skip


def layer_of(form, tensors):
    return Layer(
        name="q", m=None, n=None, r=None, dtype="", rule=Linear(), scale=1.0, form=form, read=lambda: tensors, keys={}
    )


@pytest.mark.parametrize("name", FORMS)
def test_a_product_does_not_rest_on_the_order_of_what_was_read(name):
    form, shapes, sizes = FORMS[name]
    rng = np.random.default_rng(0)
    tensors = {part: rng.standard_normal(shape) for part, shape in shapes.items()}
    assert set(form.parts) == set(shapes)
    product = layer_of(form, tensors).product()
    assert not isinstance(product, Dense)
    assert form.sizes(*(shapes[part] for part in form.parts)) == (*product.shape, sizes[2]) == sizes
    backwards = layer_of(form, dict(reversed(tensors.items()))).product()
    one, two = (formed(p, Linear()).matrix for p in (product, backwards))
    np.testing.assert_array_equal(one, two)
    assert np.linalg.matrix_rank(one) <= sizes[2]


@pytest.mark.parametrize(
    ("name", "rule"),
    [(name, Linear(3.0)) for name in ("lora", "hadamard", "kronecker")]
    + [("lora", Sine(2.0)), ("hadamard", Sine(2.0))],
)
def test_a_formed_update_is_as_exact_as_it_says(name, rule):
    form, shapes, _ = FORMS[name]
    rng = np.random.default_rng(1)
    tensors = {part: rng.standard_normal(shape).astype(np.longdouble) for part, shape in shapes.items()}
    t = [tensors[part] for part in form.parts]
    exact = {
        "lora": lambda: t[0] @ t[1], "hadamard": lambda: (t[0] @ t[1]) * (t[2] @ t[3]),
        "kronecker": lambda: np.kron(t[0], t[1] @ t[2]),
    }[name]()  # fmt: skip
    exact = 3 * exact if rule.linear else np.sin(2 * exact) / np.sqrt(np.longdouble(exact.shape[0]))
    update = formed(layer_of(form, {part: np.float64(value) for part, value in tensors.items()}).product(), rule)
    off = float(np.linalg.norm(update.matrix.astype(np.longdouble) - exact))
    assert 0 < off <= update.error < 1e-12


@pytest.mark.parametrize("B", [(M, R, 2), (M, R, 1, 3), (M, R, 3, 1), (M, R + 1, 1, 1), (M,)])
def test_a_pair_whose_second_factor_is_no_matrix_has_no_sizes(B):
    assert LORA.sizes(B, (R, N)) is None
    assert LORA.sizes((M, R, 1, 1), (R, N)) == LORA.sizes((M, R), (R, N)) == (M, N, R)
