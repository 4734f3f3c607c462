"""Our sine against thirty digits, on both sides of every boundary it has."""

import mpmath
import numpy as np
import pytest

from rankkit.rules import sine_function
from rankkit.rules.sine_function import BLOCK, LARGEST, PI, sin

U = 2.0**-53
CHOSEN = sine_function._vector_tangent.__wrapped__  # how a way is chosen, which the tests below do instead


@pytest.fixture(params=["tangent", "polynomial"], autouse=True)
def kernel(request, monkeypatch):
    """Both ways, on any machine: where numpy's tangent is no vector function, it is only slower."""
    monkeypatch.setattr(sine_function, "_vector_tangent", lambda: request.param == "tangent")


@pytest.mark.parametrize(
    ("platform", "function", "vector"),
    [("linux", "AVX512_SKX", True), ("linux", "X86_V4", True), ("linux", "X86_V3", False), ("darwin", None, False), ("win32", None, False)],
)  # fmt: skip
def test_the_tangent_is_asked_for_where_it_can_be_a_vector_function(platform, function, vector, monkeypatch):
    """numpy's builds for other systems list no tangent, and 2.0 lists nothing."""

    class Introspect:
        @staticmethod
        def opt_func_info(*, func_name, signature):
            assert (func_name, signature) == ("^tan$", "float64")
            return {} if function is None else {"tan": {"dd": {"current": function, "available": ""}}}

    monkeypatch.setattr(sine_function.sys, "platform", platform)
    monkeypatch.setattr(np.lib, "introspect", Introspect, raising=False)
    assert CHOSEN() is vector
    monkeypatch.delattr(np.lib, "introspect")
    assert CHOSEN() is False


def exact(x):
    with mpmath.workprec(200):
        return np.array([float(mpmath.sin(mpmath.mpf(float(value)))) for value in x])


def long(values):
    """Return an array long enough for our own code, beginning with these values."""
    return np.concatenate([values, np.random.default_rng(0).uniform(-3, 3, BLOCK + 17)])


@pytest.mark.parametrize("size", [1e-300, 1e-8, 1.0, 30.0, 1e4, 0.99 * LARGEST])
def test_within_three_roundings(size):
    x = size * np.random.default_rng(1).uniform(-1, 1, 2000)
    wrong = np.abs(sin(long(x))[:2000] - exact(x))
    assert np.all(wrong <= 3 * U * np.minimum(np.abs(x), np.maximum(1, U * np.abs(x) / U)))


def test_near_multiples_of_pi():
    """Where the reduction has to know pi to more than 53 bits."""
    k = np.arange(-150_000, 150_001, 997)
    x = np.float64(np.pi) * k
    assert np.all(np.abs(sin(long(x))[: x.size] - exact(x)) <= 3 * U * np.maximum(1, np.abs(x)))
    assert np.all(np.abs(sin(long(x))[: x.size] - exact(x)) <= 3 * U)


def test_pi_is_pi_and_its_parts_multiply_exactly():
    with mpmath.workprec(300):
        assert abs(sum(map(mpmath.mpf, PI)) - mpmath.pi) < 1e-36
    for part in PI[:2]:
        mantissa = np.frexp(part)[0] * 2.0**33
        assert mantissa == int(mantissa)
    assert LARGEST / np.pi < 2**20


def test_beyond_its_range_and_for_other_types_it_is_numpys():
    for x in (long(np.array([2 * LARGEST, 1e300])), np.linspace(-3, 3, 2 * BLOCK, dtype=np.float32), np.ones(3)):
        np.testing.assert_array_equal(sin(x), np.sin(x))


def test_shapes_strides_and_the_argument_are_kept():
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((300, 200)))
    before = x.copy()
    for view in (x, x.T, x[::2, ::-1]):
        np.testing.assert_allclose(sin(view), np.sin(view), rtol=0, atol=3 * U)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("factor", "divisor"), [(1.0, 1.0), (41.0, 1.0), (-0.3, 22.6), (1e-3, -2.0), (0.0, 3.0)])
def test_a_factor_and_a_divisor_are_operations_of_their_own(factor, divisor):
    """The same bits as from three passes, for arrays of every kind."""
    x = long(np.linspace(-900, 900, 500))
    np.testing.assert_array_equal(sin(x, factor, divisor), sin(x * factor) / divisor)
    for other in (x[:40], x.astype(np.float32), x.reshape(-1, 1)[:, ::-1]):
        np.testing.assert_array_equal(sin(other, factor, divisor), sin(other * factor) / divisor)


def test_the_range_is_that_of_the_angle():
    x = long(np.array([2 * LARGEST, -3.0]))
    np.testing.assert_array_equal(sin(x / LARGEST, LARGEST), np.sin(x / LARGEST * LARGEST))
    assert np.isnan(sin(long(np.array([np.nan])), 2.0)[0])
