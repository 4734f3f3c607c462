"""DoRA: a weight is turned by the product B A and keeps a trained length of every row (Liu et al. 2024, equation 5).

The product alone is the direction part. The update that is applied takes the base's weight W (m, n):

    m_i (W + D)_i / ||(W + D)_i|| - W_i        for every row i, with D the module's own update, scale included.

LyCORIS may take columns for rows (`wd_on_out=False`); of a convolution a column is then one input channel. Every
family stores the lengths under its own name and in its own shape; what these mean is said here and nowhere else:

==================================  ===========================  ==============================================
name behind the module's path       who writes it                shape
==================================  ===========================  ==============================================
lora_magnitude_vector[.x][.weight]  PEFT, diffusers              (m,); convolutions (1, m, 1, 1)
dora_scale                          kohya's formats and LyCORIS  (m, 1[, 1, 1]); by columns (1, inputs[, 1, 1])
weight_m_wdecomp[.weight]           the authors' code            (m, 1)
[magnitude_layer.]magnitude         torchtune, fsdp_qlora        (m,)
weight_magnitude                    NeMo, Megatron Bridge        (m,)
dora_magnitude, dora_m              forks of PEFT                (m,)
m                                   MLX                          (m,); embeddings (n,), the rows of their weight
==================================  ===========================  ==============================================

LyCORIS adds 1e-7 to every length that it divides by; that is left out here.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from rankkit.checkpoints.assumptions import BASE, INNER_SCALE, MAGNITUDE, SCALE
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import EPS, Dense, formed
from rankkit.checkpoints.layer import Layer, Magnitude
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.module_names import with_adapter
from rankkit.checkpoints.untrusted import Config
from rankkit.factors import Array, host
from rankkit.rules import Linear

__all__ = ["UNUSED", "Told", "adapted", "magnitude_of", "owner", "told", "with_range", "with_weight"]

DIRECTION_ONLY = "DoRA: direction part only, without the base weight"
INCOMPLETE = "DoRA: direction part only, its magnitude is not in the file"
TRUE_UPDATE = "DoRA: the true update"
UNUSED = "DoRA's magnitude: its update needs the base weight"

LYCORIS = "dora_scale"  # the one name under which the shape tells rows from columns
FEW = 8  # roundings of an entry of the true update beyond those of its row's length

_KEY = re.compile(
    r"(?P<module>.+?)(?:\.dora(?:_layer)?)?"
    r"\.(?:lora_magnitude(?:_vector)?(?:\.(?!weight$)(?P<adapter>[^.]+))?(?:\.weight)?"
    r"|dora_scale|weight_m_wdecomp(?:\.weight)?|(?:magnitude_layer\.)?(?:weight_|dora_)?magnitude(?:_vector)?(?:\.weight)?"
    r"|dora_m|(?P<short>m))"
)


def owner(key: str, family: str) -> str | None:
    """Return the module whose magnitude a key names; None where it names none.

    Parameters
    ----------
    key : str
        Of a tensor that is no factor.
    family : str
        The format the file is read as: a bare "m" means a magnitude in MLX's files alone.

    Examples
    --------
    >>> owner("layers.0.q_proj.m", "mlx"), owner("layers.0.q_proj.m", "peft"), owner("q.dora_scale", "kohya")
    ('layers.0.q_proj', None, 'q')
    """
    match = _KEY.fullmatch(key)
    if match is None or (match["short"] and family != "mlx"):
        return None
    return with_adapter(match["module"], match["adapter"])


def magnitude_of(tensors: Tensors, key: str) -> Magnitude:
    """Return the magnitude that a key names; its tensor is read when it is asked for."""
    return Magnitude(key, tensors.info[key].shape, partial(_read, tensors, key))


def _read(tensors: Tensors, key: str) -> Array:
    if trouble := tensors.info[key].trouble:
        raise ValueError(f"its magnitude {trouble}")
    return tensors.read(key)


class Told(NamedTuple):
    """What a module's row must say of DoRA, and what its update rests on that is not known."""

    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def told(magnitude: Magnitude | None, config: Config) -> Told:
    """Return what a module's row must say where its update is DoRA's, before its base is known; nothing elsewhere."""
    if magnitude is not None:
        return Told((DIRECTION_ONLY,), (BASE,))
    said = config is not None and (
        bool(config.get("use_dora")) or config.get("fine_tune_type") == "dora" or method_of(config) == "DORA"
    )  # PEFT's, mlx_lm's and the authors' word for it
    return Told((INCOMPLETE,), (MAGNITUDE,)) if said else Told()


