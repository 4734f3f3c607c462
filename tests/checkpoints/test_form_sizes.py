"""Forms against a second description of them: letters for the axes, and one sum over the letters that are not the product's.

A form takes the shapes whose letters agree, says the sizes that the letters have, and refuses all others. What its product
says of its rounding is met by a product that is off by all that it may be.
"""

import math

import numpy as np
import pytest

from rankkit.checkpoints import forms
from rankkit.checkpoints.forms import NO_UPDATE, Dense, formed, kronecker_form
from rankkit.factors import Factors
from rankkit.products import Kronecker
from rankkit.rules import AdaSine, Linear, Sine
from tests.checkpoints.test_forms import FORMS

# the axes of every tensor: a letter for a size, 1 for one that is 1, "1*" for any number of those, "n*" for at least one axis
# that together are n. Then the letters that multiply to m, n and r. A plain letter and a starred one of the same name differ.
LORA = ("m r 1*", "r n*")
TUCKER = ("r s k l", "r m", "s n")
SPECS = {
    "lora": (forms.LORA, LORA, "m", "n", "r"),
    "turned": (forms.TURNED, ("r m", "n r"), "m", "n", "r"),
    "transposed": (forms.TRANSPOSED, ("r m", "n r"), "m", "n", "r"),
    "mixed": (forms.MIXED, ("m r 1*", "r r", "r n"), "m", "n", "r"),
    "adalora": (forms.ADALORA, ("m r 1*", "r 1", "r n"), "m", "n", "r"),
    "middle": (forms.CP, ("m r 1 1", "r s k l", "s n 1 1"), "m", "nkl", "r"),
    "hadamard": (forms.HADAMARD, ("m r", "r n*", "m s", "s n*"), "m", "n", "rs"),
    "whole": (forms.FULL, ("m n*",), "m", "n", None),
    "kronecker of two": (kronecker_form(("w1",), ("w2",)), ("m n*", "p q*"), "mp", "nq", None),
    "kronecker of pairs": (kronecker_form(("a", "b"), ("c", "d")), ("m r 1*", "r n*", "p s 1*", "s q*"), "mp", "nq", None),
    "kronecker with a kernel": (kronecker_form(("w1",), ("t", "a", "b")), ("m n*", "r s k l", "r p", "s q"), "mp", "nqkl", None),
}  # fmt: skip
SIZES = (1, 2, 3)  # small, so that shapes fit by chance, too


def bound(letters, shape, known):
    """Return the sizes of letters with those of one tensor added; None where they do not agree."""
    found, axes = dict(known), list(shape)
    for letter in letters.split():
        name = letter.removesuffix("*")
        if letter == "1*":
            size, axes = math.prod(axes), []
        elif letter.endswith("*"):
            if not axes:
                return None
            size, axes = math.prod(axes), []
        elif not axes:
            return None
        else:
            size = axes.pop(0)
        if size != (1 if name == "1" else found.setdefault(name, size)):
            return None
    return None if axes else found


def sizes(spec, shapes):
    """Return the letters' sizes, or None."""
    found = {}
    for letters, shape in zip(spec, shapes, strict=True):
        found = None if found is None else bound(letters, shape, found)
    return found


def drawn(spec, rng):
    """Return shapes that fit, then with up to two axes changed."""
    at = {letter: int(rng.choice(SIZES)) for letter in "mnrspqkl"}
    shapes = []
    for letters in spec:
        shape = []
        for letter in letters.split():
            if letter.endswith("*"):
                more = rng.choice([1] if letter == "1*" else SIZES, rng.integers(0 if letter == "1*" else 1, 3))
                # several axes that make up one letter have to agree with those of the letter's other tensors
                shape += [int(size) for size in more] if letter == "1*" else [at[letter[0]], *[1] * (len(more) - 1)]
            else:
                shape.append(1 if letter == "1" else at[letter])
        shapes.append(shape)
    return changed(shapes, int(rng.integers(0, 3)), rng)


