"""Two sets of real images: scikit-learn's digits, and Fashion-MNIST from Debian's package."""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Images", "Parts", "images"]

FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts its files
SPLIT = 0  # seed of the draw that sets the digits' test part apart, for good
IMAGES, LABELS = 2051, 2049  # first four bytes of an idx file of unsigned bytes, of three and of one dimensions


@dataclass(frozen=True)
class Images:
    """Images with labels, in the order of the file.

    Attributes
    ----------
    pixels : float array (k, side, side)
        Between 0 and 1.
    labels : int array (k,)
    test : bool array (k,)
        Which images nothing is trained or tuned on.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]
    test: NDArray[np.bool_]

    def parts(self, seed: int, *, train: int, validation: int) -> Parts:
        """Return the images to train on, to tune with and to test on.

        Parameters
        ----------
        seed : int
            Draws the first two from the images that are not for the test.
        train, validation : int
            How many.

        Raises
        ------
        ValueError
            If there are not so many.
        """
        rest = np.flatnonzero(~self.test)
        if train + validation > len(rest):
            raise ValueError(f"train + validation must be at most {len(rest)}, got {train} + {validation}; use fewer.")
        drawn = np.random.default_rng(seed).permutation(rest)
        return Parts(drawn[:train], drawn[train : train + validation], np.flatnonzero(self.test))


@dataclass(frozen=True)
class Parts:
    """Numbers of images, of three parts that have none in common."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@lru_cache(maxsize=2)
def images(name: str) -> Images:
    """Return the images of one set, "digits" or "fashion".

    Raises
    ------
    ValueError
        If there is no such set, or what holds it is not installed.
    """
    if name == "digits":
        return _digits()
    if name == "fashion":
        return _fashion()
    raise ValueError(f"data must be digits or fashion, got {name!r}; correct the plan.")


def _digits() -> Images:
    """1797 digits of 8 x 8 pixels with values from 0 to 16; 500 of them are for the test."""
    from sklearn.datasets import load_digits

    held: Any = load_digits()
    test = np.zeros(len(held.target), dtype=bool)
    test[np.random.default_rng(SPLIT).permutation(len(test))[:500]] = True
    return Images((held.images / 16).astype(np.float32), held.target.astype(np.int64), test)


def _fashion() -> Images:
    """70000 garments of 28 x 28 pixels; the 10000 of the set's own test part are for the test."""
    if not FASHION.is_dir():
        raise ValueError(f"{FASHION} is missing; install Debian's package dataset-fashion-mnist.")
    pixels = [_idx(FASHION / f"{part}-images-idx3-ubyte.gz", IMAGES) for part in ("train", "t10k")]
    labels = [_idx(FASHION / f"{part}-labels-idx1-ubyte.gz", LABELS) for part in ("train", "t10k")]
    test = np.repeat([False, True], [len(part) for part in labels])
    return Images((np.concatenate(pixels) / 255).astype(np.float32), np.concatenate(labels).astype(np.int64), test)


def _idx(file: Path, magic: int) -> NDArray[np.uint8]:
    """Return the array of an idx file: its kind and its sizes as big-endian integers of four bytes, then its bytes."""
    data = gzip.decompress(file.read_bytes())
    dimensions = magic % 256
    kind, *sizes = (int(number) for number in np.frombuffer(data, ">u4", 1 + dimensions))
    if kind != magic or len(data) != 4 * (1 + dimensions) + math.prod(sizes):
        raise ValueError(f"{file} must be an idx file of kind {magic}, got kind {kind}; install the package anew.")
    return np.frombuffer(data, np.uint8, offset=4 * (1 + dimensions)).reshape(sizes)
