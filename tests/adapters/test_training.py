"""The ways in which models are trained: transformers' Trainer and loader, checkpointing, DDP, compilation, hooks."""

from typing import Any

import peft
import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainingArguments,
)

from rankkit.adapters import AdaSineLoraConfig, LoranConfig, LrLoraConfig, SineDoraConfig, SineLoraConfig

from .nets import ONE_EACH, UPDATES, adapted, layers, shaken

X = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 30,
}
TARGETS: dict[str, Any] = {"r": 2, "target_modules": ["query", "value", "intermediate.dense"], "lora_dropout": 0.0}
CONFIGS = {
    "sine": lambda **more: SineLoraConfig(omega=50, **TARGETS | more),
    "sine-DoRA": lambda **more: SineDoraConfig(omega=50, **TARGETS | more),
    "LoRAN": lambda **more: LoranConfig(**TARGETS | more),
    "AdaSine": lambda **more: AdaSineLoraConfig(**TARGETS | more),
    "LR-LoRA": lambda **more: LrLoraConfig(size=9, **TARGETS | more),
}


def bert():
    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig(**SMALL)).eval()


def tokens(rows=12):
    torch.manual_seed(1)
    return torch.randint(0, 30, (rows, 7))


@pytest.mark.parametrize("method", CONFIGS)
def test_the_trainer_trains_checkpoints_and_saves(method, tmp_path):
    model = peft.get_peft_model(bert(), CONFIGS[method](task_type="SEQ_CLS"))
    data = [{"input_ids": row, "labels": i % 2} for i, row in enumerate(tokens())]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=3, per_device_train_batch_size=4, learning_rate=1e-3, report_to=[], use_cpu=True,
        gradient_checkpointing=True, save_steps=3, disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=data)
    trainer.train()
    assert all(torch.isfinite(torch.tensor(entry["loss"])) for entry in trainer.state.log_history if "loss" in entry)
    model.eval()
    again = peft.PeftModel.from_pretrained(bert(), tmp_path / "checkpoint-3").eval()
    assert torch.allclose(model(tokens()).logits, again(tokens()).logits, atol=1e-6)
    assert not torch.allclose(model(tokens()).logits, bert()(tokens()).logits, atol=1e-6)


@pytest.mark.parametrize("method", CONFIGS)
def test_gradient_checkpointing_changes_no_gradient(method):
    grads = []
    for checkpointing in (False, True):
        model = shaken(peft.get_peft_model(bert(), CONFIGS[method](task_type="SEQ_CLS")))
        model.train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        model(tokens(), labels=torch.zeros(12, dtype=torch.long)).loss.backward()
        grads.append([p.grad for p in model.parameters() if p.requires_grad])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*grads, strict=True))


@pytest.mark.parametrize("method", CONFIGS)
def test_transformers_loads_the_folder_by_itself(method, tmp_path):
    model = shaken(peft.get_peft_model(bert(), CONFIGS[method]())).eval()
    model.save_pretrained(tmp_path)
    plain = bert()
    plain.load_adapter(str(tmp_path))
    assert torch.allclose(plain(tokens()).logits, model(tokens()).logits, atol=1e-6)
    plain.disable_adapters()
    assert torch.allclose(plain(tokens()).logits, bert()(tokens()).logits, atol=1e-6)


def test_gpt2s_layers_find_their_targets(tmp_path):
    torch.manual_seed(0)
    net = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=30, n_positions=16)).eval()
    model = peft.get_peft_model(net, SineLoraConfig(omega=50, r=2, task_type="CAUSAL_LM"))
    shaken(model).eval()
    before = model(tokens()).logits.detach()
    assert any("c_attn.lora_A" in name for name, _ in model.named_parameters())
    assert torch.allclose(model.merge_and_unload()(tokens()).logits, before, atol=1e-5)


