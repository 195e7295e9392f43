"""Adapters with added tokens and vectors before the text give PEFT's own figures, or are refused with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.backend import CPU

from auditor.core.errors import RunError, UsageError
from auditor.models.adapters import read_adapter_config
from auditor.models.backend import Backend, LoadOptions
from auditor.models.loading import open_model, open_models
from auditor.signals.views import Prompt
from auditor.verify.checks.models import models
from auditor.verify.subject import Subject

pytestmark = pytest.mark.filterwarnings("ignore")

TEXT = "the quick brown fox <|user|> jumps over the lazy dog <|assistant|> while seven wizards mix"
LORA = {"r": 2, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}


@pytest.fixture(scope="module")
def bases(make_tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        name: make_tiny_model(folder / name, tie_word_embeddings=name == "tied", num_hidden_layers=1)
        for name in ("tied", "apart")
    }


def train(base: Path, folder: Path, config: Any, *, added: int = 0, **saving: Any) -> Any:
    """Save an adapter whose trained tensors are not as they began, and return it in memory."""
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = AutoModelForCausalLM.from_pretrained(base)
        if added:
            tokenizer = AutoTokenizer.from_pretrained(base)
            tokenizer.add_tokens(["<|user|>", "<|assistant|>"][:added])
            model.resize_token_embeddings(len(tokenizer))
            tokenizer.save_pretrained(folder)
        model = get_peft_model(model, config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder, **saving)
    return model


def require_same(backend: Backend, model: Any, text: str = TEXT) -> None:
    """The backend gives the log-probabilities of the model's own forward pass, in both variants."""
    windows = backend.encode(Prompt(text)).windows
    for window in windows:
        ids = torch.tensor([window.token_ids.tolist()])
        with torch.inference_mode():
            logp = torch.log_softmax(model(input_ids=ids).logits[0].double(), 1)[-len(window) :]
        truth = logp[window.context - 1 : -1].gather(1, ids[0, window.context :, None])[:, 0].numpy()
        for variant in ("batched", "alone"):
            (scores,) = backend.score([window], variant=variant)  # type: ignore[arg-type]
            np.testing.assert_allclose(scores.logprob, truth, atol=1e-4)


@pytest.mark.parametrize("base", ["tied", "apart"])
@pytest.mark.parametrize(
    "more",
    [
        {"modules_to_save": ["embed_tokens", "lm_head"]},
        {},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
        {"trainable_token_indices": {"embed_tokens": [0, 1], "lm_head": [0, 1]}},
    ],
)
def test_added_tokens_are_scored_as_trained(
    base: str, more: dict[str, Any], bases: dict[str, Path], tmp_path: Path
) -> None:
    from peft import LoraConfig

    model = train(bases[base], tmp_path, LoraConfig(**{**LORA, **more}), added=2)
    models = open_models(str(tmp_path), [], CPU)
    backend = models.target.load()
    assert len(backend.encode(Prompt("<|user|>")).windows[0]) == 2
    require_same(backend, model)
    # The base keeps its own size, so it is loaded by itself.
    assert backend.sibling(models.references[0]) is None
    bare = models.references[0].load()
    assert int(bare.encode(Prompt(TEXT)).windows[0].token_ids.max()) < 375


@pytest.mark.parametrize(
    ("base", "more"),
    [
        ("apart", {"target_modules": ["q_proj", "embed_tokens"]}),
        ("tied", {"modules_to_save": ["embed_tokens"]}),
    ],
)
def test_rows_that_were_not_saved_are_never_made_up(
    base: str, more: dict[str, Any], bases: dict[str, Path], tmp_path: Path
) -> None:
    from peft import LoraConfig

    train(bases[base], tmp_path, LoraConfig(**{**LORA, **more}), added=2, save_embedding_layers=False)
    size = json.loads((bases[base] / "config.json").read_text())["vocab_size"]
    with pytest.raises(UsageError, match=rf"trained with {size + 2} tokens and its base has {size}; the .* not saved"):
        open_model(str(tmp_path), CPU).load()


