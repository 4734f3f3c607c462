"""Alarms: each is raised by what it is for, once, and by nothing else."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import rankkit as rk
from rankkit.watch import ALARMS, Limits
from rankkit.watch.alarms import alarms_of
from rankkit.watch.measurement import Measurement, measure
from tests.conftest import save


def state(size=1.0, *, r=2, values=(3.0, 2.0), bad=None):
    """An adapter of one module with these singular values, times a size."""
    B, A = np.eye(6, r) * np.asarray(values[:r]) * size, np.eye(r, 5)
    if bad is not None:
        B[0, 0] = bad
    return {"layers.0.up.lora_A.weight": A, "layers.0.up.lora_B.weight": B}


def measured(one, step):
    """A measurement of a state whose scale is known."""
    with TemporaryDirectory() as folder:
        return measure(save(Path(folder), one, {"peft_type": "LORA", "r": 2, "lora_alpha": 2}), step)[0]


def told(*states, every=100, limits=None):
    """The alarms of measurements of these states, as (step, name)."""
    measurements = [measured(one, every * i) for i, one in enumerate(states)]
    return [(alarm.step, alarm.name) for alarm in alarms_of(measurements, limits)]


def test_a_healthy_module_raises_nothing():
    assert told(state(0), state(), state(2), state(3)) == []


def test_dead_is_told_once_and_after_its_steps():
    assert told(state(0), state(0), state(0)) == [(100, "dead")]
    assert told(state(0), state(0), state(0), limits=Limits(dead_after=200)) == [(200, "dead")]
    assert told(state(), state(0), state(), state(0)) == [(100, "dead"), (300, "dead")]


def test_one_direction_is_told_unless_the_rank_is_one():
    flat = state(values=(3.0, 0.3))  # stable rank 1.01
    assert told(flat, flat) == [(0, "one direction")]
    assert told(state(r=1)) == []
    assert told(state(values=(3.0, 0.9))) == []  # 1.09
    assert told(flat, limits=Limits(one_direction=1.0)) == []


def test_a_spike_is_told_with_its_factor():
    measurements = [measured(state(size), 100 * i) for i, size in enumerate((1.0, 3.9, 20.0, 21.0))]
    (alarm,) = alarms_of(measurements)
    assert (alarm.step, alarm.name) == (200, "spike")
    assert "grew 5.13 times, to 60" in alarm.text
    assert told(state(), state(0), state(5)) == [(100, "dead"), (200, "spike")]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_told_at_once(bad):
    assert told(state(bad=bad)) == [(0, "not finite")]


def test_a_saturated_sine_is_told():
    rng = np.random.default_rng(0)
    made = {"up.lora_A.weight": rng.normal(size=(2, 40)), "up.lora_B.weight": rng.normal(size=(30, 2))}
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "use_sinelora": True, "sinelora_frequency": 300.0}
    report = rk.audit(made, config=config, progress=False)
    measurement = Measurement(0, 1, 0, 0.0, report.columns, report.spectra, {}, "", False)
    assert report.columns["regime"] == ["saturated"]
    assert [alarm.name for alarm in alarms_of([measurement])] == ["saturated"]


def test_every_alarm_has_advice():
    assert set(ALARMS) == {"dead", "one direction", "spike", "not finite", "saturated"}
    alarms = alarms_of([measured(state(0), 500)])
    assert alarms[0].advice == ALARMS["dead"]


@pytest.mark.parametrize("wrong", [{"dead_after": -1}, {"one_direction": 0.9}, {"spike": 1.0}])
def test_a_limit_out_of_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)
