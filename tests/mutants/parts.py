"""The modules whose errors would be silent, with the tests that have to notice a fault in each.

Every list begins with what is quickest, since a run ends at the first failure.
"""

__all__ = ["PARTS", "SHOWN"]

# functions that only show a result or describe it: a fault there is seen
SHOWN = ("__repr__", "_repr_html_", "_summary", "_shown", "describe", "in_words")

WORST = "tests/solvers/test_worst_rounding.py"
GRAM = "tests/solvers/test_gram_bounds.py"
BOUNDS = "tests/solvers/test_count_bounds.py"
SOLVERS = "tests/solvers/test_solvers.py"
COUNTING = "tests/solvers/test_counting.py tests/solvers/test_worst_counts.py -k 'not torch and not hard_case'"
SPECTRUM = "tests/test_spectrum.py"
TIGHT = "tests/solvers/test_tight.py tests/solvers/test_members.py"
TERMS = "tests/solvers/test_stated.py tests/solvers/test_routes.py"
COPY = "tests/solvers/test_low_rank_bounds.py"
PIVOTED = "tests/solvers/test_pivoted.py"
METRICS = "tests/test_metrics.py"
ERRORS = "tests/test_uncertainty.py"
STATED = "tests/rules/test_stated_error.py tests/rules/test_tables.py"
RULE = f"{STATED} tests/rules/test_forming_error.py tests/rules/test_rule.py tests/rules/test_elementwise.py"
LEARNED = (
    "tests/rules/test_learned.py --deselect tests/rules/test_learned.py::test_phi_holds_a_few_matrices_and_no_more"
)
FORMS = "tests/checkpoints/test_form_sizes.py tests/checkpoints/test_forms.py"
SCALING = "tests/checkpoints/test_scale_laws.py tests/checkpoints/test_scaling.py tests/checkpoints/test_headers.py"
TRAINERS = "tests/checkpoints/readers --ignore tests/checkpoints/readers/test_real.py"

_SOLVERS = {
    "solution": (WORST, SPECTRUM, BOUNDS), "tolerance": (WORST, METRICS), "factored": (WORST, BOUNDS, SOLVERS),
    "kronecker": (BOUNDS,), "dense": (WORST, SOLVERS), "single": ("tests/solvers/test_single.py",), "leading": (WORST, SOLVERS, SPECTRUM),
    "sampled": (WORST, COUNTING), "gram": (WORST, GRAM), "top": (BOUNDS, GRAM), "inertia": (BOUNDS, GRAM, PIVOTED), "blocks": (GRAM, BOUNDS, PIVOTED),
    "pivoted": (PIVOTED, COUNTING), "inverse": (PIVOTED, GRAM),
    "located": (BOUNDS, GRAM), "windows": (COUNTING, PIVOTED), "stack": (GRAM, COUNTING), "economical": (BOUNDS, SPECTRUM),
    "counting": (COUNTING,), "nystrom": (COPY, COUNTING),
}  # fmt: skip
_OTHERS = {
    "uncertainty": (ERRORS, METRICS), "metrics": (METRICS, ERRORS), "spectrum": (SPECTRUM, TIGHT, WORST),
    "regime": ("tests/test_regime.py",), "rules/rule": (RULE,), "rules/elementwise": (RULE,), "rules/activation": (RULE,),
    "rules/learned": (RULE, LEARNED), "rules/basis": (RULE, LEARNED), "rules/interpolant": (STATED, LEARNED),
    "rules/sine_function": ("tests/rules/test_sine_function.py",),
    "checkpoints/scaling": (SCALING, TRAINERS), "checkpoints/forms": (FORMS, TRAINERS),
    "law/bounds": ("tests/law/test_bound_steps.py", "tests/law/test_bounds.py"), "claims/certificates": ("tests/claims/test_claims.py -k certificate",),
    "claims/arithmetic": ("tests/claims/test_arithmetic.py",),
    "reported/printed": ("tests/reported/test_laws.py",), "reported/finding": ("tests/reported/test_laws.py",),
}  # fmt: skip
PARTS = {
    f"rankkit/{folder}{name}.py": " ".join((*first, *tests))
    for folder, first, parts in (("solvers/", (TERMS, TIGHT), _SOLVERS), ("", (), _OTHERS))
    for name, tests in parts.items()
}
