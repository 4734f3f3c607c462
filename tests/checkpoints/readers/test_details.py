"""Particulars of single families: what they take for granted, what they refuse, and where their sizes end."""

import math
import re

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import READERS, open_adapter
from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.forms import formed
from rankkit.checkpoints.readers.vera import narrowed
from rankkit.rules import AdaSine, Linear, Sine, Sinter
from tests.checkpoints.readers.written import WRITERS

RNG = np.random.default_rng(8)
OWN = {"peft_type": "LORA", "r": 2, "lora_alpha": 6}


def normal(*shape):
    return RNG.standard_normal(shape)


def pair(path="q", first=".lora_A.weight", second=".lora_B.weight", m=6, r=2, n=5):
    return {f"{path}{first}": normal(r, n), f"{path}{second}": normal(m, r)}


def only(state, config=None):
    (layer,) = open_adapter(state, config=config).layers
    return layer


def update(layer):
    return formed(layer.product(), layer.rule).matrix


# -- PEFT


@pytest.mark.parametrize("field", ["use_qalora", "use_bdlora", "kasa_config", "arrow_config", "megatron_core_sharded"])
def test_peft_s_updates_that_are_no_b_a_are_refused_by_field(field):
    with pytest.raises(ValueError, match=f"sets {field} in its config"):
        open_adapter(pair(), config=OWN | {field: True})
    assert only(pair(), OWN | {field: False}).status == only(pair(), OWN | {field: None}).status == "ok"


def test_each_tensor_of_peft_that_is_no_factor_has_its_reason():
    more = {
        "q.lora_A.bias": normal(2),
        "q.ranknum": normal(1),
        "q.lora_mask.x.y.weight": normal(2),
        "q.weight": normal(6, 5),
        "score.bias": normal(2),
    }
    reasons = {entry.key: entry.reason for entry in open_adapter(pair() | more, config=OWN).skipped}
    assert reasons == {
        "q.lora_A.bias": "bias of the adapter, no matrix",
        "q.ranknum": "no adapter tensor of plain LoRA", "q.lora_mask.x.y.weight": "no adapter tensor of plain LoRA",
        "q.weight": "no adapter tensor: a head, modules_to_save or base weight",
        "score.bias": "no adapter tensor: a head, modules_to_save or base weight",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "transposed"), [({}, False), ({"fan_in_fan_out": True}, True), ({"fan_in_fan_out": False}, False)]
)
def test_peft_says_which_weights_are_stored_the_other_way(config, transposed):
    assert only(pair(), OWN | config).transposed == transposed
    embedding = {"q.lora_embedding_A": normal(2, 5), "q.lora_embedding_B": normal(6, 2)}
    assert only(embedding, OWN | config).transposed


@pytest.mark.parametrize("init_r", [0, -1, "x", None])
def test_adalora_divides_by_a_positive_rank(init_r):
    state = {"q.lora_A": normal(2, 5), "q.lora_B": normal(6, 2), "q.lora_E": normal(2, 1)}
    layer = only(state, {"peft_type": "ADALORA", "init_r": init_r, "lora_alpha": 3})
    assert layer.status == "unsupported"
    assert "init_r" in layer.notes[0]
    bare = only(state)
    assert (bare.scale, bare.assumed) == (1.0, ("scale",))


def test_groups_that_are_all_off_or_alone_are_a_plain_module():
    for enabled in ([False, False], [True], [], None, "xx"):
        layer = only(pair(), OWN | {"enable_lora": enabled})
        assert (layer.m, layer.n, layer.r, layer.scale) == (6, 5, 2, 3.0)
    fused = {"q.lora_A.weight": normal(4, 5), "q.lora_B.weight": normal(6, 2)}
    assert only(fused, OWN | {"enable_lora": [True, True]}).m == 6
    assert only(fused, OWN | {"enable_lora": [True, True] + 14 * [False]}).m == 3 * 16
    assert only(fused, OWN | {"enable_lora": [True, True] + 20 * [False]}).m == 3 * 16  # no more are looked at
    assert only(fused, OWN | {"enable_lora": [True, True, True]}).status == "unsupported"


