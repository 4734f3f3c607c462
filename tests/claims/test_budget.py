"""A budget ends the whole check of a claim: on a clock that only the claim's own evaluations move, none runs over."""

import math
from fractions import Fraction

import numpy as np
import pytest

from rankkit.claims import Claim, Domain, Integer, Matrix, Real, check
from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp

STEP = 0.02  # seconds of one evaluation
BUDGET = 0.5
SMALL = {"the margin of a violation": 0.1}  # a budget that ends while the violation is made simpler


class Clock:
    """A clock that stands still but for what is evaluated."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def slows(self, function):
        """Return the function, each call of which takes a step of time."""

        def slow(*arguments):
            self.now += STEP
            return function(*arguments)

        return slow


@pytest.fixture
def clock():
    return Clock()


TWO = {"x": Real(-1.0, 1.0), "y": Real(-1.0, 1.0)}
LONG = {"A": Matrix(1, 12, Real(-2.0, 2.0))}


def inside(instance):
    return instance["x"] ** 2 + instance["y"] ** 2 <= 1


def rarely(instance):
    return abs(instance["x"] - instance["y"]) * 10**6 < 1


def not_simple(instance):
    """Return whether no entry is simple: a violation is found at once, and is made simpler in many steps."""
    return all(x.denominator > 64 for x in instance["A"].ravel())


def wave(v, a):
    """Return a margin that one instance in seven violates: most changes that make one simpler mend it."""
    return a.sin(5000 * v.A.sum()) + a.of(Fraction(9, 10))


# which function is slow, and of which claim: together they pass through every part of a check
SLOW = {
    "the margin": ("margin", Domain(inside, **TWO), lambda v, a: 2 - v.x - v.y, None),
    "the margin of all instances": ("margin", Domain(k=Integer(1, 1000)), lambda v, a: a.of(v.k), None),
    "the margin of what balls cover": ("margin", Domain(**TWO), lambda v, a: 2.01 - v.x * v.x - v.y * v.y, None),
    "the margin of a violation": ("margin", Domain(not_simple, **LONG), wave, None),
    "the margin that balls decide": ("margin", Domain(**TWO), lambda v, a: a.square(v.x) * 0, None),
    "the bite": ("bite", Domain(inside, **TWO), lambda v, a: 2 - v.x, lambda v, a: v.x - 2),
    "the bite of all instances": ("bite", Domain(k=Integer(1, 1000)), lambda v, a: a.of(v.k), lambda v, a: a.of(-v.k)),
    "the condition": ("where", Domain(inside, **TWO), lambda v, a: 2 - v.x - v.y, None),
    "a condition that is rarely met": ("where", Domain(rarely, **TWO), lambda v, a: 2 - v.x - v.y, None),
    "the condition of a violation": ("where", Domain(not_simple, **LONG), wave, None),
}


def slowed(name, clock):
    """Return the claim whose slow function moves the clock."""
    which, domain, margin, bite = SLOW[name]
    if which == "where":
        domain = Domain(clock.slows(domain.where), **domain.spaces)
    margin, bite = (clock.slows(f) if which == part else f for part, f in (("margin", margin), ("bite", bite)))
    return Claim("slow", name, domain=domain, margin=margin, bite=bite)


def spent(name, clock):
    """Return the verdict of a slow claim, the evaluations that it took, and how many its budget allows."""
    budget = SMALL.get(name, BUDGET)
    verdict = check(slowed(name, clock), instances=300, budget=budget, clock=clock).verdict
    return verdict, clock.now / STEP, budget * 1.1 / STEP + 1


@pytest.mark.parametrize("name", SLOW)
def test_no_evaluation_runs_over_the_budget(name, clock):
    verdict, evaluations, most = spent(name, clock)
    assert 0 < evaluations <= most, verdict
    assert verdict.word != "BROKEN"


@pytest.mark.parametrize("name", SLOW)
def test_a_check_without_the_guard_runs_over(name, clock, monkeypatch):
    """The fault planted: nothing is stopped, so that the test above is known to be able to fail."""
    monkeypatch.setattr(Claim, "until", lambda self, deadline: self)
    _, evaluations, most = spent(name, clock)
    assert evaluations > most


def test_what_was_cut_short_says_so(clock):
    assert "the budget ended the check early" in check(
        slowed("the margin", clock), budget=BUDGET, clock=clock
    ).verdict.evidence  # fmt: skip
    assert "early" not in check(slowed("the margin", Clock()), budget=math.inf, instances=50).verdict.evidence


def test_before_the_first_instance_nothing_is_known(clock):
    verdict = check(slowed("a condition that is rarely met", clock), budget=STEP / 2, clock=clock).verdict
    assert (verdict.word, verdict.evidence) == ("UNDECIDED", "the budget ended before the first instance was looked at")


def test_a_violation_found_late_is_not_called_proved(clock):
    """A margin of which one evaluation takes the whole budget leaves no time for balls."""

    def margin(v, a):
        clock.now += 2 * BUDGET
        return v.x - 2

    verdict = check(
        Claim("late", "x >= 2", domain=Domain(x=Real(0.0, 1.0)), margin=margin), budget=BUDGET, clock=clock
    ).verdict
    assert (verdict.word, "before balls confirmed it" in verdict.evidence) == ("UNDECIDED", True)
    assert clock.now == 2 * BUDGET


@pytest.mark.parametrize("budget", [0, -1, math.nan])
def test_a_budget_of_nothing_is_refused(budget):
    with pytest.raises(ValueError, match="budget must be"):
        check(Claim("x", "x", ill_posed="no reason"), budget=budget)


@pytest.mark.parametrize("instances", [0, -3, 2.5, True])
def test_instances_are_counted_in_integers(instances):
    with pytest.raises(ValueError, match="instances must be an integer >= 1"):
        check(Claim("x", "x", ill_posed="no reason"), instances=instances)


def test_a_deadline_is_shared_out_on_its_own_clock(clock):
    deadline = Deadline.after(10.0, clock=clock)
    half, soon = deadline.share(0.5), deadline.within(2.0)
    assert (half.at, soon.at, deadline.within(60.0).at) == (5.0, 2.0, 10.0)
    clock.now = 5.0
    assert (deadline.passed, half.passed, soon.left) == (False, True, -3.0)
    with pytest.raises(TimeIsUp):
        half.guard(np.sin)(1.0)
    assert deadline.guard(np.cos)(0.0) == 1.0
    assert not NEVER.passed


def test_a_library_is_loaded_only_where_there_is_time(clock, monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "torch", raising=False)
    assert not Deadline.after(0.1, clock=clock).affords("torch")
    assert Deadline.after(60.0, clock=clock).affords("torch")
    assert Deadline.after(0.1, clock=clock).affords("hypothesis")  # loaded by these tests