@pytest.mark.parametrize("kind", ["PromptTuningConfig", "PromptEncoderConfig", "PrefixTuningConfig", "CartridgeConfig"])
def test_vectors_before_the_text_take_their_room_and_give_no_figures(
    kind: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    import peft

    more = {"encoder_hidden_size": 8} if kind == "PromptEncoderConfig" else {}
    config = getattr(peft, kind)(num_virtual_tokens=5, task_type="CAUSAL_LM", **more)
    model = train(bases["apart"], tmp_path, config)
    models = open_models(str(tmp_path), [], LoadOptions(device="cpu", max_context=126))
    backend = models.target.load()
    assert models.target.identity.context == models.references[0].identity.context == 123
    require_same(backend, model, TEXT * 3)
    # Switched off it is the base.
    sibling = backend.sibling(models.references[0])
    assert sibling is not None
    require_same(sibling, model.get_base_model())


def test_a_window_without_room_for_text_is_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    from peft import PromptTuningConfig

    train(bases["apart"], tmp_path, PromptTuningConfig(num_virtual_tokens=124, task_type="CAUSAL_LM"))
    with pytest.raises(UsageError, match="124 vectors before the text, which leaves 4 of the 128"):
        open_model(str(tmp_path), CPU)


@pytest.mark.parametrize("kind", ["IA3Config", "LoHaConfig", "LoKrConfig", "VeraConfig", "OFTConfig"])
def test_other_changes_of_weights_are_scored_as_peft_computes_them(
    kind: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    import peft

    sizes = {"IA3Config": {"feedforward_modules": []}, "OFTConfig": {"oft_block_size": 4}}
    more = sizes.get(kind, {"r": 2})
    config = getattr(peft, kind)(target_modules=["q_proj"], task_type="CAUSAL_LM", **more)
    model = train(bases["apart"], tmp_path, config)
    require_same(open_model(str(tmp_path), CPU).load(), model)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"peft_type": "POLY"}, "POLY, which mixes its parts by the task"),
        ({"peft_type": "XLORA"}, "XLORA, which mixes other adapters"),
        ({"peft_type": "MULTITASK_PROMPT_TUNING"}, "several tasks"),
        ({"peft_type": "LORA", "alora_invocation_tokens": [1]}, "acts only after its invocation tokens"),
        ({"peft_type": "P_TUNING"}, "no num_virtual_tokens"),
    ],
)
def test_what_gives_a_document_no_likelihood_is_refused_by_name(
    config: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=reason):
        read_adapter_config(tmp_path)