@pytest.mark.parametrize(("B", "A", "m"), [
    ((6, 2, 1, 1), (4, 5, 3, 3), 6), ((6, 2, 1), (4, 5, 3), 6), ((6, 2, 1, 1), (6, 5, 3, 3), 6), ((5, 2, 1, 1), (4, 5, 3, 3), None),
    ((6, 2, 1, 1), (5, 5, 3, 3), None), ((6, 2, 2, 1), (4, 5, 3, 3), None), ((6, 2, 1), (4, 5, 3, 3), None), ((6, 0, 1, 1), (4, 5, 3, 3), None),
])  # fmt: skip
def test_groups_of_a_convolution_share_its_rows_evenly(B, A, m):
    layer = only({"q.lora_A.weight": normal(*A), "q.lora_B.weight": normal(*B)}, OWN)
    assert layer.m == m
    assert layer.status == ("ok" if m else "unsupported")
    assert not m or (layer.n, layer.r) == (math.prod(A[1:]), A[0])


@pytest.mark.parametrize("zeros", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_a_module_is_padded_where_both_factors_are_zero_behind_its_rank(zeros):
    B, A = normal(6, 4), normal(4, 5)
    B[:, 2:] *= 1 - zeros[0]
    A[2:] *= 1 - zeros[1]
    for state in (
        {"q.lora_A.weight": A, "q.lora_B.weight": B},
        {
            "q.lora_A.weight": A.T,
            "q.lora_B.weight": B.T,
            "k.lora_A.weight": normal(9, 2),
            "k.lora_B.weight": normal(2, 7),
        },
    ):
        layer = open_adapter(state, config=OWN).layers[0]
        assert layer.scale == (3.0 if all(zeros) else 1.5)
        assert ("scale" in layer.assumed) == (not all(zeros))
        assert any("padded with zeros from rank 2" in note for note in layer.notes) == all(zeros)
    broken = {"q.lora_A.weight": np.where(A[0, 0] == A, np.nan, A), "q.lora_B.weight": B}
    assert only(broken, OWN).scale == 1.5
    lost = only(
        {"q.lora_A.weight": A, "q.lora_B.weight": B}, OWN | {"r": 9}
    )  # a rank above the stored one is no padding
    assert (lost.scale, lost.assumed) == (1.5, ("scale",))


# -- kohya


def test_a_header_s_alpha_of_convolutions_is_that_of_those_with_a_kernel():
    config = {"r": 2, "lora_alpha": 6, "conv_alpha": 1}
    names = (".lora_down.weight", ".lora_up.weight")
    kernel = {"q.lora_down.weight": normal(2, 5, 3, 1), "q.lora_up.weight": normal(6, 2, 1, 1)}
    one = {"q.lora_down.weight": normal(2, 5, 1, 1), "q.lora_up.weight": normal(6, 2, 1, 1)}
    middle = {
        "q.lora_down.weight": normal(2, 5, 1, 1),
        "q.lora_mid.weight": normal(2, 2, 3, 3),
        "q.lora_up.weight": normal(6, 2, 1, 1),
    }
    lokr = {"q.lokr_w1_a": normal(3, 2), "q.lokr_w1_b": normal(2, 2), "q.lokr_w2": normal(4, 5, 3, 3)}
    tucker = {
        "q.lokr_w1": normal(3, 2),
        "q.lokr_t2": normal(2, 2, 3, 3),
        "q.lokr_w2_a": normal(2, 4),
        "q.lokr_w2_b": normal(2, 5),
    }
    for state, scale in ((pair("q", *names), 3), (kernel, 0.5), (one, 3), (middle, 0.5), (lokr, 0.5), (tucker, 0.5)):
        assert only(state, config).scale == scale
        assert only(state, {"r": 2, "lora_alpha": 6}).scale == 3


@pytest.mark.parametrize("stored", [3.0, 6.0, 6.0 * math.sqrt(2)])
def test_an_alpha_beside_a_header_of_rslora_is_told_by_its_size(stored):
    """Newer versions store alpha * sqrt(r), which divided by r is the scale."""
    state = pair("q", ".lora_down.weight", ".lora_up.weight") | {"q.alpha": np.array(stored)}
    header = {"r": 2, "lora_alpha": 6, "use_rslora": True}
    layer = only(state, header)
    sure = stored == 6.0 * math.sqrt(2)
    assert layer.scale == pytest.approx(stored / 2)
    assert layer.assumed == (() if sure else ("scale",))
    assert only(state, {"r": 2, "lora_alpha": 6}).assumed == ()
    assert only(
        {key: x for key, x in state.items() if "alpha" not in key}, header | {"alphas": "block_alphas"}
    ).assumed == ("scale",)
    assert only(state, {"r": 2, "lora_alpha": 6, "alphas": "block_alphas"}).assumed == ()


def test_a_fused_projection_lacks_the_parts_between_those_that_are_there():
    parts = {
        f"q.lora_{x}.{i}.weight": normal(*shape) for i in (0, 2) for x, shape in (("up", (6, 2)), ("down", (2, 5)))
    }
    layer = only(parts | {"q.alpha": np.array(1.0)})
    assert (layer.status, layer.notes) == ("unpaired", ("lora_up.1 and lora_down.1 are missing",))


@pytest.mark.parametrize(
    "config", [{"peft_type": "LOKR"}, {"peft_type": "LOKR", "r": "x"}, {"peft_type": "LOKR", "r": 0}]
)
def test_peft_s_kronecker_products_stored_whole_need_a_rank(config):
    state = {"q.lokr_w1": normal(2, 2), "q.lokr_w2": normal(3, 4)}
    layer = only(state, config)
    assert (layer.status, layer.m) == ("unsupported", 6)
    assert "r must be an integer >= 1" in layer.notes[0]
    told = only(state, {"peft_type": "LOKR", "r": 4, "rank_pattern": {"q": 2}, "alpha_pattern": {"q": 3}})
    assert told.scale == 1.5
    assert only(state, {"peft_type": "LOKR", "r": 4}).scale == 2  # PEFT's default alpha is 8
    assert only(state).notes == ("both parts stored whole: scale 1, as LyCORIS applies",)


def test_changes_of_vectors_are_no_modules_and_matrices_are():
    state = {"q.diff": normal(4, 3), "norm.diff": normal(4), "n.diff": np.array(1.0), "q.diff_b": normal(4)}
    adapter = open_adapter(state)
    assert [layer.name for layer in adapter.layers] == ["q"]
    assert {entry.key for entry in adapter.skipped} == {"norm.diff", "n.diff", "q.diff_b"}
    assert len({entry.reason for entry in adapter.skipped}) == 1


# -- loralib, LitGPT


@pytest.mark.parametrize(("groups", "fits"), [(1, True), (2, True), (16, True), (17, False)])
def test_loralib_fuses_sixteen_groups_at_most(groups, fits):
    state = {"q.lora_A": normal(2 * groups, 5), "q.lora_B": normal(3 * groups, 2)}
    layer = only(state, {"lora_alpha": 4})
    assert layer.status == ("ok" if fits else "unsupported")
    if fits:
        assert (layer.m, layer.r, layer.scale) == (3 * groups, 2 * groups, 2.0)
    assert only({"q.lora_A": normal(5, 5), "q.lora_B": normal(6, 2)}, {"lora_alpha": 4}).status == "unsupported"


LITGPT = "transformer.h.0.attn.attn"


@pytest.mark.parametrize(("path", "rows", "config", "heights"), [
    (LITGPT, 18, {}, (8, 5, 5)), (LITGPT, 24, {}, None), ("q", 18, {}, None), ("q", 17, {}, None), ("q", 20, {}, (8, 6, 6)),
    (LITGPT, 18, {"n_head": 4, "n_query_groups": 2}, None), (LITGPT, 16, {"n_head": 4, "n_query_groups": 2}, (8, 4, 4)),
    (LITGPT, 32, {"n_head": 4, "n_query_groups": 2, "head_size": 4}, (16, 8, 8)), (LITGPT, 18, {"n_head": 0, "n_query_groups": 2}, (8, 5, 5)),
    (LITGPT, 18, {"lora_query": False}, None), ("x.transformer.h.7.attn.qkv", 18, {}, (8, 5, 5)),
])  # fmt: skip
def test_the_query_of_litgpt_has_more_rows_than_key_and_value(path, rows, config, heights):
    """Which rows belong to which group: by the model's numbers, or as many for the query as there are inputs."""
    r, n = 2, 8
    B, A = normal(rows, r), normal(3 * r, n)
    layer = only({f"{path}.lora_A": A, f"{path}.lora_B": B}, {"lora_alpha": 2} | config)
    cut = heights or ((rows // 3,) * 3 if rows % 3 == 0 else None)
    if cut is None:
        assert layer.status == "unsupported"
        return
    ends = np.cumsum(cut)[:-1]
    delta = np.concatenate([b @ a for b, a in zip(np.split(B, ends), np.split(A, 3), strict=True)])
    np.testing.assert_allclose(update(layer), delta, atol=1e-13)
    plain = rows == 3 * n or (path == "q" and rows % 3 == 0) or "n_query_groups" in config
    assert layer.assumed == (() if plain else ("order",))
    if not plain:
        said = " and ".join(map(str, heights)) if heights else "3 equal parts"
        assert f"{said} assumed" in layer.notes[-1]


def test_no_group_of_litgpt_is_empty():
    """As many rows as inputs leave none for key and value: the factors are read the other way round, which multiplies."""
    layer = only({f"{LITGPT}.lora_A": normal(6, 8), f"{LITGPT}.lora_B": normal(8, 2)}, {"lora_alpha": 2})
    assert (layer.m, layer.n, layer.r) == (2, 6, 8)


@pytest.mark.parametrize("field", ["use_gating", "composition_mode", "vera_d"])
def test_adapterhub_s_updates_that_are_no_b_a_are_refused(field):
    state = {f"q.loras.mine.lora_{x}": y for x, y in (("A", normal(2, 5)), ("B", normal(6, 2)))}
    with pytest.raises(ValueError, match=f"sets {field} in its config"):
        open_adapter(state, config={"config": {"r": 2, "alpha": 4, field: "scale"}})
    for plain in (None, False, "add"):
        assert only(state, {"config": {"r": 2, "alpha": 4, field: plain}}).scale == 2
    assert only(state, {"config": "x"}).scale == 1


# -- VeRA, RandLoRA


def test_projections_that_are_wider_than_a_module_are_cut_to_its_weight():
    for name, m, n in (("vera", 5, 6), ("randlora", 7, 4)):
        made = WRITERS[f"{name}, wider"](np.random.default_rng(0), m, n, 2, "q")
        layer, whole = only(made.state, made.config), made.updates["q"]
        for rows in range(1, 10):
            for columns in range(1, 10):
                if name == "vera":
                    delta = whole[:, :columns] if rows == m and columns <= n else None
                elif columns == n and rows <= m:  # the shorter side is trained for, the longer one is cut
                    delta = whole[:rows] if rows >= n else None
                else:
                    delta = whole[:columns].T if rows == n and n <= columns <= m else None
                if delta is None:
                    with pytest.raises(ValueError, match=f"its vectors fit no weight of {rows} x {columns}"):
                        narrowed(layer, rows, columns)
                    continue
                cut = narrowed(layer, rows, columns)
                assert (cut.m, cut.n, cut.assumed, cut.notes) == (rows, columns, (), ())
                np.testing.assert_allclose(update(cut), delta, atol=1e-12 * np.abs(delta).max())


def test_randlora_divides_by_a_positive_rank():
    made = WRITERS["randlora"](RNG, 7, 4, 2, "q")
    for r in (0, -2, "x"):
        layer = only(made.state, {"peft_type": "RANDLORA", "r": r})
        assert (layer.status, "r must be" in layer.notes[1]) == ("unsupported", True)


@pytest.mark.parametrize("kind", ["vera", "randlora"])
def test_shared_projections_belong_to_no_module_of_their_own(kind):
    made = WRITERS[kind](RNG, 7, 4, 2, "q")
    for lost in ("A", "B"):
        state = {key: x for key, x in made.state.items() if not key.endswith(f"_{lost}")}
        with pytest.raises(ValueError, match=f"holds no {kind}_A and {kind}_B"):
            open_adapter(state, config=made.config)
    assert {layer.name for layer in open_adapter(made.state).layers} == {"q"}  # without a configuration, too


# -- sines


def test_what_loran_s_code_takes_for_granted():
    state = pair("q", ".mlora_A.weight", ".mlora_B.weight")
    layer = only(state, {"peft_type": "MLORA", "r": 2, "mlora_alpha": 6})
    assert layer.rule == Sinter(5e-5, 1e4, scale=3.0)
    assert layer.assumed == ("frequency",)
    for name, value in (("mlora_af", "Tanh"), ("mlora_af_sin_omega", -1)):
        refused = only(state, {"peft_type": "MLORA", "r": 2, "mlora_alpha": 6, name: value})
        assert (refused.status, name in refused.notes[0]) == ("unsupported", True)
    zero = only(
        state,
        {
            "peft_type": "MLORA",
            "r": [2, 9],
            "mlora_alpha": 6,
            "mlora_af": "sin",
            "mlora_af_sin_A": 1,
            "mlora_af_sin_omega": 0,
        },
    )
    assert (zero.status, zero.assumed, zero.rule) == ("ok", (), Sinter(1.0, 0.0, scale=3.0))
    assert [note for note in only(state).notes if "mlora_af_sin_A and mlora_af_sin_omega" in note]


@pytest.mark.parametrize("s", [None, math.sqrt(5), 3.0])
def test_the_authors_sine_divides_by_the_root_of_the_inputs_whatever_is_configured(s):
    config = {"peft_type": "SINLORA", "r": 2, "lora_alpha": 6, "freq": 2.0} | ({} if s is None else {"s": s})
    layer = only(pair(), config)
    assert (layer.rule, layer.assumed) == (Sine(2.0, gain=math.sqrt(5) / 3), ())
    assert len(layer.notes) == (s == 3.0)


# -- rankkit.adapters


def ours(kind, more=None, **config):
    state = pair("base_model.model.q") | {
        f"base_model.model.q.lora_{name}": np.asarray(x) for name, x in (more or {}).items()
    }
    return only(state, {"peft_type": kind, "r": 2, **config})


@pytest.mark.parametrize(
    ("alpha", "rooted", "scale"), [(None, False, 1.0), (None, True, 1.0), (6, False, 3.0), (6, True, 6 / math.sqrt(2))]
)
def test_our_own_methods_have_the_papers_scale_where_no_alpha_is_given(alpha, rooted, scale):
    more = {} if alpha is None else {"lora_alpha": alpha}
    plain = ours("LORAN", activation="identity", use_rslora=rooted, **more)
    assert isinstance(plain.rule, Linear)
    assert plain.scale == pytest.approx(scale)
    assert ours("LORAN", use_rslora=rooted, **more).rule == Sinter(5e-5, 1e4, scale=plain.scale)
    for gain, value in ((None, math.sqrt(6)), ("sqrt(in_features)", math.sqrt(5)), (2.0, 2.0)):
        sine = ours("SINELORA", omega=3.0, gain=gain, use_rslora=rooted, **more)
        assert sine.rule == Sine(3.0, gain=value / plain.scale)
        ada = ours("ADASINELORA", {"frequency": np.ones(5)}, gain=gain, use_rslora=rooted, **more).rule
        assert isinstance(ada, AdaSine)
        assert (ada.omega0, ada.gain, ada.scale_inside) == (400.0, value / plain.scale, True)


@pytest.mark.parametrize("basis", ["sinc", "gaussian", "bspline", "fourier", "polynomial"])
@pytest.mark.parametrize("around", [False, True])
def test_a_learned_basis_is_the_sum_of_its_functions(basis, around):
    from rankkit.rules import RULES
    from rankkit.rules.grids import alternating_phases, uniform_grid

    count = 3
    alpha, stored = normal(count), normal(count)
    layer = ours("LRLORA", {"amplitude": alpha, "bandwidth": stored}, lora_alpha=4, basis=basis, around_identity=around)
    omega = np.log1p(np.exp(stored))
    place = {"fourier": {"phase": alternating_phases(count)}, "polynomial": {}}.get(
        basis, {"grid": uniform_grid(count, 3.0)}
    )
    rule = RULES[f"{basis}_basis"](alpha=2 * alpha, omega=omega, **place)
    z = np.linspace(-2, 2, 7)
    product = layer.product()
    x = product.B @ product.A
    exact = rule.exact(x) + (2 * x - rule.exact(np.zeros(1)) if around else 0)
    np.testing.assert_allclose(update(layer), exact, atol=1e-9)
    learned = {"amplitude": alpha, "bandwidth": stored, "grid": normal(count)}
    if basis != "polynomial":
        word = next(iter(place))
        rule = RULES[f"{basis}_basis"](alpha=alpha, omega=omega, **{word: learned["grid"]})
        np.testing.assert_allclose(
            ours("LRLORA", learned, basis=basis, grid="learned").rule.exact(z), rule.exact(z), atol=1e-12
        )


@pytest.mark.parametrize(
    ("shapes", "fits"),
    [((3, 3), True), ((3, 2), False), ((0, 0), False), ((1 << 16, 1 << 16), True), ((1 + (1 << 16),) * 2, False)],
)
def test_a_basis_has_as_many_amplitudes_as_bandwidths(shapes, fits):
    layer = ours("LRLORA", {"amplitude": np.ones(shapes[0]), "bandwidth": np.ones(shapes[1])})
    assert layer.status == ("ok" if fits else "unsupported")
    assert fits or "are no one basis" in layer.notes[0]


# -- the others


def test_a_gguf_adapter_s_alpha_of_zero_is_a_scale_of_one():
    names = (".weight.lora_a", ".weight.lora_b")
    assert only(pair("q", *names), {"lora_alpha": 0}).scale == 1
    assert only(pair("q", *names), {"lora_alpha": 6}).scale == 3
    words = {"token_embd.weight.lora_a": normal(7, 2), "token_embd.weight.lora_b": normal(6, 2)}
    layer = only(words, {"lora_alpha": 2})
    assert (layer.m, layer.n, layer.r, layer.transposed) == (6, 7, 2, True)
    np.testing.assert_allclose(update(layer), words["token_embd.weight.lora_b"] @ words["token_embd.weight.lora_a"].T)
    assert not only(pair("q", *names), {"lora_alpha": 6}).transposed
    broken = {"token_embd.weight.lora_a": normal(7, 2, 1), "token_embd.weight.lora_b": normal(6, 2)}
    assert only(broken, {"lora_alpha": 2}).status == "unsupported"


def test_a_number_beside_mlx_s_scale_is_not_understood():
    state = {"q.lora_a": normal(5, 2), "q.lora_b": normal(2, 6)}
    config = {"fine_tune_type": "lora", "lora_parameters": {"scale": 3.0}}
    layer = only(state | {"q.alpha": np.array(7.0)}, config)
    assert (layer.scale, layer.assumed) == (3.0, ("scale",))
    assert "q.alpha is not understood beside" in layer.notes[0]
    assert only(state | {"q.alpha": np.array(7.0)}).scale == 3.5
    assert only(state, {"lora_parameters": {"rank": 2}}).assumed == ("scale",)


def test_modules_of_a_numbered_format_come_in_the_order_of_their_numbers():
    state = {
        f"{model}:{i}:{x}": normal(*shape)
        for i in (10, 2, 0)
        for model in ("unet", "text_encoder")
        for x, shape in (("up", (6, 2)), ("down", (2, 5)))
    }
    assert [layer.name for layer in open_adapter(state).layers] == [
        f"{model}:{i}" for model in ("text_encoder", "unet") for i in (0, 2, 10)
    ]
    listed = {str(i): normal(6, 2) if i % 2 == 0 else normal(2, 5) for i in range(22)}
    adapter = open_adapter(listed)
    assert [layer.name for layer in adapter.layers] == [f"list:{i}" for i in range(11)]
    for i, layer in enumerate(adapter.layers):
        np.testing.assert_allclose(update(layer), listed[str(2 * i)] @ listed[str(2 * i + 1)], atol=1e-13)


def test_a_bare_pair_with_the_words_of_mlx_vlm_may_be_multiplied_by_alpha_alone():
    state = pair("q", ".a", ".b")
    assert only(state, {"alpha": 6, "rank": 2}).assumed == ("scale",)
    assert only(state, {"alpha": 6, "rank": 2}).scale == 3
    assert only(state, {"lora_alpha": 6, "r": 2}).assumed == ()
    assert only(state | {"q.alpha": np.array(4.0)}, {"alpha": 6, "rank": 2}).assumed == ()


def test_no_family_takes_the_keys_of_another_for_its_own():
    """Of a file without a configuration: the first family that recognises it is the one that its writer is of."""
    kinds = {
        ".lora_down.weight .lora_up.weight": "kohya", ".lora_A.weight .lora_B.weight": "peft", ".lora_A .lora_B": "loralib",
        ".lora_a.weight .lora_b.weight": "torchtune", ".lora_a .lora_b": "mlx", ".weight.lora_a .weight.lora_b": "gguf",
        ".adapter.linear_in.weight .adapter.linear_out.weight": "megatron", ".a .b": "pairs", ".mlora_A .mlora_B": "loran",
        ".lora.down.weight .lora.up.weight": "diffusers",
    }  # fmt: skip
    for names, family in kinds.items():
        state = pair("layers.0.q", *names.split())
        assert open_adapter(state).family == family
        assert next(name for name, reader in READERS.items() if reader.recognises(list(state), None)) == family
    prefixed = pair("unet.q")
    assert open_adapter(prefixed).family == "diffusers"
    assert open_adapter(prefixed, config=OWN).family == "peft"
    for method, family in (("LOHA", "kohya"), ("ADALORA", "peft"), ("DORA", "peft"), ("VERA", "vera"), ("RANDLORA", "randlora"), ("DELORA", "delora"),
                           ("MLORA", "loran"), ("SINLORA", "sine"), ("SINELORA", "adapters"), ("LRLORA", "adapters")):  # fmt: skip
        assert [
            name
            for name, reader in READERS.items()
            if reader.recognises(["q.lora_A.weight"], {"peft_type": method})
            and name not in ("torchtune", "megatron", "mlx", "gguf", "pairs", "cloneofsimo")
        ] == [family]


def test_a_name_that_says_nothing_is_refused_with_advice():
    with pytest.raises(
        ValueError,
        match=re.escape("holds no LoRA module that any reader knows: 1 tensors such as q.x; name its --family"),
    ):
        open_adapter({"q.x": normal(2, 2)})
    with pytest.raises(ValueError, match=r"if it is a whole model, name its adapter"):
        open_adapter({"q.weight": normal(2, 2), "q.bias": normal(2)})
    assert READERS["gguf"].read(StateDict(pair("q", ".weight.lora_a", ".weight.lora_b")), None).layers[0].assumed == (
        "scale",
    )
    assert rk.audit(pair("q", ".a", ".b")).columns["status"] == ["assumed"]
