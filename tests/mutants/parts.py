"""The modules whose errors would be silent, with the tests that have to notice a fault in each."""

__all__ = ["PARTS", "SHOWN"]

# functions that only show a result or describe it: a fault there is seen
SHOWN = ("__repr__", "_repr_html_", "_summary", "_shown", "describe", "in_words")

WORST = "tests/solvers/test_worst_rounding.py"
GRAM = "tests/solvers/test_gram_bounds.py"
BOUNDS = "tests/solvers/test_count_bounds.py"
SOLVERS = "tests/solvers/test_solvers.py"
COUNTING = (
    "tests/solvers/test_counting.py tests/solvers/test_worst_counts.py "
    "--deselect tests/solvers/test_counting.py::test_the_count_is_the_svds_on_a_random_family[torch-hard_case] "
    "--deselect tests/solvers/test_counting.py::test_the_count_is_the_svds_on_a_random_family[torch-random_case]"
)
SPECTRUM = "tests/test_spectrum.py"
METRICS = "tests/test_metrics.py"
RULES = "tests/rules --deselect tests/rules/test_learned.py::test_phi_holds_a_few_matrices_and_no_more"
READERS = "tests/checkpoints/readers --deselect tests/checkpoints/readers/test_real.py"
CERTIFICATES = "tests/claims/test_claims.py -k certificate"
ARITHMETIC = "tests/claims/test_arithmetic.py"
REPORTED = "tests/reported/test_laws.py"

_SOLVERS = {
    "solution": (WORST, SOLVERS, SPECTRUM, COUNTING), "tolerance": (WORST, METRICS, COUNTING), "factored": (WORST, SOLVERS),
    "kronecker": ("tests/checkpoints/test_forms.py", COUNTING), "dense": (WORST, SOLVERS), "leading": (WORST, SOLVERS, SPECTRUM),
    "sampled": (WORST, COUNTING), "gram": (WORST, GRAM), "top": (BOUNDS, GRAM), "inertia": (GRAM, BOUNDS, COUNTING),
    "located": (BOUNDS, GRAM), "windows": (BOUNDS, COUNTING, WORST), "stack": (COUNTING, GRAM), "economical": (BOUNDS, SOLVERS, SPECTRUM),
    "counting": (COUNTING, WORST),
}  # fmt: skip
_OTHERS = {
    "uncertainty": ("tests/test_uncertainty.py", METRICS), "metrics": (METRICS, "tests/test_uncertainty.py"),
    "spectrum": (SPECTRUM, WORST), "regime": ("tests/test_regime.py",),
    "rules/rule": (RULES,), "rules/elementwise": (RULES,), "rules/learned": (RULES,), "rules/basis": (RULES,),
    "rules/interpolant": (RULES,), "rules/activation": (RULES,), "rules/sine_function": (RULES,),
    "checkpoints/scaling": ("tests/checkpoints/test_scaling.py", READERS, "tests/checkpoints/test_headers.py"),
    "checkpoints/forms": ("tests/checkpoints/test_forms.py", READERS, "tests/checkpoints/test_scaling.py", "tests/checkpoints/test_laws.py"),
    "law/bounds": ("tests/law/test_bounds.py",),
    "claims/certificates": (CERTIFICATES,), "claims/arithmetic": (ARITHMETIC,),
    "reported/printed": (REPORTED,), "reported/finding": (REPORTED,),
}  # fmt: skip
PARTS = {
    f"rankkit/{folder}{name}.py": " ".join(tests)
    for folder, parts in (("solvers/", _SOLVERS), ("", _OTHERS))
    for name, tests in parts.items()
}