@pytest.fixture(scope="module")
def lora(bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from peft import LoraConfig

    folder = tmp_path_factory.mktemp("lora")
    train(bases["apart"], folder, LoraConfig(**LORA))
    return folder


def spoilt(lora: Path, folder: Path, **changes: object) -> Path:
    shutil.copytree(lora, folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def test_no_tensor_of_an_adapter_is_left_aside_or_made_up(lora: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2 of 4 tensors of the adapter .* have no place"):
        open_model(str(spoilt(lora, tmp_path / "few", target_modules=["q_proj"])), CPU).load()
    with pytest.raises(UsageError, match="lacks 2 tensors that its configuration declares"):
        open_model(str(spoilt(lora, tmp_path / "more", target_modules=["q_proj", "v_proj", "o_proj"])), CPU).load()
    with pytest.raises(UsageError, match=r"NEW, which peft .* does not know"):
        open_model(str(spoilt(lora, tmp_path / "new", peft_type="NEW")), CPU).load()
    wrapped = spoilt(lora, tmp_path / "wrapped")
    tensors = load_file(wrapped / "adapter_model.safetensors")
    named = {name.replace("model.model.", "model._orig_mod.model."): values for name, values in tensors.items()}
    save_file(named, wrapped / "adapter_model.safetensors")
    with pytest.raises(UsageError, match=r"which has the prefix '_orig_mod\.' of torch\.compile in its name"):
        open_model(str(wrapped), CPU)


def test_a_moved_base_is_named_by_option(lora: Path, bases: dict[str, Path], tmp_path: Path) -> None:
    moved = spoilt(lora, tmp_path / "moved", base_model_name_or_path="/gone/llama")
    with pytest.raises(
        UsageError, match=r"/gone/llama does not exist; it is the base model that .*moved/adapter_config"
    ):
        open_model(str(moved), CPU)
    spec = open_model(str(moved), LoadOptions(device="cpu", base=str(bases["apart"])))
    assert spec.base is not None
    assert spec.base.identity.key == open_model(str(bases["apart"]), CPU).identity.key
    assert spec.identity.details["recorded_base"] == "/gone/llama"
    assert spec.identity.weights_sha256 == open_model(str(lora), CPU).identity.weights_sha256
    spec.load().close()
    with pytest.raises(UsageError, match="is a whole model and has no base"):
        open_model(str(bases["apart"]), LoadOptions(device="cpu", base=str(bases["tied"])))


def test_a_base_that_is_no_model_is_refused_before_the_hub(lora: Path, tmp_path: Path) -> None:
    file = lora / "adapter_config.json"
    with pytest.raises(UsageError, match=r"adapter_config\.json is a file, and the base of an adapter is a folder"):
        open_model(str(lora), LoadOptions(device="cpu", base=str(file)))
    over = spoilt(lora, tmp_path / "over", base_model_name_or_path=str(lora))
    with pytest.raises(UsageError, match=r"the base .* is itself an adapter[\s\S]*Merge it"):
        open_model(str(over), CPU)


def test_a_variant_of_an_adapter_is_no_pickle(lora: Path, tmp_path: Path) -> None:
    variant = spoilt(lora, tmp_path / "variant")
    (variant / "adapter_model.safetensors").rename(variant / "adapter_model.fp16.safetensors")
    with pytest.raises(UsageError, match=r"a variant, 'fp16' \(adapter_model\.fp16\.safetensors\)\n.*Rename the file"):
        open_model(str(variant), CPU)


def test_a_replaced_base_is_in_the_result(lora: Path, bases: dict[str, Path], tmp_path: Path) -> None:
    moved = spoilt(lora, tmp_path / "moved", base_model_name_or_path="/gone/llama")
    identity = open_model(str(moved), LoadOptions(device="cpu", base=str(bases["apart"]))).identity
    configuration: dict[str, Any] = {"base": str(bases["apart"]), "tokenizer": None}

    def answer(details: dict[str, str], configuration: dict[str, Any]) -> Any:
        stored = SimpleNamespace(**{**identity.model_dump(), "role": "target", "name": "", "details": details})
        result: Any = SimpleNamespace(
            manifest=SimpleNamespace(configuration=configuration, models=[stored], chat=None), measurements=None
        )
        return models.ask(Subject(result, b"", models={"target": str(moved)}, base=str(bases["apart"])))

    assert answer(identity.details, configuration).status == "passed"
    without = {key: value for key, value in identity.details.items() if key != "recorded_base"}
    for details, config in ((without, configuration), (identity.details, {}), (without, {})):
        assert answer(details, config).status == "failed"
    more = answer({**identity.details, "adapter_model_config_sha256": "0"}, configuration)
    assert more.differences[0].path == "manifest.models[0].details.adapter_model_config_sha256"


def test_vectors_that_the_base_does_not_read_are_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    from peft import PrefixTuningConfig
    from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

    config = OpenAIGPTConfig(vocab_size=375, n_positions=64, n_embd=16, n_layer=1, n_head=2)
    OpenAIGPTLMHeadModel(config).eval().save_pretrained(tmp_path / "base")
    for file in bases["apart"].glob("tokenizer*"):
        shutil.copy(file, tmp_path / "base")
    prefix = PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=4, num_layers=1, token_dim=16, num_attention_heads=2
    )
    train(tmp_path / "base", tmp_path / "prefix", prefix)
    with pytest.raises(UsageError, match="OpenAIGPTLMHeadModel, computes the same without"):
        open_model(str(tmp_path / "prefix"), CPU).load()


def test_a_base_that_does_not_fit_is_refused_with_both_sizes(
    lora: Path, make_tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    wide = make_tiny_model(tmp_path / "wide", hidden_size=48)
    with pytest.raises(UsageError, match=r"does not fit the base .*wide: .*q_proj of 32 x 32, .* is 48 x 48"):
        open_model(str(lora), LoadOptions(device="cpu", base=str(wide)))


def test_a_configuration_beside_an_adapter_is_no_model(lora: Path, bases: dict[str, Path], tmp_path: Path) -> None:
    both = spoilt(lora, tmp_path / "both")
    shutil.copy(bases["apart"] / "config.json", both)
    assert open_model(str(both), CPU).identity.kind == "peft"
    shutil.copy(bases["apart"] / "model.safetensors", both)
    with pytest.raises(UsageError, match="a model and an adapter"):
        open_model(str(both), CPU)


def test_a_tokenizer_is_named_by_option(bases: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    bare = tmp_path / "bare"
    shutil.copytree(bases["apart"], bare, ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(UsageError, match=r"has no tokenizer\n.*--tokenizer"):
        open_model(str(bare), CPU)
    spec = open_model(str(bare), LoadOptions(device="cpu", tokenizer=str(bases["apart"])))
    assert spec.identity.key == open_model(str(bases["apart"]), CPU).identity.key
    assert spec.load().encode(Prompt(TEXT)).tokens > 10
    larger = AutoTokenizer.from_pretrained(bases["apart"])
    larger.add_tokens(["<|user|>"])
    larger.save_pretrained(tmp_path / "larger")
    with pytest.raises(UsageError, match=r"has 376 tokens and .*bare has embeddings for 375"):
        open_model(str(bare), LoadOptions(device="cpu", tokenizer=str(tmp_path / "larger")))
    larger = AutoTokenizer.from_pretrained(bases["apart"])
    larger.add_special_tokens({"pad_token": "[PAD]"})
    larger.save_pretrained(tmp_path / "padded")
    padded = open_model(str(bare), LoadOptions(device="cpu", tokenizer=str(tmp_path / "padded"))).load()
    assert padded.encode(Prompt(TEXT)).tokens > 10
    with pytest.raises(RunError, match=r"'\[PAD\]' \(id 375\)"):
        padded.encode(Prompt("the [PAD] fox"))
    with pytest.raises(UsageError, match="holds no tokenizer"):
        open_model(str(bare), LoadOptions(device="cpu", tokenizer=str(tmp_path)))


def test_weights_that_the_configuration_leaves_out_are_never_left_aside(bases: dict[str, Path], tmp_path: Path) -> None:
    def with_tensors(name: str, **more: torch.Tensor) -> Path:
        folder = Path(shutil.copytree(bases["apart"], tmp_path / name))
        tensors = {**load_file(folder / "model.safetensors"), **{key.replace("__", "."): more[key] for key in more}}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    bias = with_tensors("bias", model__layers__0__self_attn__q_proj__bias=torch.zeros(32))
    with pytest.raises(
        RunError, match=r"holds 1 weights .* no place for \(model\.layers\.0\.self_attn\.q_proj\.bias\)"
    ):
        open_model(str(bias), CPU).load()
    layer = with_tensors("layer", model__layers__1__mlp__up_proj__weight=torch.zeros(64, 32))
    with pytest.raises(RunError, match=r"no place for \(model\.layers\.1\.mlp"):
        open_model(str(layer), CPU).load()
    # A head for another task and a constant of an earlier version are no part of the language model.
    more = {
        "v_head__summary__weight": torch.zeros(1, 32),
        "model__layers__0__self_attn__rotary_emb__inv_freq": torch.zeros(4),
    }
    open_model(str(with_tensors("head", **more)), CPU).load().close()


def test_a_tensor_of_another_size_is_told_with_both(bases: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bases["apart"], tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 80}))
    with pytest.raises(
        RunError, match=r"down_proj\.weight in the size 32 x 64, and its configuration declares 32 x 80"
    ):
        open_model(str(folder), CPU).load()


def test_an_error_of_the_configuration_is_not_one_of_the_tokenizer(bases: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bases["apart"], tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": None}))
    with pytest.raises(
        UsageError, match=r"refuses .*config\.json: .*'max_position_embeddings': TypeError: .* NoneType"
    ):
        open_model(str(folder), CPU)