def changed(shapes, count, rng):
    """Return shapes with so many axes of another size, dropped or added."""
    shapes = [list(shape) for shape in shapes]
    for _ in range(count):
        shape = shapes[rng.integers(len(shapes))]
        place = int(rng.integers(len(shape) + 1))
        kind = rng.integers(3)
        if kind == 0 or place == len(shape):
            shape.insert(place, int(rng.choice(SIZES)))
        elif kind == 1:
            shape[place] = int(rng.choice(SIZES))
        else:
            del shape[place]
    return [tuple(shape) for shape in shapes]


@pytest.mark.parametrize("name", SPECS)
def test_a_form_takes_the_shapes_whose_letters_agree_and_no_others(name):
    form, spec, m, n, r = SPECS[name]
    rng, ends = np.random.default_rng(0), set()
    for _ in range(800):
        shapes = drawn(spec, rng)
        at, found = sizes(spec, shapes), form.sizes(*shapes)
        assert (found is None) == (at is None), shapes
        ends.add(at is None)
        if found is None or at is None:
            continue
        one, two = (math.prod(at[letter] for letter in letters) for letters in (m, n))
        assert found[:2] == (one, two), shapes
        if r is not None:
            assert found.r == math.prod(at[letter] for letter in r)
        made = form.combine(*(rng.standard_normal(shape) for shape in shapes))
        assert formed(made, Linear()).matrix.shape == (one, two)
        assert np.linalg.matrix_rank(formed(made, Linear()).matrix) <= found.r <= max(one, two, found.r)
    assert ends == {True, False}


@pytest.mark.parametrize("name", FORMS)
def test_what_has_sizes_has_a_product_of_those_sizes(name):
    """Of every form, those of groups and of shared matrices among them: what is let through can be formed."""
    form, shapes, known = FORMS[name]
    rng, formable = np.random.default_rng(1), 0
    for count in rng.integers(0, 3, 200):
        some = changed([shapes[part] for part in form.parts], count, rng)
        found = form.sizes(*some)
        if found is not None:
            made = form.combine(*(rng.standard_normal(shape) for shape in some))
            assert formed(made, Linear()).matrix.shape == found[:2], some
            formable += 1
    assert formable > 50
    assert form.sizes(*(shapes[part] for part in form.parts)) == known


def test_a_kernel_entry_by_entry_fits_where_both_of_its_parts_have_the_same_columns():
    """(n k l) of the first are those of the second, however they are made up."""
    form, fits = forms.HADAMARD_CP, ((2, 3, 1, 2), (2, 5), (3, 4), (3, 2, 2, 1), (3, 5), (2, 4))
    assert form.sizes(*fits) == (5, 8, 6)
    assert form.sizes(*fits[:3], (3, 2, 2, 2), *fits[4:]) is None  # 16 columns against 8
    assert form.sizes(*fits[:4], (3, 6), fits[5]) is None  # 6 rows against 5
    assert form.sizes(*fits[:4], (4, 5), fits[5]) is None
    assert form.sizes((2, 3, 1), *fits[1:]) is None
    assert form.sizes(*fits[:1], (2, 5, 1), *fits[2:]) is None


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1)])
def test_the_rank_of_a_part_that_is_stored_whole_is_its_smaller_side(shape):
    assert forms.whole_sizes(shape) == (*shape, min(shape))
    assert forms.whole_sizes((*shape, 2)) == (shape[0], 2 * shape[1], min(shape[0], 2 * shape[1]))
    assert forms.whole_sizes(shape[:1]) is None
    pair = kronecker_form(("w1",), ("w2",))
    assert pair.sizes(shape, (2, 7)) == (2 * shape[0], 7 * shape[1], 2 * min(shape))
    made = pair.combine(np.ones(shape), np.ones((2, 7)))
    assert isinstance(made, Kronecker)
    assert (made.first.r, made.second.r) == (min(shape), 2)
    factored = kronecker_form(("a", "b"), ("w2",))
    assert factored.sizes((4, 3), (3, 5), (2, 7)) == (8, 35, 6)
    assert factored.sizes((4, 9), (9, 5), (2, 7)) == (8, 35, 8)  # nine columns of four rows have rank four


