"""Adapters over one base are scored in one copy of its weights, as if each had its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.backend import CPU

from auditor.core.errors import RunError
from auditor.models import hf
from auditor.models.backend import ModelSpec
from auditor.models.loading import open_model
from auditor.scoring.packing import pack_signals
from auditor.scoring.plan import Request
from auditor.scoring.score import Scored, score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture
from auditor.signals.views import Prompt

TEXTS = ["the quick brown fox jumps", "rivers, roads and railways", "seven wizards mix boxes of liquid jugs"]


def made(base: Path, folder: Path, seed: int, **settings: Any) -> Path:
    """An adapter as after training: nothing of it is as it began."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = LoraConfig(**{"r": 2, "task_type": "CAUSAL_LM", "target_modules": ["c_attn"], **settings})
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def base(make_tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "base", architecture="GPT2", tie_word_embeddings=False)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models whose weights were read from files."""
    found: list[str] = []
    load_model = hf.load_model
    monkeypatch.setattr(hf, "load_model", lambda *args, **named: found.append(args[1]) or load_model(*args, **named))
    return found


def ask(specs: Sequence[ModelSpec], folder: Path) -> Scored:
    wanted = Capture(layers=True, top=True)
    with Store.open(folder) as store:
        return score_requests(
            [Request(spec, Prompt(text), wanted=wanted) for spec in specs for text in TEXTS], store=store
        )


def figures(scored: Scored) -> list[tuple[bytes, bytes, bytes]]:
    return [
        (pack_signals(signals), np.asarray(traces.layers).tobytes(), np.asarray(traces.top_logprobs).tobytes())
        for signals, traces in zip(scored.signals, scored.outputs, strict=True)
        if traces is not None
    ]


def apart(specs: Sequence[ModelSpec], folder: Path) -> list[tuple[bytes, bytes, bytes]]:
    """Every model out of weights read for it alone."""
    return [figure for at, spec in enumerate(specs) for figure in figures(ask([spec], folder / str(at)))]


def test_three_adapters_and_their_base_are_one_load(base: Path, tmp_path: Path, loads: list[str]) -> None:
    kinds: list[dict[str, Any]] = [{}, {"use_dora": True}, {"modules_to_save": ["lm_head"], "r": 4}]
    folders = [made(base, tmp_path / f"a{at}", at, **kind) for at, kind in enumerate(kinds)]
    specs = [open_model(str(folder), CPU) for folder in (base, *folders)]
    found = ask(specs, tmp_path / "shared")
    assert loads == [str(base)]
    assert found.computed == 4 * len(TEXTS)
    truth = apart(specs, tmp_path / "apart")
    assert figures(found) == truth
    assert len({signals for signals, _, _ in truth}) == 4 * len(TEXTS)
    # What comes before an adapter leaves no trace in it.
    assert figures(ask([specs[3], specs[0], specs[1], specs[2]], tmp_path / "other")) == [
        *truth[9:],
        *truth[:9],
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("settings", [{"bias": "all"}, {"init_lora_weights": "pissa"}])
def test_what_follows_an_adapter_that_stays_is_read_anew(
    base: Path, tmp_path: Path, loads: list[str], settings: dict[str, Any]
) -> None:
    folders = [
        made(base, tmp_path / "first", 1),
        made(base, tmp_path / "stays", 2, **settings),
        made(base, tmp_path / "last", 3),
    ]
    specs = [open_model(str(folder), CPU) for folder in (*folders, base)]
    found = ask(specs, tmp_path / "shared")
    # The first two, then the last and the base.
    assert loads == [str(base)] * 2
    assert figures(found) == apart(specs, tmp_path / "apart")


def test_adapters_alone_share_too_and_others_do_not(
    base: Path, tmp_path: Path, make_tiny_model: Callable[..., Path], loads: list[str]
) -> None:
    other = make_tiny_model(tmp_path / "other", architecture="GPT2", tie_word_embeddings=False, seed=7)
    folders = [made(base, tmp_path / "a", 1), made(other, tmp_path / "b", 1), made(base, tmp_path / "c", 2)]
    specs = [open_model(str(folder), CPU) for folder in folders]
    found = ask(specs, tmp_path / "shared")
    assert sorted(loads) == sorted([str(base), str(other)])
    assert figures(found) == apart(specs, tmp_path / "apart")


def test_an_adapter_that_cannot_be_taken_off_at_all(
    base: Path, tmp_path: Path, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft.tuners.lora import LoraModel

    def refuse(self: Any) -> Any:
        raise NotImplementedError("this kind cannot be unloaded")

    monkeypatch.setattr(LoraModel, "unload", refuse)
    specs = [open_model(str(made(base, tmp_path / str(at), at)), CPU) for at in range(2)]
    found = ask([*specs, open_model(str(base), CPU)], tmp_path / "shared")
    assert loads == [str(base)] * 2
    assert found.computed == 3 * len(TEXTS)


def test_an_adapter_that_leaves_something_behind_is_noticed(base: Path, tmp_path: Path) -> None:
    from auditor.models.runtime.shared_base import ModelState

    model = hf.load_model(base, "base", "float32", "cpu")
    before = ModelState(model, context=128)
    assert before.equals(model)
    model.register_buffer("left", torch.zeros(1))
    assert not before.equals(model)
    del model.left
    assert before.equals(model)
    model.transformer.h[0] = torch.nn.Sequential(model.transformer.h[0])
    assert not before.equals(model)


def test_a_broken_adapter_in_a_series_is_named(base: Path, tmp_path: Path) -> None:
    good = made(base, tmp_path / "good", 1)
    broken = shutil.copytree(good, tmp_path / "broken")
    config = json.loads((broken / "adapter_config.json").read_text())
    (broken / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["nowhere"]}))
    with pytest.raises(RunError, match=r"cannot load the adapter .*broken"):
        ask([open_model(str(folder), CPU) for folder in (good, broken)], tmp_path / "shared")
