"""The committed ledger: its verdicts are found again, its counterexamples go on failing, its corrected forms hold."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from rankkit.claims import Certificate, Domain, check, collect
from rankkit.claims.margins import float_margin
from rankkit.claims.strategies import instances
from rankkit.verdict import UPHELD

CHECKS = Path(__file__).parents[1] / "paper_checks"
CLAIMS = {claim.id: claim for claim in collect([CHECKS])}
LEDGER = {record["id"]: record for record in json.loads((CHECKS / "ledger.json").read_text())}
TRUE = [name for name, record in LEDGER.items() if record["verdict"] in (*UPHELD, "VACUOUS")]
COMPUTED = [name for name in TRUE if CLAIMS[name].margin is not None]


def test_the_ledger_is_of_these_claims():
    assert list(LEDGER) == list(CLAIMS)
    assert set(re.findall(r"^\| (\S+) \|", (CHECKS / "LEDGER.md").read_text(), re.M)) >= set(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_verdict_is_found_again(name):
    found = check(CLAIMS[name], instances=200).verdict
    assert found.word == LEDGER[name]["verdict"]
    assert found.proved == bool(LEDGER[name]["proved"])


@pytest.mark.parametrize("name", COMPUTED)
def test_what_holds_holds_as_a_property(name):
    claim = CLAIMS[name]
    assert claim.domain is not None

    # a claim's hypotheses may be narrow: which version of Hypothesis minds is chance
    @settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
    @given(instances(claim.domain))
    def holds(instance):
        assert float_margin(claim, instance) >= -claim.error

    holds()


@pytest.mark.parametrize("name", [name for name, record in LEDGER.items() if record["verdict"] == "FAILS"])
def test_a_stored_counterexample_goes_on_failing(name):
    certificate = Certificate.from_json(json.dumps(LEDGER[name]["certificate"]))
    assert certificate.recheck(CLAIMS[name])


@pytest.mark.parametrize("name", [name for name, record in LEDGER.items() if record["corrects"]])
def test_a_correction_holds_and_corrects_what_fails(name):
    assert LEDGER[name]["verdict"] in (*UPHELD, "VACUOUS")
    assert LEDGER[LEDGER[name]["corrects"]]["verdict"] not in UPHELD


THEOREM = CLAIMS["sine.thm1.corrected"]


class Straight:
    """An arithmetic in which the sine is a straight line."""

    def __init__(self, arithmetic):
        self.arithmetic = arithmetic

    def __getattr__(self, name):
        return getattr(self.arithmetic, name)

    def sin(self, x):
        """Return x."""
        return x


def bigger_than_k(instance):
    """Return whether there is a minor of order k + 1: without a second one, the theorem fails."""
    return min(instance["m"], instance["n"]) > instance["k"]


def few_rows(instance):
    """Return whether no matrix of the size has rank above k."""
    return instance["m"] <= instance["k"]


def margin(v, a):
    """Return the theorem's own margin."""
    assert THEOREM.margin is not None
    return THEOREM.margin(v, a)


FALSE = {
    "a hypothesis too few": (bigger_than_k, margin),
    "matrices with no more than k rows": (few_rows, margin),
    "a function that gains no rank": (None, lambda v, a: margin(v, Straight(a))),
}


@pytest.mark.parametrize("name", FALSE)
def test_the_corrected_theorem_would_be_refuted_if_it_were_false(name):
    assert THEOREM.domain is not None
    where, its_margin = FALSE[name]
    domain = Domain(where or THEOREM.domain.where, **THEOREM.domain.spaces)
    planted = replace(THEOREM, domain=domain, margin=its_margin)
    found = check(planted, instances=100)
    assert found.verdict.word == "FAILS", found
    assert found.certificate is not None
    assert found.certificate.recheck(planted)