SUMS = {
    "middle": ((forms.CP, (4, 2, 1, 1), (2, 3, 3, 2), (3, 5, 1, 1)), "oiyz,ijkl,jcuv->ockl"),
    "hadamard": ((forms.HADAMARD, (4, 2), (2, 5), (4, 3), (3, 5)), "oi,ic,oj,jc->oc"),
    "hadamard with kernels": (
        (forms.HADAMARD_CP, (2, 3, 3, 2), (2, 4), (3, 5), (3, 2, 3, 2), (3, 4), (2, 5)), "ijkl,io,jc,pqkl,po,qc->ockl",
    ),
    "adalora": ((forms.ADALORA, (4, 2), (2, 1), (2, 5)), "oi,iz,ic->oc"),
    "mixed": ((forms.MIXED, (4, 2), (2, 2), (2, 5)), "oi,ij,jc->oc"),
    "turned": ((forms.TURNED, (2, 4), (5, 2)), "io,ci->oc"),
    "whole": ((forms.FULL, (4, 5, 2)), "ocz->ocz"),
    "kronecker with a kernel": (
        (kronecker_form(("w1",), ("t", "a", "b")), (3, 2), (2, 3, 3, 2), (2, 4), (3, 5)), "xy,ijkl,io,jc->xoyckl",
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", SUMS)
def test_a_product_is_its_sum_in_float64_whatever_was_stored(name, dtype):
    (form, *shapes), letters = SUMS[name]
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    sizes = form.sizes(*shapes)
    known = np.einsum(letters, *(t.astype(np.float64) for t in tensors)).reshape(sizes[:2])
    found = formed(form.combine(*tensors), Linear())
    np.testing.assert_allclose(found.matrix, known, rtol=0, atol=1e-13 * np.max(np.abs(known)))
    assert found.matrix.dtype == np.float64
    assert np.linalg.matrix_rank(known) <= sizes.r


NEARLY, EPS = 0.999, 2.0**-52


def ones(m, r, n):
    """Factors whose product has no cancellation: |B| |A| has the norm ||B||_F ||A||_F."""
    return Factors(np.ones((m, r)), np.ones((r, n)))


@pytest.mark.parametrize(("r", "s"), [(1, 1), (4, 1), (1, 4), (3, 3)])
def test_a_formed_product_has_every_rounding_of_its_parts(r, s, monkeypatch):
    """A sum of r products is off by r roundings, those of two parts multiply, and so does the product of the two."""
    wrong = NEARLY * np.longdouble(EPS)
    monkeypatch.setattr(forms, "host", np.asarray)  # which would round to float64
    monkeypatch.setattr(Factors, "product", lambda self: np.full((self.m, self.n), self.r * (1 + self.r * wrong)))
    one = formed(ones(5, r, 4), Linear())
    off = float(np.linalg.norm(np.asarray(one.matrix - r, dtype=np.float64)))
    assert off <= one.error <= 1.01 * off
    two = formed(Kronecker(ones(5, r, 4), ones(2, s, 3)), Linear())
    values = two.matrix * (1 + wrong)
    off = float(np.linalg.norm(np.asarray(values - r * s, dtype=np.float64)))
    assert off <= two.error <= 1.01 * off


def test_what_is_formed_otherwise_states_the_error_that_is_known():
    f = ones(5, 2, 4)
    assert formed(f, Sine(2.0)).error == float(Sine(2.0).forming_error(f)) > 0
    measured = Dense(np.ones((2, 3)), 0.25, ("measured",))
    assert formed(measured, Sine(2.0)) is measured
    assert formed(forms.FULL.combine(np.ones((2, 3, 2), dtype=np.float32)), Linear()).error == 0
    with pytest.raises(ValueError, match=NO_UPDATE):
        formed(f, AdaSine(2.0, np.ones(4)))
    with pytest.raises(ValueError, match="sine needs B and A"):
        formed(Kronecker(f, f), Sine(2.0))
    with pytest.raises(ValueError, match="no tensors make this update"):
        forms.UNSTORED.combine()
    assert forms.UNSTORED.sizes() is None


def test_a_form_that_keeps_few_numbers_says_so():
    """Those whose product is formed from (m + n) r numbers, and those that are kept as they are."""
    assert all(
        SPECS[name][0].expands for name in ("lora", "turned", "transposed", "mixed", "adalora", "middle", "hadamard")
    )
    assert not any(SPECS[name][0].expands for name in SPECS if name.startswith(("whole", "kronecker")))
    assert not forms.UNSTORED.expands
