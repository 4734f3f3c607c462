"""What claims and their verdicts show of themselves: at most fifteen lines, in a notebook as in a terminal."""

from typing import Any

import pytest

from rankkit.claims import Claim, Domain, Integer, Ledger, Matrix, Real, check
from tests.report.test_verdict_ledger import Closed

LINES, WIDE = 15, 120
HALF: Any = 0.5

X = Domain(x=Real(0, 2))
FALSE = Claim(
    "a.false", "sin x >= x / 2 & <more>", "a paper", "section 1", domain=X, margin=lambda v, a: a.sin(v.x) - v.x / 2
)
TRUE = Claim("a.true", "long " * 100, domain=X, margin=lambda v, a: v.x, reading="read " * 100)
VAGUE = Claim("a.vague", "it is large", ill_posed="no size is given " * 20)
BIG = Domain(lambda i: True, m=Integer(1, 3), **{f"A{i}": Matrix("m", "m") for i in range(40)})
CHECKED = [check(claim, instances=20) for claim in (FALSE, TRUE, VAGUE)]
SHOWN = {
    "claims": [FALSE, TRUE, VAGUE],
    "domains": [X, BIG],
    "checked": CHECKED,
    "a certificate": [CHECKED[0].certificate],
    "ledgers": [Ledger(tuple(CHECKED)), Ledger(tuple(CHECKED) * 100), Ledger(())],
}


@pytest.mark.parametrize("kind", SHOWN)
def test_each_shows_itself_in_few_lines(kind):
    for one in SHOWN[kind]:
        lines = repr(one).splitlines()
        assert 1 <= len(lines) <= LINES
        assert max(map(len, lines)) <= WIDE
        html = one._repr_html_()
        assert set(Closed(html).seen) <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
        assert "<more>" not in html


def test_they_say_what_they_are_and_how_to_go_on():
    assert "FAILS" in repr(CHECKED[0])
    assert "recheck" in repr(CHECKED[0])
    assert "check(claim)" in repr(FALSE)
    assert "41 variables, under a condition" in repr(BIG)
    assert "a.false fails" in repr(CHECKED[0].certificate)
    assert "3 claims: 1 PROVED, 1 FAILS, 1 ILL_POSED." in repr(Ledger(tuple(CHECKED)))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Integer(3, 1), "low must not exceed high"),
        (lambda: Integer(HALF, 1), "Integer's low must be an integer"),
        (lambda: Real(2, 1), "low must not exceed high"),
        (lambda: Real(0, 1, log=True), "Real's low must be a number that is finite and > 0"),
        (lambda: Real(-1, 1, signed=True), "Real's low must be"),
        (lambda: Matrix(0, 1), "Matrix's rows must be an integer >= 1"),
        (lambda: Domain(A=Matrix("m", 2), m=Integer(1, 2)), "A needs the variable m, which must stand before it"),
        (lambda: Domain(), "at least one variable"),
        (lambda: Domain(where=HALF, x=Real(0, 1)), "a condition comes first, without a name"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(made, says):
    with pytest.raises((ValueError, TypeError), match=says):
        made()
