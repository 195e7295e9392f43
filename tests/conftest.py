"""Tiny models of random weights, made once per run in a temporary folder."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.drawings import _drawings, drawn_anew  # noqa: F401
from support.no_skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401
from support.quick import (  # noqa: F401
    mark_models,
    pytest_configure,
    pytest_ignore_collect,
    pytest_runtest_call,
)
from support.samples import SampleAudits

WORDS = (
    "the quick brown fox jumps over the lazy dog while seven wizards mix boxes of liquid jugs and nobody in the old "
    "harbour town remembers who first drew the map of rivers, roads and railways that hangs in the town hall"
)


def _save_tokenizer(folder: Path, *, bos: bool, eos_too: bool = False) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS] * 4, trainer)
    if bos:
        end = " </s>" if eos_too else ""
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"<s> $A{end}", special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    return len(fast)


def _save_model(
    folder: Path,
    *,
    seed: int = 0,
    bos: bool = True,
    eos_too: bool = False,
    architecture: str = "Llama",
    vocabulary: int | None = None,
    **config: Any,
) -> Path:
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    size = _save_tokenizer(folder, bos=bos, eos_too=eos_too)
    settings = {
        "vocab_size": vocabulary or size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 1,
        # Large enough that random weights give distributions that are far from flat.
        "initializer_range": 0.3,
        **config,
    }
    made = getattr(transformers, f"{architecture}Config")(**settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, "GPT2LMHeadModel" if architecture == "GPT2" else f"{architecture}ForCausalLM")(
            made
        )
    model.save_pretrained(folder)
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with tests on the bundled samples first: they take longest, and a file is the work of one process."""
    # It takes seconds to read the source of every test: only a selection by these markers needs it.
    if any(marker in config.option.markexpr for marker in ("model", "process")):
        mark_models(items)
    long = {item.path for item in items if "sample_cache" in getattr(item, "fixturenames", ())}
    # The series scores for most of a minute and the other files on the samples would wait for it, so that the other
    # process has two that share nothing before them.
    ahead = ("test_samples_series.py", "relearn/test_run.py", "batch/test_running.py")

    def turn(path: Path) -> int:
        turns = (index for index, name in enumerate(ahead) if path.as_posix().endswith(f"/{name}"))
        return next(turns, len(ahead) + (path not in long))

    items.sort(key=lambda item: turn(item.path))


@pytest.fixture(scope="module", autouse=True)
def _settled_heap() -> None:
    """Leave what is imported by now out of later collections: a model that is closed collects the whole heap."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., Path]:
    """Save a random model of few weights: `make_tiny_model(folder, seed=0, bos=True, architecture="Llama", ...)`."""
    return _save_model


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of 2 layers, width 32, 128 positions, about 400 tokens, BOS added."""
    folder = _save_model(tmp_path_factory.mktemp("tiny"))
    gc.freeze()
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with everything that the configurations of batches name in tests."""
    from support.configuration import place

    monkeypatch.chdir(place(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One score store for all tests on the bundled samples and all processes, so that their texts are scored once."""
    shared = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own below that of the run.
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "sample-scores"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sample_audits(sample_cache: Path) -> SampleAudits:
    """Audits of the bundled samples, each run once for all tests and processes."""
    return SampleAudits(sample_cache)


def _write_documents(path: Path, seed: int, count: int) -> Path:
    import numpy as np

    words = WORDS.replace(",", "").split()
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(words, size=int(rng.integers(20, 40)))) for _ in range(count)]
    # A short text has no value of some features, and the first one stands on both sides.
    texts[:2] = ["the quick brown fox hangs in the town hall over the map", "jugs"]
    lines = [json.dumps({"text": text.capitalize()}) for text in texts]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def audit_folder(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> Path:
    """A folder with suspect.jsonl, heldout.jsonl, `model`, `older` and the result of an audit of them.

    It has every kind of field: a reference, a procedure, excerpts, missing values, documents on both sides.
    """
    from auditor.audit.run import run_audit
    from auditor.report.renderer import write_outputs
    from auditor.settings import make_options, make_settings

    folder = tmp_path_factory.mktemp("audit")
    settings = make_settings(
        suspect=str(_write_documents(folder / "suspect.jsonl", 1, 16)),
        heldout=str(_write_documents(folder / "heldout.jsonl", 2, 14)),
        model=str(make_tiny_model(folder / "model")),
        references=(str(make_tiny_model(folder / "older", seed=1)),),
        features="single-pass",
        procedures=("llm-di",),
        permutations=99,
        reveal=True,
    )
    result = run_audit(settings, make_options(cache_dir=str(folder / "cache"), name="a small one"))
    write_outputs(result, [folder / "result.json"])
    return folder


@pytest.fixture(scope="session")
def small(audit_folder: Path) -> Any:
    """The result of that audit, read back from its file."""
    from auditor.results.result import AuditResult

    return AuditResult.model_validate_json((audit_folder / "result.json").read_bytes())