def with_range(layer: Layer) -> Layer:
    """Return a layer of which only the direction part is measured, with its magnitude's range in that note.

    Any other layer comes back as it is.
    """
    if layer.magnitude is None:
        return layer
    try:
        values = host(layer.magnitude.read())
    except ValueError:
        return layer
    if not values.size or not np.all(np.isfinite(values)):
        said = "its magnitudes are not finite"
    else:
        said = f"magnitudes {values.min():.3g} to {values.max():.3g}, mean {values.mean():.3g}"
    notes = (f"{note}; {said}" if note == DIRECTION_ONLY else note for note in layer.notes)
    return replace(layer, notes=tuple(notes))


def with_weight(layer: Layer) -> Layer:
    """Return the layer with the update that DoRA really applies, where its source has the weight: a live model.

    Any other layer comes back as `with_range` has it.
    """
    if layer.magnitude is None or layer.status != "ok" or layer.weight is None:
        return with_range(layer)
    try:
        return adapted(layer, layer.weight())
    except ValueError as error:
        known = with_range(layer)
        return replace(known, notes=(*known.notes, str(error)))


def adapted(layer: Layer, W: Array) -> Layer:
    """Return the layer with the update that DoRA really applies.

    Parameters
    ----------
    layer : Layer
        One with a magnitude.
    W : array, shape (m, n)
        The base's weight in float64, a convolution's kernel axes flattened behind its input channels.

    Raises
    ------
    ValueError
        If the magnitude cannot be read, or fits neither the rows nor the columns: the reason, for the row.

    Notes
    -----
    With D known to an error e, the update is known to 2 max_i(|m_i| / ||(W + D)_i||) e, since two directions differ by
    ||a/||a|| - b/||b|| || <= 2 ||a - b|| / ||a||, and to one rounding of itself and of W for every entry of a row.
    """
    magnitude = layer.magnitude
    assert magnitude is not None
    lines = _lines(magnitude, *W.shape)
    lengths = np.ravel(host(magnitude.read()))
    form = layer.form._replace(combine=partial(_true_update, layer, W, lengths, lines))
    notes = (*(note for note in layer.notes if note != DIRECTION_ONLY), TRUE_UPDATE)
    assumed = tuple(name for name in layer.assumed if name != BASE)
    return replace(layer, form=form, rule=Linear(), notes=notes, magnitude=None, assumed=_turned(assumed))


def _turned(assumed: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the true update rests on: the scale inside turns the weight, so that every number depends on it."""
    return tuple(INNER_SCALE if name == SCALE else name for name in assumed)


class _Lines(NamedTuple):
    """Which entries share a length: those at one place along `axis`, 0 or 1, of the weight in this shape."""

    shape: tuple[int, int, int]  # rows, input channels, kernel
    axis: int

    @property
    def others(self) -> tuple[int, int]:
        return (1 - self.axis, 2)


def _lines(magnitude: Magnitude, m: int, n: int) -> _Lines:
    """Return what a magnitude's entries belong to in a weight of m rows and n columns."""
    stored, count = magnitude.shape, math.prod(magnitude.shape)
    # only LyCORIS tells the axis by the shape: PEFT's (1, m, 1, 1) of a convolution are its rows
    by_columns = magnitude.key.endswith(LYCORIS) and len(stored) > 1 and stored[0] != count
    if count == m and not by_columns:
        return _Lines((m, n, 1), axis=0)
    channels = by_columns and len(stored) > 2 and count > 0 and n % count == 0
    if count == n or channels:
        return _Lines((m, count, n // count), axis=1)
    raise ValueError(f"its magnitude has shape {stored}, which fits neither the {m} rows nor the {n} columns")


def _true_update(layer: Layer, W: Array, lengths: Array, lines: _Lines, *parts: Array) -> Dense:
    """Return the true update, from the parts of the layer's own form in their order."""
    D = formed(layer.product(dict(zip(layer.form.parts, parts, strict=True))), layer.rule)
    whole = (W + D.matrix).reshape(lines.shape)
    length = np.sqrt(np.sum(whole**2, axis=lines.others, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):  # a row of zeros has no direction: NaN, as where it is applied
        gain = lengths.reshape(length.shape) / length
        turned = (gain * whole).reshape(W.shape)
        roundings = whole.size // length.size + FEW
        rounding = EPS * roundings * float(np.linalg.norm(turned) + np.linalg.norm(W))
        return Dense(turned - W, 2 * float(np.max(np.abs(gain))) * D.error + rounding)
