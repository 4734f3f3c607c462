"""Which tensor of a model is a module's weight, whoever wrote the two names."""

from __future__ import annotations

from collections.abc import Iterable

from rankkit.checkpoints.module_names import comparable

__all__ = ["STRICT", "Weights", "missed_by_strict"]

# ends the note on a match by the end of a path
STRICT = "a loader that compares names strictly would miss it"


def missed_by_strict(notes: Iterable[str], where: str) -> str:
    """Return the end of a sentence that counts the modules which a strict loader would miss; "" where there is none.

    Parameters
    ----------
    notes : iterable of str
        One for each module.
    where : str
        What calls them otherwise.

    Examples
    --------
    >>> missed_by_strict(["", f"it is called h.0 there: {STRICT}"], "the base")
    '; 1 module is called otherwise in the base: a loader that compares names strictly would miss it'
    """
    count = sum(note.endswith(STRICT) for note in notes)
    are, them = ("s are", "them") if count > 1 else (" is", "it")
    return f"; {count} module{are} called otherwise in {where}: {STRICT.removesuffix('it')}{them}" if count else ""


class Weights:
    """The weights of a model, found by a module's path.

    Parameters
    ----------
    keys : iterable of str
        Names of the model's tensors.

    Examples
    --------
    >>> Weights(["model.layers.0.q.weight", "model.layers.10.q.weight"]).of("base_model.model.layers.0.q")
    'model.layers.0.q.weight'
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys: dict[str, list[str]] = {}
        for key in keys:
            self._keys.setdefault(comparable(key.removesuffix(".weight")), []).append(key)

    def __repr__(self) -> str:
        number = sum(map(len, self._keys.values()))
        return f"Weights({number} tensor{'' if number == 1 else 's'})"

    def of(self, module: str) -> str:
        """Return the key of a module's weight: of the same path, else of the one that ends alike.

        Parameters
        ----------
        module : str
            Its path.

        Raises
        ------
        ValueError
            If there is none, or more than one: the reason, for the row.
        """
        bare = comparable(module)
        fits = [bare] if bare in self._keys else [name for name in self._keys if _end_alike(bare, name)]
        longest = max((min(len(name), len(bare)) for name in fits), default=0)
        keys = [key for name in fits if min(len(name), len(bare)) == longest for key in self._keys[name]]
        if len(keys) != 1:
            raise ValueError(f"the base has {'no' if not keys else 'more than one'} weight for it")
        return keys[0]

    def apart(self, module: str) -> str:
        """Return the note on a module whose weight has another path, of which only the end is the same; "" elsewhere.

        Parameters
        ----------
        module : str
            Its path.

        Examples
        --------
        >>> Weights(["model.language_model.layers.0.q.weight"]).apart("model.layers.0.q")
        'it is called model.language_model.layers.0.q there: a loader that compares names strictly would miss it'
        """
        if comparable(module) in self._keys:
            return ""
        try:
            return f"it is called {self.of(module).removesuffix('.weight')} there: {STRICT}"
        except ValueError:
            return ""


def _end_alike(one: str, two: str) -> bool:
    return one.endswith(f"_{two}") or two.endswith(f"_{one}")
