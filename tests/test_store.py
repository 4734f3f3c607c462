"""The store under any order of writes, kills, torn files and other versions: what was finished is there, whole."""

import json
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rankkit import files
from rankkit.store import MANIFEST, Store

NAMES = st.sampled_from(["0-4", "4-8", "8-12", "x"])
ARGUMENTS = {"d": 8, "omegas": [1.0, 2.0]}
HERE, THERE = {"rankkit": "1", "machine": "here"}, {"rankkit": "2", "machine": "there"}


class Killed(BaseException):
    """As SIGKILL would end the process: nothing after it runs but what this test calls."""


class Stores(RuleBasedStateMachine):
    """One folder, several runs on it; `pieces` is what each of them must find."""

    def __init__(self):
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name) / "store"
        self.pieces: dict[str, np.ndarray] = {}

    @initialize()
    def begins(self):
        self.store = Store.begin(self.folder, ARGUMENTS, HERE)

    @rule(name=NAMES, seed=st.integers(0, 99))
    def writes(self, name, seed):
        values = np.random.default_rng(seed).standard_normal(5)
        self.store.write(name, {"values": values})
        self.pieces[name] = values

    @rule(name=NAMES, when=st.sampled_from(["fsync", "replace", "chmod"]))
    def is_killed_while_it_writes(self, name, when):
        """Before the file is in its place: the piece that was there before stays, or there is none."""
        with mock.patch.object(files.os, when, side_effect=Killed), pytest.raises(Killed):
            self.store.write(name, {"values": np.zeros(5)})

    @rule(name=NAMES)
    def finds_a_full_disk(self, name):
        with (
            mock.patch.object(files.os, "fsync", side_effect=OSError(28, "No space left on device")),
            pytest.raises(OSError),
        ):
            self.store.write(name, {"values": np.zeros(5)})

    @rule(name=NAMES, keep=st.floats(0, 0.99))
    def loses_the_end_of_a_file(self, name, keep):
        """A file system that lost power: such a piece is no piece, and is done again."""
        path = self.folder / f"{name}.npz"
        if path.exists():
            path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
            self.pieces.pop(name, None)

    @rule(litter=st.binary(max_size=40))
    def leaves_a_temporary_file(self, litter):
        (self.folder / ".x.npz.abc").write_bytes(litter)

    @rule(platform=st.sampled_from([HERE, THERE]))
    def is_opened_by_a_version(self, platform):
        """Another version warns, and changes nothing that the first one wrote."""
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.store = Store.begin(self.folder, ARGUMENTS, platform)
        assert len(told) == (platform != HERE)
        assert json.loads((self.folder / MANIFEST).read_text())["platform"] == HERE

    @rule()
    def is_refused_to_another_computation(self):
        with pytest.raises(ValueError, match="another computation: d 8 there and 9 here"):
            Store.begin(self.folder, {**ARGUMENTS, "d": 9}, HERE)

    @invariant()
    def holds_what_was_finished(self):
        found = dict(Store.open(self.folder).pieces())
        assert found.keys() == self.pieces.keys()
        for name, arrays in found.items():
            np.testing.assert_array_equal(arrays["values"], self.pieces[name])

    def teardown(self):
        self.place.cleanup()


Stores.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None, derandomize=True)
TestStores = Stores.TestCase
