"""The committed ledger: its verdicts are found again, its counterexamples go on failing, its corrected forms hold."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from rankkit.claims import Certificate, check, collect
from rankkit.claims.search import float_margin
from rankkit.claims.strategies import instances

CHECKS = Path(__file__).parents[1] / "paper_checks"
CLAIMS = {claim.id: claim for claim in collect([CHECKS])}
LEDGER = {record["id"]: record for record in json.loads((CHECKS / "ledger.json").read_text())}
TRUE = [name for name, record in LEDGER.items() if record["verdict"] in ("HOLDS", "HOLDS_UNDER", "VACUOUS")]
COMPUTED = [name for name in TRUE if CLAIMS[name].margin is not None]


def test_the_ledger_is_of_these_claims():
    assert list(LEDGER) == list(CLAIMS)
    assert set(re.findall(r"^\| (\S+) \|", (CHECKS / "LEDGER.md").read_text(), re.M)) >= set(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_verdict_is_found_again(name):
    assert check(CLAIMS[name], instances=200).verdict.word == LEDGER[name]["verdict"]


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
    assert LEDGER[name]["verdict"] in ("HOLDS", "HOLDS_UNDER", "VACUOUS")
    assert LEDGER[LEDGER[name]["corrects"]]["verdict"] not in ("HOLDS", "HOLDS_UNDER")
