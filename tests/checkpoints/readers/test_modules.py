"""What every reader does with a file's tensors: which module they belong to, what is said of the rest, what is not formed."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import READERS, open_adapter
from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.readers.leftovers import doubts, is_router, stems_of

ONE = np.float32(1)


def held(shape):
    """Return an array of any size that takes no memory: only its header is looked at."""
    return np.broadcast_to(ONE, shape)


def pair(path, between=".", m=4, r=2, n=3):
    return {f"{path}{between}lora_A.weight": np.ones((r, n)), f"{path}{between}lora_B.weight": np.ones((m, r))}


def scales(state, config=None):
    return {layer.name: (layer.scale, layer.assumed) for layer in open_adapter(state, config=config).layers}


# -- numbers that lie under a module by another spelling of its path


@pytest.mark.parametrize(
    "spelled", ["a.b.q", "a_b_q", "a.b_q", "base_model.model.a.b.q", "a.b.q.base_layer", "module._orig_mod.a.b.q"]
)
def test_an_alpha_finds_its_module_by_any_dots(spelled):
    assert scales(pair("a.b.q") | {f"{spelled}.alpha": np.array(6.0)}) == {"a.b.q": (3.0, ())}


def test_all_numbers_that_a_module_can_have_find_it_together():
    beside = {"alpha": 6.0, "scaling": 3.0, "scalar": 0.5, "rank": 2.0}
    state = (
        pair("a.q")
        | {f"a_q.{name}": np.array(x) for name, x in beside.items()}
        | {"a_q.lora_magnitude_vector": np.ones(4)}
    )
    (layer,) = open_adapter(state).layers
    assert (layer.name, layer.scale) == ("a.q", 1.5)
    assert layer.magnitude is not None


def test_a_number_goes_to_no_module_where_two_could_have_it_or_one_has_its_own():
    found = scales(pair("a.b.q") | pair("a.b_q") | {"a_b_q.alpha": np.array(6.0)})
    assert found == {"a.b.q": (1.0, ("scale",)), "a.b_q": (1.0, ("scale",))}
    state = pair("a.q") | {"a.q.alpha": np.array(8.0), "a_q.alpha": np.array(6.0)}
    assert scales(state)["a.q"][0] == 4.0
    assert [(entry.key, entry.reason) for entry in open_adapter(state).skipped] == [
        ("a_q.alpha", "the alpha of a_q, which has no factors")
    ]


def test_a_number_of_one_adapter_goes_to_that_adapter_and_a_bare_one_to_the_only_one():
    one, two = (
        {f"q.lora_{x}.{name}.weight": np.ones(shape) for x, shape in (("A", (2, 3)), ("B", (4, 2)))}
        for name in ("one", "two")
    )
    assert scales(one | {"q.alpha": np.array(6.0)}) == {"q": (3.0, ())}
    assert scales(one | two | {"q.alpha.two": np.array(6.0)}) == {"q[one]": (1.0, ("scale",)), "q[two]": (3.0, ())}
    unsure = (1.0, ("scale", "method"))
    assert scales(one | two | {"q.alpha": np.array(6.0)}) == {"q[one]": unsure, "q[two]": unsure}
    assert scales(one | pair("k") | {"q.alpha": np.array(6.0)}) == {"q[one]": (3.0, ()), "k": (1.0, ("scale",))}


def test_a_number_is_given_to_no_module_without_factors():
    config = {"peft_type": "SINELORA", "r": 2, "lora_alpha": 2, "omega": 1.0}
    state = pair("v") | {"a.q.lora_method": np.ones(1), "a_q.lora_magnitude_vector": np.ones(4)}
    reasons = {entry.key: entry.reason for entry in open_adapter(state, config=config).skipped}
    assert reasons == {
        "a.q.lora_method": "the method of a.q, which has no factors",
        "a_q.lora_magnitude_vector": "the magnitude of a_q, which has no factors",
    }


@pytest.mark.parametrize("name", ["scaling", "lora_scale", "scalar", "rank", "lora_dim"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2,), (0,), (1, 2)])
def test_a_number_is_one_number_of_any_shape(name, shape):
    """What holds none or several may be anything: it is not understood."""
    value = np.full(shape, 2.0)
    (layer,) = open_adapter(
        pair("q") | {f"q.{name}": value}, config={"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    ).layers
    one = value.size == 1
    assert layer.assumed == (() if one else ("method",))
    assert layer.scale == (4.0 if name == "scalar" and one else 2.0)
    several = {f"q.{name}": np.ones(3), "q.alpha": np.full(shape, 4.0)}
    assert open_adapter(pair("q") | several).layers[0].status == ("ok" if one else "unsupported")


def test_a_second_tensor_for_one_part_is_skipped_with_that_reason():
    state = pair("q") | {"base_model.model.q.lora_A.weight": np.ones((2, 3))}
    adapter = open_adapter(state)
    assert [entry.reason for entry in adapter.skipped] == ["a second A of module q"]
    long = f"{'x' * 2000}.lora_A.weight"
    assert [entry.reason for entry in open_adapter(pair("q") | {long: np.ones((2, 3))}).skipped] == [
        "its name is no printable text"
    ]


# -- what lies beside the factors


def test_what_is_not_understood_is_named_three_tensors_at_most():
    for count in range(1, 6):
        more = {f"q.lora_x{i}.weight": np.ones((2, 2)) for i in range(count)}
        (layer,) = open_adapter(pair("q") | more, config={"peft_type": "LORA", "r": 2, "lora_alpha": 2}).layers
        names = ", ".join(name.removeprefix("q.") for name in list(more)[:3])
        assert layer.notes == (f"{names} {'is' if count == 1 else 'are'} not understood: measured without",)
        assert layer.assumed == ("method",)
    (layer,) = open_adapter(pair("q") | {f"q.{'y' * 100}": np.ones(1)}).layers
    assert f"{'y' * 77}... is not understood" in layer.notes[-1]
    (layer,) = open_adapter(pair("q") | {f"q.{'y' * 80}": np.ones(1)}).layers
    assert f"{'y' * 80} is not understood" in layer.notes[-1]


def test_a_router_beside_the_factors_leaves_no_update():
    (layer,) = open_adapter(pair("q") | {"q.lora_route.weight": np.ones((2, 2))}).layers
    assert layer.status == "unsupported"
    assert is_router("q.lora_route.weight")
    assert not is_router("q.gate_proj.lora_A.weight")


def test_a_tensor_belongs_to_the_longest_path_that_it_lies_under():
    stems = {"a": ["a"], "a.b": ["a.b", "a.b[x]"], "a.b.c.d": ["d"]}
    assert doubts(stems, ["a.mix", "a.b.mix", "a.b.c.mix", "a.b.c.d.mix", "b.mix", "ab.mix", "mix"]) == {
        "a": ["a.mix"], "a.b": ["a.b.mix", "a.b.c.mix"], "a.b[x]": ["a.b.mix", "a.b.c.mix"], "d": ["a.b.c.d.mix"],
    }  # fmt: skip
    harmless = [
        "weight",
        "bias",
        "base_layer.weight",
        "qweight",
        "lora_A.bias",
        "ranknum",
        "0.weight",
        "diff_b",
        "vera_A.x",
        "lora_dropout.p",
    ]
    assert doubts(stems, [f"a.b.{name}" for name in harmless]) == {}
    assert stems_of("q", ["q.lora_A.weight"]) == {"q"}
    assert stems_of("m.q", ["m.p.q_lora.up", "m.p.q_lora.down"]) == {"m.p.q_lora"}
    assert stems_of("m", ["m.q.up", "m.q.down"]) == {"m", "m.q"}
    assert stems_of("q", ["a.up", "b.down"]) == set()


def test_adapters_are_named_where_there_are_several():
    one = {f"q.lora_{x}.one.weight": np.ones(shape) for x, shape in (("A", (2, 3)), ("B", (4, 2)))}
    two = {key.replace("one", "two"): x for key, x in one.items()}
    assert [layer.name for layer in open_adapter(one).layers] == ["q"]
    assert [layer.name for layer in open_adapter(one | two).layers] == ["q[one]", "q[two]"]


# -- what cannot be read


@pytest.mark.parametrize("family", READERS)
def test_a_file_without_a_module_of_the_family_is_refused_by_what_it_holds(family):
    ours = {"peft_type": "SINELORA", "r": 2}
    config = ours if family == "adapters" else None
    with pytest.raises(ValueError, match=r"^state dict holds no .+: 1 tensor such as weight\.$"):
        READERS[family].read(StateDict({"weight": np.ones((2, 2))}), config)
    with pytest.raises(ValueError, match=r"holds no .+: OFT or another rotation: "):
        READERS[family].read(StateDict({"q.oft_blocks": np.ones((2, 2))}), config)


def test_codes_are_told_from_numbers_by_their_scale():
    state = {f"q.lora_{x}.weight": np.ones(shape, np.int8) for x, shape in (("A", (2, 3)), ("B", (4, 2)))}
    state |= {f"q.lora_{x}.weight_scale": np.ones(1) for x in "AB"}
    adapter = open_adapter(state)
    (layer,) = adapter.layers
    assert (layer.status, layer.m, layer.n) == ("unsupported", 4, 3)
    assert "quantised codes (int8)" in layer.notes[0]
    assert {entry.reason for entry in adapter.skipped} == {"it belongs to a quantised tensor"}


@pytest.mark.parametrize(("outer", "r", "status"), [
    (2**15, 32, "ok"), (2**15 + 1, 32, "unsupported"),  # 2^25 numbers, 256 MB, and a few more
    (2**18, 16, "ok"), (2**18, 17, "unsupported"),  # eight times as many as are stored, and a few more
])  # fmt: skip
def test_few_stored_numbers_stand_for_no_large_factors(outer, r, status):
    m, n = outer - 1000, 1000
    state = {f"q.hada_{x}": held(shape) for i in "12" for x, shape in ((f"w{i}_a", (m, r)), (f"w{i}_b", (r, n)))}
    (layer,) = open_adapter(state | {"q.alpha": np.array(1.0)}).layers
    assert (layer.status, layer.m, layer.n, layer.r) == (status, m, n, r * r)
    if status != "ok":
        assert layer.notes[0] == f"its {2 * outer * r} numbers stand for factors of {outer * r * r}: not formed"
    large = {"q.lokr_w1": held((2**14, 2**10)), "q.lokr_w2": held((2**14, 2**10))}  # kept as it is, whatever its size
    assert open_adapter(large).layers[0].status == "ok"


def test_a_scale_that_is_stored_is_that_of_its_module_alone():
    state = pair("a") | pair("b") | {"a.alpha": np.array(4.0), "b.alpha": np.array(6.0)}
    assert rk.audit(state).columns["scale"] == [2.0, 3.0]


def test_numbers_of_every_kind_without_factors_take_no_doubt_from_the_module_that_they_lie_under():
    factors = {"q.lora_A.weight": np.eye(2, 4), "q.lora_B.weight": np.eye(3, 2)}
    numbers = {f"q.x.{name}": np.array(2.0) for name in ("alpha", "scaling", "scalar", "rank")}
    numbers |= {"q.x.lora_magnitude_vector.weight": np.ones(3)}
    state = factors | numbers | {"q.x.lora_strange.weight": np.ones((2, 2))}
    report = rk.audit(state, config={"lora_alpha": 2, "r": 2})
    assert report.columns["module"] == ["q"]
    assert report.columns["assumed"] == ["method"]
    assert "x.lora_strange.weight" in report.columns["note"][0]
    assert {entry.key for entry in report.skipped} == {*numbers, "q.x.lora_strange.weight"}
