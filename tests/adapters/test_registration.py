"""The seam to PEFT: real members of its enum, refused by name where rankkit is not, and told when a release moves it."""

import copy
import json
import pickle
import subprocess
import sys
from importlib.metadata import version

import peft
import pytest
from peft import PeftType

from rankkit.adapters import registration

from .nets import METHODS, ONE_EACH, adapted

NAMES = ["SINELORA", "SINEDORA", "LORAN", "ADASINELORA", "LRLORA"]


def test_peft_has_what_the_adapters_rest_on():
    gone = registration.moved()
    assert not gone, (
        f"peft {version('peft')} moved {', '.join(gone)}: adapt rankkit/adapters/registration.py and its users"
    )


def test_a_name_that_moved_is_told(monkeypatch):
    monkeypatch.setattr(registration, "_RESTED_ON", ((PeftType, ("gone_with_a_release",)),))
    with pytest.raises(
        ImportError, match=r"works with peft >= 0\.21, < 0\.22; the installed .* has no PeftType.gone_with"
    ):
        registration.register("SINELORA", object, object)


def test_the_installed_peft_is_a_supported_one():
    installed = tuple(map(int, version("peft").split(".")[:2]))
    least, beyond = (tuple(map(int, bound.split("."))) for bound in registration.SUPPORTED)
    assert least <= installed < beyond, "a release of PEFT that was not tried: run these tests, then widen SUPPORTED"


@pytest.mark.parametrize("name", NAMES)
def test_methods_are_members_of_the_enum(name):
    member = PeftType[name]
    assert member is PeftType(name) is getattr(PeftType, name)
    assert member in list(PeftType)
    assert json.dumps({"peft_type": member}) == f'{{"peft_type": "{name}"}}'
    assert pickle.loads(pickle.dumps(member)) is member
    assert copy.deepcopy(member) is member
    assert name in peft.PEFT_TYPE_TO_CONFIG_MAPPING


def test_peft_alone_refuses_the_folders_by_name(tmp_path):
    kinds = {METHODS[method]().peft_type.value: method for method in ONE_EACH}
    assert sorted(kinds) == sorted(NAMES)
    for name, method in kinds.items():
        adapted(method).save_pretrained(tmp_path / name)
    code = f"""
import pathlib, peft, torch
for folder in pathlib.Path({str(tmp_path)!r}).iterdir():
    for load in (peft.PeftConfig.from_pretrained, lambda at: peft.PeftModel.from_pretrained(torch.nn.Linear(2, 2), at)):
        try:
            load(folder)
        except Exception as error:
            print(folder.name, folder.name in str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(2 * [f"{name} True" for name in NAMES])
