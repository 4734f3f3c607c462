"""An update against the weights it is added to: its relative size, DoRA's true update."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rankkit.audits.expert_weights import expert_weight, is_expert
from rankkit.audits.intruders import count_intruders
from rankkit.audits.update import Applied
from rankkit.checkpoints import Layer, dora, model_config, open_tensors, starts
from rankkit.checkpoints.assumptions import ORIENTATION, WIDTH
from rankkit.checkpoints.files.safetensors import SafetensorsFile
from rankkit.checkpoints.files.shards import Shards
from rankkit.checkpoints.files.tensors import FLOATS, Tensors
from rankkit.checkpoints.forms import formed
from rankkit.checkpoints.matching import Weights
from rankkit.checkpoints.module_names import comparable
from rankkit.checkpoints.quantised import kind_of_quantised
from rankkit.checkpoints.readers.orientation import confirmed
from rankkit.checkpoints.readers.vera import narrowed
from rankkit.factors import host
from rankkit.metrics import frobenius_norm, spectral_norm
from rankkit.report.inline import counted
from rankkit.spectrum import spectrum_of

__all__ = ["Base"]

# output layers that may share the embedding's weight, and what embeddings are called, best first
HEADS = (".lm_head", ".embed_out", ".proj_out", ".output_layer")
EMBEDDINGS = ("shared", "embed_tokens", "wte", "word_embeddings", "tok_embeddings", "embed_in")
# transformers' models with Conv1D layers, which store (inputs, outputs), and what these are called
CONV1D_MODELS = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
CONV1D_MODULES = ("c_attn", "c_proj", "c_fc", "q_attn")
TOL = 1e-6  # of sigma_1 of a weight


class Base:
    """The weights an adapter was trained on, read tensor by tensor.

    Parameters
    ----------
    source : path, mapping or torch.nn.Module
        A model's folder, a tensor file, the index of its shards, a state dict, or a model in memory.
    """

    def __init__(self, source: Any) -> None:
        self.tensors: Tensors = open_tensors(source)
        self._config = model_config(source)
        self._weights = Weights(self.tensors.info)

    def __repr__(self) -> str:
        return f"Base({self.tensors.source!r}, {counted(len(self.tensors.info), 'tensor')})"

    def weight(self, layer: Layer) -> Any:
        """Return the float64 matrix W (m, n) a layer's update is added to, its kernel axes flattened.

        Parameters
        ----------
        layer : Layer
            The module whose weight is meant.

        Raises
        ------
        ValueError
            If there is none, or several, or its shape or dtype does not fit: the reason, for the row.
        """
        one_of_many = is_expert(layer.placed)
        W = expert_weight(layer.placed, self.tensors, self.key) if one_of_many else self._whole(layer)
        rows, columns = W.shape
        if (layer.m, layer.n) not in ((rows, columns), (columns, rows)):
            raise ValueError(f"the base's {layer.placed} has shape {W.shape}, the update {layer.m} x {layer.n}")
        if not np.all(np.isfinite(W)):
            raise ValueError(f"the base's weight of {layer.placed} has NaN or infinite entries")
        return W.T if self._turned(layer, rows, columns) else W

    def check_fits(self, layers: Sequence[Layer]) -> None:
        """Raise unless one of an adapter's modules has its weight here; only headers are read, experts aside.

        Parameters
        ----------
        layers : sequence of Layer
            The adapter's modules.

        Raises
        ------
        ValueError
            If none has: it is the base of another adapter.
        """
        reason = ""
        for layer in reversed(layers):  # the message names the first one
            if not (reason := self._lacks(layer)):
                return
        if layers:
            all_of_them = "the module" if len(layers) == 1 else f"any of the {len(layers)} modules, for instance"
            raise ValueError(
                f"base {self.tensors.source} gives no weight for {all_of_them} {layers[0].placed} ({reason}); pass the "
                "model that this adapter was trained on."
            )

    def _lacks(self, layer: Layer) -> str:
        """Return why a module has no weight here; "" where it has one."""
        try:
            if is_expert(layer.placed):
                self.weight(layer)
            elif layer.status != "ok" or {WIDTH, ORIENTATION} & set(layer.assumed):  # its shape is not known for sure
                self.key(layer.placed)
            else:
                self._checked(self.key(layer.placed), layer)
        except ValueError as error:
            return str(error)
        return ""

    def _turned(self, layer: Layer, rows: int, columns: int) -> bool:
        """Return whether a module's weight is stored as (n, m).

        GPT-2 and embeddings store theirs so; of a square one only the adapter's reader, or the model's configuration,
        can tell.
        """
        if rows != columns:
            return (rows, columns) != (layer.m, layer.n)
        return layer.transposed or (not is_expert(layer.placed) and self._stored_transposed(self.key(layer.placed)))

    def dtype(self, layer: Layer) -> str:
        """Return the dtype in which a module's weight is stored, in safetensors' spelling.

        Raises
        ------
        ValueError
            If there is no such weight, or several: the reason, for the row.
        """
        if not is_expert(layer.placed):
            return self.tensors.info[self.key(layer.placed)].dtype
        stored: list[str] = []

        def noted(module: str) -> str:
            stored.append(self.tensors.info[key := self.key(module)].dtype)
            return key

        expert_weight(layer.placed, self.tensors, noted)
        return max(stored, key=FLOATS.index)

    def by_rows(self, layer: Layer) -> Callable[[int, int], Any] | None:
        """Return what reads some rows (first, end) of a module's weight as (end - first, n), in its stored precision.

        None where the weight cannot be read so: it is stored as (n, m), is an expert's, or its file is read whole.

        Raises
        ------
        ValueError
            As for `weight`.
        """
        tensors = self.tensors
        if is_expert(layer.placed) or not isinstance(tensors, (SafetensorsFile, Shards)):
            return None
        if isinstance(tensors, Shards) and not tensors.in_rows:
            return None
        rows, columns = self._checked(key := self.key(layer.placed), layer)
        if self._turned(layer, rows, columns):
            return None
        read = tensors.rows(key)
        return lambda first, end: read(first, end).reshape(end - first, columns)

    def _whole(self, layer: Layer) -> Any:
        """Return the weight of a module as the base stores it, its kernel axes flattened."""
        sizes = self._checked(key := self.key(layer.placed), layer)
        return np.asarray(host(self.tensors.read(key)), dtype=np.float64).reshape(sizes)

    def _checked(self, key: str, layer: Layer) -> tuple[int, int]:
        """Return the rows and columns of a weight as stored, which can be that of the module."""
        info, shape = self.tensors.info[key], self.tensors.info[key].shape
        if info.trouble:
            raise ValueError(f"the base's {key} {info.trouble}")
        rows, columns = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (0, 0)
        if (layer.m, layer.n) not in ((rows, columns), (columns, rows)):
            raise ValueError(f"the base's {key} has shape {shape}, the update {layer.m} x {layer.n}")
        return rows, columns

    def _stored_transposed(self, key: str) -> bool:
        """Return whether the base's own configuration says that it stores a weight as (inputs, outputs)."""
        *_, name = key.removesuffix(".weight").split(".")
        return self._config.get("model_type") in CONV1D_MODELS and name in CONV1D_MODULES

    def key(self, module: str) -> str:
        """Return the key of a module's weight: of the same path, else of the one that ends alike.

        Raises
        ------
        ValueError
            If there is none, or several, or a quantised one stands for it: the reason, for the row.
        """
        info = self.tensors.info
        try:
            key = self._weights.of(module)
        except ValueError:
            for path in dict.fromkeys(key.rpartition(".")[0] for key in info):
                alike = f"_{comparable(path)}".endswith(f"_{comparable(module)}")
                if alike and (kind := kind_of_quantised(info, path)):
                    raise ValueError(f"the base's {path} {kind}") from None
            key = self._tied(module)
            if not key:
                raise
        if kind := kind_of_quantised(info, key.removesuffix(".weight")):
            raise ValueError(f"the base's {key} {kind}")
        return key

    def _other(self, module: str) -> str:
        """Return the key of another tensor that a module may have; "" where there is none, or more than one."""
        try:
            return self._weights.of(module)
        except ValueError:
            return ""

    def _tied(self, module: str) -> str:
        """Return the key of the weight that an output layer without one of its own shares with the embedding."""
        if self._config.get("tie_word_embeddings") is False or not f".{module}".endswith(HEADS):
            return ""
        return next((key for name in EMBEDDINGS if (key := self._other(name))), "")

    def _shape(self, layer: Layer) -> tuple[int, int]:
        """Return the rows and columns of a module's weight, its kernel axes flattened.

        An expert's come as the base stores them: both readings that shapes leave open are square.

        Raises
        ------
        ValueError
            If there is no such weight, or it is no matrix: the reason, for the row.
        """
        if is_expert(layer.placed):
            rows, columns = expert_weight(layer.placed, self.tensors, self.key).shape
            return rows, columns
        shape = self.tensors.info[self.key(layer.placed)].shape
        if len(shape) < 2:
            raise ValueError(f"the base's weight for it has shape {shape}, which is no matrix")
        rows, columns = shape[0], math.prod(shape[1:])
        return (columns, rows) if layer.transposed else (rows, columns)

    def adapted(self, layer: Layer) -> Layer:
        """Return the layer with the update that needs the base: DoRA's, one of a width not stored, or of a part of it.

        Where it stays unknown, the layer says why. Any other layer comes back as it is.
        """
        by_shape = {WIDTH, ORIENTATION} & set(layer.assumed)
        if layer.status != "ok" or not (by_shape or layer.start or layer.magnitude):
            return layer
        try:
            if by_shape:
                layer = (narrowed if WIDTH in by_shape else confirmed)(layer, *self._shape(layer))
            if not layer.start and not layer.magnitude:
                return layer
            W = self.weight(layer)
            return starts.trained(layer, W) if layer.start else dora.adapted(layer, W)
        except ValueError as error:
            told = dora.with_range(layer)
            return replace(told, notes=(*told.notes, str(error)))

    def columns(self, layer: Layer, applied: Applied, intruders: int | None) -> dict[str, Any]:
        """Return how an update stands against its weight; NaN, with the reason, where there is none.

        Parameters
        ----------
        layer : Layer
        applied : Applied
        intruders : int, optional
            How many of the adapted weight's leading left singular vectors to look for in the base; None: none.
        """
        names = ("weight_spectral_norm", "weight_frobenius_norm", "relative_spectral", "relative_frobenius")
        row: dict[str, Any] = dict.fromkeys((*names, *(["intruders"] if intruders else [])), math.nan)
        if applied.spectrum is None:
            return row | {"base_note": ""}
        try:
            W = self.weight(layer)
        except ValueError as error:
            return row | {"base_note": str(error)}
        top = spectrum_of(W, top=1, tol=TOL)
        sizes = float(spectral_norm(top)), float(frobenius_norm(top))
        if not sizes[0] > 0:
            return row | {"base_note": "its weight is zero"}
        shares = float(spectral_norm(applied.spectrum)) / sizes[0], float(frobenius_norm(applied.spectrum)) / sizes[1]
        row |= dict(zip(names, (*sizes, *shares), strict=True))
        if intruders:
            update = formed(layer.product(), applied.rule).matrix
            row["intruders"] = float(count_intruders(W, W + update, intruders))
        return row | {"base_note": self.apart(layer)}

    def apart(self, layer: Layer) -> str:
        """Return the note on a module that the model calls otherwise, so that a strict loader misses it; "" elsewhere.

        The weight of an expert is found in several ways, and has no such note.
        """
        return "" if is_expert(layer.placed) else self._weights.apart(layer.placed)