@pytest.fixture
def one_process(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("method", ONE_EACH)
def test_every_parameter_is_used_in_every_step(method, one_process):
    """DDP without find_unused_parameters raises in the second step where one is not."""
    model = adapted(method, target_modules=["first", "second", "head"])
    parallel = DistributedDataParallel(model, find_unused_parameters=False)
    for _ in range(3):
        parallel(X).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("method", ["sine", "sine-DoRA", "Sinter", "LR, sinc"])
def test_a_hook_on_the_base_sees_its_output(method):
    """Where something listens to the base it is not folded; the result stays the same."""
    model = adapted(method)
    exact, seen = model(X).detach(), []
    layers(model)["first"].base_layer.register_forward_hook(lambda layer, x, y: seen.append(y))
    assert torch.allclose(model(X), exact, atol=1e-5)
    assert len(seen) == 1


@pytest.mark.parametrize("method", ["sine", "sine-DoRA", "Sinter", "AdaSine", "LR, sinc"])
def test_a_base_that_is_trained_too_gets_its_gradient(method):
    model = adapted(method, bias="lora_only")
    layers(model)["first"](X).sum().backward()
    assert layers(model)["first"].base_layer.bias.grad.abs().sum() > 0


def test_an_offloaded_base_is_left_to_its_own_forward():
    """accelerate and its like replace a layer's forward; the weight itself may be elsewhere."""
    model = adapted("sine")
    base, calls = layers(model)["first"].base_layer, []
    base.forward = lambda x: calls.append(1) or nn.functional.linear(x, base.weight, base.bias)
    model(X)
    assert calls == [1]


def test_sine_dora_follows_a_base_that_changes():
    model = adapted("sine-DoRA").eval()
    base = layers(model)["first"].base_layer
    with torch.no_grad():
        model(X)
        base.weight.mul_(-2)
        got = model(X)
    assert torch.allclose(got, model(X), atol=1e-6)


@pytest.mark.parametrize("method", UPDATES)
def test_dropout_acts_on_the_adapters_input_alone(method):
    model = adapted(method, lora_dropout=0.5)
    layer = layers(model)["first"]
    torch.manual_seed(7)
    y = layer(X)
    torch.manual_seed(7)
    dropped = nn.functional.dropout(X, 0.5)
    exact = nn.functional.linear(X, layer.weight, layer.base_layer.bias) + dropped @ layer.get_delta_weight("default").T
    assert torch.allclose(y, exact, atol=1e-4)


@pytest.mark.parametrize("method", [*ONE_EACH, "sine-DoRA on activations"])
@pytest.mark.parametrize("dropout", [0.0, 1e-12])
def test_compiled_models_give_the_same(method, dropout):
    """In one graph, but for LR-LoRA, whose table of phi is made from the factors at hand, and for the authors' form."""
    model = adapted(method, lora_dropout=dropout)
    trained = [p for p in model.parameters() if p.requires_grad]
    expected = torch.autograd.grad(model(X).sin().sum(), trained)
    compiled: Any = torch.compile(model, backend="aot_eager", fullgraph="LR" not in method and "activ" not in method)
    got = torch.autograd.grad(compiled(X).sin().sum(), trained)
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("learned", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("folded", [True, False])
def test_the_operator_is_one_that_torch_accepts(learned, folded):
    """torch's own checks: its schema, its shapes without data, its gradients and its strides."""
    x, B, A, W = (torch.randn(*shape, dtype=torch.float64) for shape in ((3, 5, 12), (20, 4), (4, 12), (20, 12)))
    x.requires_grad_(learned[0])
    B.requires_grad_(learned[1])
    A.requires_grad_(learned[1])
    base = (W, torch.randn(20, dtype=torch.float64)) if folded else (None, None)
    arguments = (x, B, A, None, *base, "SineCurve", [3.0, 0.5], 0.7, False, folded, torch.float64)
    torch.library.opcheck(torch.ops.rankkit.adapted_product.default, arguments)
    w = torch.randn(1, 12, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(torch.ops.rankkit.adasine.default, (x, B, A, w, 3.0, 0.3, 0.5))
