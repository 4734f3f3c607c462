"""What a scale is looked for in, in which order, and what is noted: every rule with the case beside it."""

import math

import numpy as np
import pytest

from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.scaling import (
    ALIKE,
    ALPHA,
    FACTOR,
    MAX_PATTERN,
    MULTIPLIER,
    RANK,
    Scaled,
    matched,
    multiplied,
    scale_of,
    searched,
    sine_of,
)
from rankkit.rules import Sine

R = 4


def found(config=None, **stored: float):
    """Return the scale of a module with these numbers beside its factors."""
    tensors = StateDict({name: np.array([value], dtype=float) for name, value in stored.items()})
    return searched(tensors, {name: name for name in stored}, config, "q", R, why="nothing", advice="; look")


def test_a_stored_factor_counts_before_an_alpha_and_both_before_the_configuration():
    config = {"lora_alpha": 40, "r": R}
    assert found(config).scale == 10
    assert found(config, **{ALPHA: 6.0}) == Scaled.linear(1.5)
    assert found(config, **{FACTOR: 7.0}) == Scaled.linear(7.0)
    assert found(config, **{FACTOR: 7.0, RANK: 9.0}) == Scaled.linear(7.0)  # a factor is whole, whatever the rank
    assert found(config, **{ALPHA: 6.0, RANK: float(R)}) == Scaled.linear(1.5)


def test_numbers_that_contradict_each_other_are_noted_and_make_the_scale_unknown():
    both = found(**{ALPHA: 6.0, FACTOR: 7.0})
    assert (both.scale, both.unknown) == (7.0, ("scale",))
    assert "alpha / r = 1.5 and the factor stored beside it, 7, differ" in both.notes[0]
    rank = found(**{ALPHA: 6.0, RANK: 8.0})
    assert (rank.scale, rank.unknown) == (1.5, ("scale",))
    assert "the rank stored beside the factors is 8, theirs 4" in rank.notes[0]


@pytest.mark.parametrize("side", [1, -1])
def test_a_factor_that_was_rounded_to_sixteen_bits_agrees_with_alpha(side):
    assert ALIKE == 1e-2
    assert found(**{ALPHA: 6.0, FACTOR: 1.5 * (1 + side * 0.0095)}).unknown == ()
    assert found(**{ALPHA: 6.0, FACTOR: 1.5 * (1 + side * 0.0105)}).unknown == ("scale",)


def test_a_configuration_that_says_neither_alpha_nor_scale_says_nothing():
    assumed = Scaled.assumed("nothing", "; look")
    assert assumed.scale == 1.0
    assert assumed.notes == ("nothing: scale 1 assumed; look",)
    assert found() == found({}) == found({"r": R}) == found({"lora_alpha": None, "scaling": None}) == assumed
    assert found({"lora_alpha": 8}).scale == 2
    assert found({"scaling": 3.0}).scale == 3
    assert found({"scaling": 3.0, "lora_alpha": 8}).scale == 3
    assert found({"scaling": 3.0, "lora_alpha": 8, "peft_type": "LORA"}).scale == 2


@pytest.mark.parametrize("r", [1, 4, 9])
def test_alpha_is_divided_by_the_rank_or_by_its_root(r):
    assert scale_of({"lora_alpha": 3, "r": r}, "q", r).scale == 3 / r
    for rooted in (True, 1):
        assert scale_of({"lora_alpha": 3, "use_rslora": rooted}, "q", r).scale == 3 / math.sqrt(r)
    for plain in (False, 0, None):
        assert scale_of({"lora_alpha": 3, "use_rslora": plain}, "q", r).scale == 3 / r


def test_a_default_alpha_is_known_of_peft_and_assumed_of_others():
    assert scale_of({"peft_type": "LORA"}, "q", R)[2:] == (
        ("no lora_alpha in the config: PEFT's default 8 assumed",),
        (),
    )
    other = scale_of({"r": 5}, "q", R)
    assert other.scale == 2
    assert other.unknown == ("scale", "scale")
    assert len(other.notes) == 2
    assert scale_of({"peft_type": "LORA", "r": R}, "q", R).unknown == ()
    assert scale_of({"peft_type": "LORA", "r": 5}, "q", R).unknown == ("scale",)


def test_a_pattern_is_a_string_of_a_thousand_characters_at_most():
    assert MAX_PATTERN == 1000
    long = "x" * MAX_PATTERN
    assert matched({long: 1}, long) == 1
    for bad in (long + "x", 3, None, ("q",)):
        with pytest.raises(ValueError, match="a string of at most 1000 characters"):
            matched({bad: 1}, "q")


def test_a_multiplier_multiplies_what_is_linear_and_keeps_what_was_noted():
    tensors = StateDict({MULTIPLIER: np.array(0.25)})
    plain = Scaled.linear(6.0, ("noted",), ("scale",))
    assert multiplied(plain, tensors, {MULTIPLIER: MULTIPLIER}) == Scaled.linear(1.5, ("noted",), ("scale",))
    assert multiplied(plain, tensors, {}) is plain
    bent = Scaled(1.0, Sine(2.0))
    assert multiplied(bent, tensors, {}) is bent
    with pytest.raises(ValueError, match="beside an update that is not linear"):
        multiplied(bent, tensors, {MULTIPLIER: MULTIPLIER})


@pytest.mark.parametrize(("gain", "scale"), [(2.0, 1.0), (0.5, 3.0), (-2.0, -0.25)])
def test_a_sine_is_divided_by_its_gain_over_the_scale(gain, scale):
    names = ("frequency", "divisor")
    plain = Scaled.linear(scale, ("noted",), ("method",))
    told = sine_of({"frequency": 7.0, "divisor": gain}, names, plain, 16)
    assert told == Scaled(scale / gain, Sine(7.0, gain=gain / scale), ("noted",), ("method",))
    if scale > 0:
        root = sine_of({"frequency": 7.0}, names, plain, 16)
        assert root[:2] == (scale / 4, Sine(7.0, gain=4 / scale))
        assert root.notes == ("noted", "no divisor in the config: sqrt(rows) assumed")
        assert root.unknown == ("method", "scale")
