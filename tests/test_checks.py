"""Checks of single arguments: what passes comes back as a plain number, what does not is named in one sentence."""

import math
import re

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit.checks import finite, integer, tolerance
from rankkit.cli.main import main
from tests.conftest import CONFIG


@pytest.mark.parametrize("value", [1, 7, np.int32(7), np.uint8(7)])
def test_integers_of_both_kinds_become_pythons(value):
    assert integer("d", value) == value
    assert type(integer("d", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, True, np.True_, "3", None, math.nan, np.float64(2), [1]])
def test_what_is_no_integer_is_refused(value):
    says = f"d must be an integer >= 1, got {value!r}; for instance d=512."
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        integer("d", value, advice="for instance d=512")


def test_the_least_integer_is_allowed():
    assert integer("seed", 0, least=0) == 0
    with pytest.raises(ValueError, match=r"^seed must be an integer >= 0, got -1\.$"):
        integer("seed", -1, least=0)


def test_the_largest_integer_is_allowed_and_no_larger_one():
    assert integer("top", 8, most=8) == 8
    with pytest.raises(ValueError, match=r"^top must be an integer in 1\.\.8, got 9; the update has 8 values\.$"):
        integer("top", 9, most=8, advice="the update has 8 values")


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0)])
def test_numbers_of_every_kind_become_pythons(value):
    assert finite("omega", value) == 2.0
    assert type(finite("omega", value)) is float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "2", True, None, 10**400, np.ones(2), 1j])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="omega must be a number that is finite, got .*; choose another value"):
        finite("omega", value)


def test_a_bound_is_within_reach_unless_it_is_strict():
    assert finite("omega", 0, least=0) == 0
    assert finite("omega", 1e-300, least=0, strict=True) == 1e-300
    with pytest.raises(ValueError, match="omega must be a number that is finite and > 0, got 0; use 1"):
        finite("omega", 0, least=0, strict=True, advice="use 1")
    with pytest.raises(ValueError, match="finite and >= 0, got -1"):
        finite("omega", -1, least=0)


def test_one_tolerance_at_most_is_given():
    assert tolerance(None, None, default=1e-5) == (1e-5, 0.0)
    assert tolerance(0.5, None, default=1e-5) == (0.5, 0.0)
    assert tolerance(np.float32(0), default=1e-5) == (0.0, 0.0)
    assert tolerance(None, 3, default=1e-5) == (0.0, 3.0)
    with pytest.raises(ValueError, match="give rtol or atol, not both"):
        tolerance(1e-3, 1e-3, default=1e-5)
    assert tolerance(np.nextafter(1, 0), default=1e-5)[0] < 1
    for bad in (-1.0, 1, 1.0, 2, math.nan, math.inf, "1e-3", True):
        with pytest.raises(ValueError, match="finite and >= 0 and < 1, got .*; leave it out for the default"):
            tolerance(bad, default=1e-5)
    for bad in (-1.0, math.nan, math.inf, "1e-3", True):
        with pytest.raises(ValueError, match="atol must be a number that is finite and >= 0, got .*rtol=1e-05"):
            tolerance(None, bad, default=1e-5)


STATE = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
PAIR = rk.initializers.KaimingUniform()(64, 64, 1, seed=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda rtol: rk.audit(STATE, config=CONFIG, rtol=rtol),
        lambda rtol: rk.audit_full({"up.weight": np.eye(3)}, {"up.weight": 2 * np.eye(3)}, rtol=rtol),
        lambda rtol: rk.compare(STATE, STATE, config=CONFIG, rtol=rtol),
        lambda rtol: rk.sweep_frequency(8, 1, omegas=[1.0], rtol=rtol),
        lambda rtol: rk.metrics.numerical_rank(rk.spectrum_of(np.eye(3)), rtol=rtol),
        lambda rtol: rk.metrics.numerical_rank_bounds(rk.spectrum_of(np.eye(3)), rtol=rtol),
        lambda rtol: rk.count_above(np.eye(3), rtol=rtol),
        lambda rtol: rk.predict_rank(10, d=64, r=2, rtol=rtol),
        lambda rtol: rk.predict_curve([10], d=64, r=2, rtol=rtol),
        lambda rtol: rk.predict_rank(10, factors=PAIR, rtol=rtol),
        lambda rtol: rk.frequency_for_rank(10, d=64, r=2, measure="numerical_rank", rtol=rtol),
    ],
)
@pytest.mark.parametrize("rtol", [1.0, 2.0, -0.1])
def test_no_public_function_takes_an_rtol_above_which_nothing_counts(call, rtol):
    with pytest.raises(ValueError, match=rf"rtol must be a number that is finite and >= 0 and < 1, got {rtol}; leave"):
        call(rtol)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("gpu", "torch knows no device of that name"),
        ("mps", "it has no float64, in which rankkit computes"),
        ("meta", "it holds no numbers"),
        ("cuda:7000", ""),
    ],
)
def test_a_device_that_cannot_be_used_is_named_in_one_sentence(device, reason, capsys):
    """Torch's own words may have 2000 characters, and lists of what it was built with."""
    said = f"must be one that torch can use here, got {device!r}: {reason}"
    for call in (
        lambda: rk.audit(STATE, config=CONFIG, device=device),
        lambda: rk.probe_frequencies(STATE, [1.0], config=CONFIG, device=device),
        lambda: rk.sweep_frequency(8, 1, omegas=[1.0], device=device),
        lambda: PAIR.to(device=device),
    ):
        with pytest.raises(ValueError, match=re.escape(said)) as error:
            call()
        assert str(error.value).endswith("; try cuda, or leave it out for the CPU.")
        assert len(str(error.value)) < 300
    for words in (["audit", "--sample", "--as", "sine", "--omega", "1"], ["sweep", "--d", "8", "--omegas", "1"]):
        assert main([*words, "--device", device]) == 2
        assert f"--device {said}" in capsys.readouterr().err


def test_a_full_device_is_not_called_unusable(monkeypatch):
    """Whoever works in batches halves them then; as a ValueError it would be taken for an update that is not finite."""

    def full(*_sizes, **_more):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(torch.OutOfMemoryError):
        PAIR.to(device="cpu")
