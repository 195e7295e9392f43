"""Scores of every architecture of transformers with tiny random weights, against the model's own forward pass.

    python benchmarks/architectures.py [--only llama phi3 ...] [--texts 16]

Each configuration is made small, with windows, chunks and rope switches at 48 tokens, its weights are drawn, and texts
of mixed length are scored as an audit scores them: through the store, in batches, both sides mixed. The same texts go
one at a time through a freshly loaded model in float32. Printed are the path that was used, the largest difference of a
log-probability, and the seconds it took. What cannot be built is listed with its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import inspect
import io
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = Path(__file__).parents[1] / "samples"
SWITCH = 48
"""Length in tokens at which windows, chunks and rotary factors change."""
MOST_WEIGHTS = 20_000_000

_WIDTH = (
    "hidden_size d_model n_embd dim embed_dim word_embed_proj_dim embedding_size decoder_hidden_size emb_dim rnn_width"
    " lru_width"
).split()
_INNER = (
    "intermediate_size ffn_dim n_inner decoder_ffn_dim encoder_ffn_dim moe_intermediate_size ffn_hidden_size"
    " shared_expert_intermediate_size shared_intermediate_size intermediate_size_mlp dense_intermediate_size d_inner"
    " block_ff_dim feed_forward_size mlp_hidden_size dim_ff expert_ffn_hidden_size moe_shared_expert_intermediate_size"
).split()
_HEADS = "num_attention_heads n_head n_heads decoder_attention_heads encoder_attention_heads".split()
_LAYERS = "num_hidden_layers n_layer n_layers decoder_layers encoder_layers num_layers".split()
_EXPERTS = "num_experts num_local_experts n_routed_experts moe_num_experts".split()
_CHOSEN = "num_experts_per_tok moe_top_k top_k num_experts_per_token moe_k moe_topk num_selected_experts".split()
_CONTEXT = (
    "max_position_embeddings n_positions n_ctx max_seq_len max_sequence_length seq_length context_length"
).split()

SMALL: dict[str, Any] = {
    **dict.fromkeys(_WIDTH, 64),
    **dict.fromkeys(_INNER, 96),
    **dict.fromkeys(_HEADS, 4),
    **dict.fromkeys(_LAYERS, 2),
    **dict.fromkeys(_EXPERTS, 4),
    **dict.fromkeys(_CHOSEN, 2),
    **dict.fromkeys(_CONTEXT, 128),
    "vocab_size": 4096,
    "num_key_value_heads": 2,
    "num_kv_heads": 2,
    "head_dim": 16,
    "sliding_window": SWITCH,
    "attention_window_size": SWITCH,
    "window_size": SWITCH,
    "attention_chunk_size": SWITCH,
    "n_group": 1,
    "topk_group": 1,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "q_lora_rank": 24,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 16,
    "qk_head_dim": 24,
    "state_size": 8,
    "mamba_d_state": 8,
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_d_ssm": 128,
    "mamba_num_heads": 8,
    "mamba_head_dim": 16,
    "mamba_n_groups": 1,
    "n_groups": 1,
    "mamba_ngroups": 1,
    "n_mamba_heads": 2,
    "mamba_dt_rank": 8,
    "time_step_rank": 8,
    "linear_head_dim": 16,
    "linear_num_heads": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "hidden_size_per_layer_input": 16,
    "vocab_size_per_layer_input": 4096,
    "pad_token_id": 2,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "attention_dropout": 0.0,
    "is_decoder": True,
    "rotary_dim": 8,
    "partial_rotary_factor": 0.5,
}

LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "short_factor": [1.0] * 8,
    "long_factor": [1 + i / 2 for i in range(8)],
    "original_max_position_embeddings": SWITCH,
}
DYNAMIC = {
    "rope_type": "dynamic",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": SWITCH,
}
# What the sizes above do not fit, by model_type.
OWN: dict[str, dict[str, Any]] = {
    "phi3": {"partial_rotary_factor": 1.0},
    "phimoe": {"partial_rotary_factor": 1.0},
    "gptj": {"rotary_dim": 8},
    "mamba2": {"num_heads": 8, "head_dim": 16, "expand": 2},
    "llama4_text": {"num_hidden_layers": 4},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "reformer": {"axial_pos_embds": False, "attn_layers": ["local", "lsh"], "hash_seed": 0},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "zamba": {"num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"]},
    "zamba2": {"layers_block_type": ["mamba", "hybrid"]},
    "xmod": {"default_language": "en_XX"},
}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama, dynamic rope": ("llama", {"rope_parameters": DYNAMIC}),
    "llama, longrope": ("llama", {"rope_parameters": LONGROPE}),
    "phi3, longrope": (
        "phi3",
        {"rope_parameters": LONGROPE, "original_max_position_embeddings": SWITCH, "partial_rotary_factor": 1.0},
    ),
}


def sized(kind: str, **own: Any) -> Any:
    """A small configuration of a model_type."""
    from transformers import CONFIG_MAPPING

    config_class = CONFIG_MAPPING[kind]
    names = {name for cls in config_class.__mro__ for name in getattr(cls, "__annotations__", {})}
    names |= set(inspect.signature(config_class).parameters) | set(vars(config_class()))
    nested = {
        name: dict(SMALL)
        for name in ("text_config", "decoder_config")
        if name in getattr(config_class, "sub_configs", {})
    }
    named = {name: value for name, value in SMALL.items() if name in names}
    if "qk_rope_head_dim" in names:
        # The rotary part of a head is a size of its own there.
        named |= {"head_dim": SMALL["qk_rope_head_dim"], "partial_rotary_factor": 1.0, "num_key_value_heads": 4}
    named |= nested | OWN.get(kind, {}) | own
    return config_class(**named)


def build(config: Any) -> Any:
    """A model with weights that make every part of it matter.

    Raises:
        ValueError: It is too large to be tiny.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        size = sum(weight.numel() for weight in AutoModelForCausalLM.from_config(config).parameters())
    if size > MOST_WEIGHTS:
        raise ValueError(f"its smallest configuration here still has {size:,} weights")
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and name.endswith(("weight", "proj", "kernel")):
                weight.normal_(std=1.5 * weight.shape[-1] ** -0.5)
    return model


