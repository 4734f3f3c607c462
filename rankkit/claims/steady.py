"""A search by Hypothesis that does not depend on which Python files happen to be loaded.

From version 6.131 on, Hypothesis also draws numbers that stand in the source of loaded modules, unless they are
installed as packages. What it finds would change with every number in a source file, and differ between a checkout
and an installed package. Here it draws from one fixed list instead.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

__all__ = ["steady_constants"]

# what stood in rankkit's source when the committed ledger was last searched anew: the search goes on to draw these
INTEGERS = (
    100, 120, 128, 130, 160, 200, 256, 300, 420, 512, 640, 1000, 1001, 1024, 2000, 2048, 20000, 5 * 10**6, 10**7,
    2 * 10**7, 10**8,
)  # fmt: skip
FLOATS = (
    1e-300, 1e-250, 2.731444688085806e-15, 1e-12, 1.6058977312265895e-10, 1e-9, 1e-8, 1e-7, 1e-6, 2.755731921916321e-6,
    1e-5, 5e-5, 1e-4, 1e-3, 0.008333333333333316, 0.01, 0.05, 0.08, 0.1, 0.16, 0.2, 0.24, 0.25, 0.5, 0.7, 0.75, 0.86,
    0.9, 0.95, 0.99, 1.0, 1.06, 1.09, 1.1, 1.13, 1.5, 2.0, 3.0, 6.0, 60.0, 3600.0, 1e4, 1e6, 3e10, 1e12, 1e150, 1e250,
    1e300, -7.643970290470771e-13, -2.5052107616993125e-8, -0.00019841269841254974, -0.16666666666666666, -0.25, -0.5,
    -1.0, -2.0,
)  # fmt: skip


@contextmanager
def steady_constants() -> Generator[None]:
    """Let Hypothesis draw the numbers of the fixed list, for the length of a with block.

    A Hypothesis that draws no numbers from source files is left as it is.
    """
    try:
        providers: Any = import_module("hypothesis.internal.conjecture.providers")
    except ModuleNotFoundError:  # an older Hypothesis
        providers = None
    before = getattr(providers, "_get_local_constants", None)
    if before is None:
        yield
        return
    fixed = providers.Constants(
        integers=providers.SortedSet(INTEGERS), floats=providers.SortedSet(FLOATS, key=providers.float_to_int)
    )
    providers._get_local_constants = lambda: fixed
    providers.CONSTANTS_CACHE.cache.clear()  # of what each range permits, computed from the list before
    try:
        yield
    finally:
        providers._get_local_constants = before
        providers.CONSTANTS_CACHE.cache.clear()
