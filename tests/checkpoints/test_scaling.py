"""The scale in front of B A, against PEFT's own matching."""

import math
import time

import pytest
from peft.utils.other import get_pattern_key

from rankkit.checkpoints.fields import said
from rankkit.checkpoints.scaling import Scaled, matched, rank_of, scale_of, sine_of
from rankkit.rules import Linear

MODULES = [
    "model.layers.1.self_attn.q_proj",
    "model.layers.11.self_attn.q_proj",
    "layers.1.mlp.up_proj",
    "q_proj",
    "xq_proj",
]
PATTERNS = [
    "q_proj",
    "layers.1.self_attn.q_proj",
    r"layers\.[0-9]\.self_attn\.q_proj",
    "^q_proj",
    ".*",
    "up_proj|q_proj",
    "1.mlp",
]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_match_as_pefts_do(module, pattern):
    theirs = get_pattern_key([pattern], module)
    assert (matched({pattern: 1}, module) == 1) == ((theirs == pattern and pattern != module) or pattern == module)


def test_the_first_pattern_that_matches_wins():
    assert matched({"q_proj": 1, ".*": 2}, MODULES[0]) == 1
    assert matched({".*": 2, "q_proj": 1}, MODULES[0]) == 2
    assert matched({"v_proj": 2}, MODULES[0]) is None


def told(config, module, r):
    """Return the scale, and what had to be assumed for it; the rule has the scale too."""
    scaled = scale_of(config, module, r)
    assert scaled.rule == Linear(scale=scaled.scale)
    return scaled.scale, scaled.notes


def test_scales():
    config = {"r": 8, "lora_alpha": 16, "alpha_pattern": {"up_proj": 3}, "rank_pattern": {"up_proj": 4}}
    assert told(config, "a.q_proj", 8) == (2.0, ())
    assert told(config, "a.up_proj", 4) == (0.75, ())
    assert told(config | {"use_rslora": True}, "a.up_proj", 4) == (1.5, ())
    assert told(config | {"use_rslora": True}, "a.q_proj", 8)[0] == pytest.approx(16 / math.sqrt(8))


def test_what_is_assumed_is_noted():
    assert told(None, "q", 4) == (1.0, ("no adapter_config.json: scale 1 assumed",))
    assert "default 8" in told({"r": 4}, "q", 4)[1][0]
    scale, notes = told({"r": 16, "lora_alpha": 8}, "q", 4)
    assert scale == 2.0
    assert "config says r = 16, the tensors say 4" in notes[0]


def test_a_runaway_pattern_is_stopped():
    started = time.monotonic()
    with pytest.raises(ValueError, match="takes too long"):
        matched({"(a|aa)+b": 1}, "a" * 64 + "c")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"alpha_pattern": {"x" * 2000: 1}}, "at most 1000 characters"),
        ({"alpha_pattern": {"(": 1}}, "not a regular expression"),
        ({"alpha_pattern": [1]}, "must be a mapping"),
        ({"lora_alpha": "16"}, "lora_alpha must be a finite number"),
        ({"lora_alpha": math.nan}, "lora_alpha must be a finite number"),
        ({"lora_alpha": 10**400}, "lora_alpha must be a finite number"),
    ],
)
def test_bad_configs_are_refused(config, says):
    with pytest.raises(ValueError, match=says):
        scale_of(config, "q", 4)


@pytest.mark.parametrize("field", ["scaling", "lora_scale", "scaling_factor", "rank_stabilized", "lora_structure"])
def test_a_field_of_another_scale_in_peft_s_configuration_is_left_aside_and_said(field):
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, field: 3}
    assert scale_of(config, "q", 4).scale == 2.0
    assert said(config).unknown == ("method",)
    assert said({**config, field: 1}).unknown == ()


def test_a_word_for_use_rslora_is_refused_and_not_taken_for_true():
    with pytest.raises(ValueError, match="use_rslora must be true or false, got 'false'"):
        scale_of({"r": 4, "lora_alpha": 8, "use_rslora": "false"}, "q", 4)


@pytest.mark.parametrize(
    ("asked", "rank"), [(4, 4), (1, 1), (0, None), (-1, None), (2.0, None), (True, None), ("4", None)]
)
def test_a_rank_that_could_be_none_is_not_named(asked, rank):
    assert rank_of({"r": asked}, "q") == rank
    assert rank_of({"r": 8, "rank_pattern": {"q": asked}}, "q") == rank
    assert rank_of({"r": 8}, "q") == 8


@pytest.mark.parametrize(
    ("omega", "gain", "scale"), [(-1.0, 2.0, 1.0), (1.0, 0.0, 1.0), (1.0, -2.0, 1.0), (1.0, 2.0, -1.0)]
)
def test_a_sine_of_an_impossible_frequency_or_gain_is_refused(omega, gain, scale):
    with pytest.raises(ValueError, match="a sine needs omega >= 0 and gain times the scale > 0"):
        sine_of({"omega": omega, "gain": gain}, ("omega", "gain"), Scaled.linear(scale), 4)
    assert sine_of({"omega": 0.0, "gain": 2.0}, ("omega", "gain"), Scaled.linear(1.0), 4).scale == 0.5