def texts(count: int) -> list[str]:
    """Texts of mixed length, in pairs on both sides of the switch."""
    whole = [path.read_text(encoding="utf-8") for path in sorted((SAMPLES / "heldout").glob("*.txt"))[:count]]
    return [text[: 60 + 130 * (index % 7)] for index, text in enumerate(whole)]


def own_scores(folder: Path, rows: list[list[int]]) -> list[np.ndarray[Any, Any]]:
    """The model's own log-probabilities of each token after the first, a row at a time, each by a fresh copy."""
    import torch
    from transformers import AutoConfig

    from auditor.models.architectures import auto_class

    opener = auto_class(AutoConfig.from_pretrained(folder))
    model: Any = opener.from_pretrained(folder, dtype=torch.float32).eval()
    scores = []
    with torch.inference_mode():
        for row in rows:
            logits = copy.deepcopy(model)(torch.tensor([row]), use_cache=False).logits[0].double()
            own = torch.log_softmax(logits, 1)[:-1].gather(1, torch.tensor(row[1:])[:, None])[:, 0]
            scores.append(own.numpy())
    return scores


def measure(folder: Path, count: int) -> tuple[str, float, float]:
    """The path used, the largest difference in nats per token, and the seconds that loading and scoring took."""
    from auditor.models.backend import LoadOptions
    from auditor.models.loading import open_model
    from auditor.scoring.plan import Request
    from auditor.scoring.score import score_requests
    from auditor.scoring.store import Store
    from auditor.signals.views import Prompt

    spec = open_model(str(folder), LoadOptions(device="cpu"))
    prompts = [Prompt(text) for text in texts(count)]
    start = time.perf_counter()
    with Store.open(folder / "store") as store:
        scored = score_requests([Request(spec, prompt) for prompt in prompts], store=store).signals
    seconds = time.perf_counter() - start
    backend: Any = spec.load()
    largest = 0.0
    for prompt, signals in zip(prompts, scored, strict=True):
        windows = backend.encode(prompt).windows
        own = own_scores(folder, [window.token_ids.tolist() for window in windows])
        truth = np.concatenate([row[window.context - 1 :] for row, window in zip(own, windows, strict=True)])
        largest = max(largest, float(np.abs(signals.logprob - truth).max()))
    return backend._paths.summary, largest, seconds


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what transformers prints about configurations this small."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stderr(io.StringIO()):
        yield


def one(kind: str, own: Mapping[str, Any], count: int) -> tuple[str, float, float] | str:
    """The row of an architecture, or the reason why it has none."""
    with tempfile.TemporaryDirectory() as temporary, quiet():
        folder = Path(temporary)
        try:
            build(sized(kind, **own)).save_pretrained(folder)
        except Exception as error:
            return f"not built: {type(error).__name__}: {str(error).strip().splitlines()[0][:100]}"
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(SAMPLES / "model" / name, folder)
        try:
            return measure(folder, count)
        except Exception as error:
            return f"not scored: {type(error).__name__}: {str(error).strip().splitlines()[0][:160]}"


def main() -> None:
    """Print the table."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--texts", type=int, default=14)
    options = parser.parse_args()
    kinds = {kind: (kind, dict[str, Any]()) for kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES} | VARIANTS
    without, largest = [], 0.0
    for name, (kind, own) in kinds.items():
        if options.only and name not in options.only:
            continue
        row = one(kind, own, options.texts)
        if isinstance(row, str):
            without.append(f"{name}: {row}")
            continue
        path, difference, seconds = row
        largest = max(largest, difference)
        print(f"| {name} | {path} | {difference:.1e} | {seconds:.1f} |", flush=True)
    print(f"largest difference: {largest:.1e} nats per token")
    print(*without, sep="\n")


if __name__ == "__main__":
    main()
