"""What the options of laws of entries and of given factors mean: --entries, --covariance and --factors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankkit.cli.command import Option, UsageError

if TYPE_CHECKING:
    from rankkit.factors import Array, Factors
    from rankkit.law import EntryLaw

__all__ = ["COVARIANCE", "ENTRIES", "FACTORS", "NAMES", "covariances", "entry_laws", "given_factors"]

# what `EntryLaw.named` knows, which the help must not load; a test compares them
NAMES = ("uniform", "normal", "laplace")
MOST = 6  # modules that a message names

ENTRIES = Option(
    ("--entries",),
    f"Predict independent entries of this law in place of --init: {', '.join(NAMES)}, each of standard deviation 1, or "
    "a .csv or .npy file of samples, which are taken with both signs. Two laws with a comma between them are those of "
    "B and of A.",
    metavar="LAW[,LAW]",
)  # fmt: skip
COVARIANCE = Option(
    ("--covariance",),
    "Predict Gaussian entries with these covariances in place of --init: a .csv or .npy file with a matrix of RANK "
    "rows and columns, for the rows of B and for the columns of A; one file is both. With --entries the matrices are "
    "diagonal and hold variances.",
    metavar="FILE[,FILE]",
)  # fmt: skip
FACTORS = Option(
    ("--factors",),
    "Take the factors of this adapter in place of random ones. MODULE is a module's name or the end of it, and is left "
    "out where the adapter has one module. With --omegas the ranks are predicted, with a --target option they are "
    "measured.",
    metavar="ADAPTER[:MODULE]",
)  # fmt: skip


def entry_laws(text: str) -> tuple[EntryLaw, EntryLaw]:
    """Return the laws of B and of A that --entries names."""
    from rankkit.law import EntryLaw

    def law(word: str) -> EntryLaw:
        if word in NAMES:
            return EntryLaw.named(word)
        if not Path(word).suffix:
            raise UsageError(f"--entries must be {', '.join(NAMES)} or a file of samples, got {word!r}; name one.")
        return EntryLaw.of_samples(_numbers("--entries", word), f"entries like {Path(word).name}")

    return _pair("--entries", text, law)


def covariances(text: str) -> tuple[Array, Array]:
    """Return the matrices of B and of A that --covariance names."""
    return _pair("--covariance", text, lambda word: _numbers("--covariance", word))


def given_factors(text: str) -> Factors:
    """Return the factors of the module that --factors names."""
    from rankkit.checkpoints import open_adapter
    from rankkit.factors import Factors

    source, module = _split(text)
    layers = open_adapter(source).layers
    found = [layer for layer in layers if f".{layer.name}".endswith(f".{module}")] if module else list(layers)
    found = [layer for layer in found if layer.name == module] or found
    if len(found) != 1:
        problem = f"{len(found)} of {len(layers)} modules are called so" if module else f"it has {len(layers)} modules"
        raise UsageError(
            f"--factors must name one module, got {text!r}, but {problem}; write ADAPTER:MODULE, for instance with "
            f"{_some([layer.name for layer in found or layers])}."
        )
    (layer,) = found
    product = layer.product()
    if not isinstance(product, Factors) or product.batch_shape:
        raise UsageError(f"--factors needs a module that stores B and A, and {layer.name} does not; name another one.")
    return product.to(dtype="float64")


def _split(text: str) -> tuple[str, str]:
    """Return the adapter and the module; a path or an address may have a colon of its own."""
    source, colon, module = text.rpartition(":")
    if not colon or Path(text).exists() or "/" in module:
        return text, ""
    return source, module


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST]) + (", ..." if len(names) > MOST else "")


def _pair(option: str, text: str, read: Callable[[str], Any]) -> tuple[Any, Any]:
    words = text.split(",")
    if len(words) not in (1, 2) or not all(words):
        raise UsageError(f"{option} takes one word, or two with a comma between them, got {text!r}; leave one out.")
    first = read(words[0])
    return first, first if len(words) == 1 else read(words[1])


def _numbers(option: str, file: str) -> Array:
    import numpy as np

    try:
        with warnings.catch_warnings(action="error"):  # of a file without numbers
            found = np.load(file) if Path(file).suffix == ".npy" else np.loadtxt(file, delimiter=",", ndmin=2)
        return np.asarray(found).astype(np.float64, casting="same_kind")
    except (OSError, TypeError, ValueError, UserWarning) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UsageError(
            f"{option} must name a .csv or .npy file of numbers, got {file!r} ({reason}); a .csv file has commas "
            "between its numbers and no header."
        ) from None
