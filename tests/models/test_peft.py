"""Adapters are scored unmerged, and switched off they are their base, or it is loaded by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.backend import CPU

from auditor.core.errors import UsageError
from auditor.models.loading import open_model, open_models
from auditor.scoring.plan import Request
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.views import Prompt

TEXTS = ["the quick brown fox jumps", "rivers, roads and railways", "seven wizards mix boxes of liquid jugs"]


@pytest.fixture(scope="module")
def adapter(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    base = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(base, config).save_pretrained(folder)
    return folder


def spoil(adapter: Path, to: Path, **changes: object) -> Path:
    shutil.copytree(adapter, to)
    path = to / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return to


def test_the_base_is_a_reference_for_nothing(adapter: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    models = open_models(str(adapter), [], CPU)
    assert models.target.identity.kind == "peft"
    assert [spec.identity.key for spec in models.references] == [open_model(str(tiny_model_dir), CPU).identity.key]
    assert models.references == open_models(str(adapter), [str(tiny_model_dir)], CPU).references


def test_scores_with_and_without_the_adapter(
    adapter: Path, tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor.models import hf

    loads = []
    load_model = hf.load_model
    monkeypatch.setattr(hf, "load_model", lambda *args, **named: loads.append(args[1]) or load_model(*args, **named))
    models = open_models(str(adapter), [], CPU)
    base = models.references[0]
    requests = [Request(spec, Prompt(text)) for text in TEXTS for spec in (base, models.target)]
    with Store.open(tmp_path / "a") as store:
        shared = score_requests(requests, store=store).signals
    assert len(loads) == 1
    with Store.open(tmp_path / "b") as store:
        plain = score_requests(
            [Request(open_model(str(tiny_model_dir), CPU), Prompt(text)) for text in TEXTS], store=store
        )
    for at, alone in enumerate(plain.signals):
        np.testing.assert_array_equal(shared[2 * at].logprob, alone.logprob)
        assert np.abs(shared[2 * at + 1].logprob - alone.logprob).max() > 0.1


def made(base: Path, folder: Path, **settings: Any) -> Path:
    """An adapter as after training: its weights, and whatever else is trained with it, are not as they began."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=2, task_type="CAUSAL_LM", **settings)
        )
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("settings", "shared"),
    [
        ({"target_modules": ["c_attn"]}, True),
        ({"target_modules": ["c_attn"], "modules_to_save": ["lm_head"]}, True),
        ({"target_modules": ["c_attn"], "use_dora": True}, True),
        ({"target_modules": ["c_attn"], "bias": "all"}, False),
        ({"target_modules": ["c_attn"], "bias": "lora_only"}, False),
        ({"target_modules": ["c_attn"], "init_lora_weights": "pissa"}, False),
        ({"target_modules": ["q_proj"], "init_lora_weights": "olora"}, False),
        ({"target_modules": ["q_proj"], "layer_replication": [[0, 2], [0, 2]]}, False),
    ],
)
def test_only_what_can_be_switched_off_plays_the_base(
    make_tiny_model: Callable[..., Path], tmp_path: Path, settings: dict[str, Any], shared: bool
) -> None:
    kind = "GPT2" if settings["target_modules"] == ["c_attn"] else "Llama"
    # With a head of its own, which an adapter may replace.
    source = make_tiny_model(tmp_path / "base", architecture=kind, tie_word_embeddings=False)
    spec = open_model(str(made(source, tmp_path / "adapter", **settings)), CPU)
    assert spec.base is not None
    backend = spec.load()
    assert (backend.sibling(spec.base) is not None) == shared
    backend.close()

    requests = [Request(model, Prompt(text)) for text in TEXTS for model in (spec.base, spec)]
    truth = open_model(str(source), CPU)
    with Store.open(tmp_path / "a") as store:
        found = score_requests(requests, store=store).signals
        # What was kept for the base is what a later audit of the base itself finds.
        again = score_requests([Request(truth, Prompt(text)) for text in TEXTS], store=store)
    assert (again.computed, again.from_store) == (0, len(TEXTS))
    with Store.open(tmp_path / "b") as store:
        plain = score_requests([Request(truth, Prompt(text)) for text in TEXTS], store=store).signals
    for at, alone in enumerate(plain):
        np.testing.assert_array_equal(again.signals[at].logprob, alone.logprob)
        assert np.abs(found[2 * at + 1].logprob - alone.logprob).max() > 0.01


def test_weights_changed_where_no_token_was_tried_are_noticed(adapter: Path, tiny_model_dir: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from auditor.models.runtime.shared_base import ModelState

    inner = AutoModelForCausalLM.from_pretrained(tiny_model_dir).eval()
    before = ModelState(inner, context=128)
    model = PeftModel.from_pretrained(inner, str(adapter)).eval()
    assert before.present_in(model, model.disable_adapter)
    tried = {token for row in before._rows for token in row}
    unseen = next(token for token in range(100) if token not in tried)
    with torch.no_grad():
        inner.get_input_embeddings().weight[unseen] += 1
    assert not before.present_in(model, model.disable_adapter)


def test_the_revision_of_the_base_is_the_one_named(
    adapter: Path, tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    commit, asked = shutil.copytree(tiny_model_dir, tmp_path / "0123abc"), set()

    def cached(name: str, **options: Any) -> str:
        asked.add((name, options["revision"]))
        return str(commit)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    other = spoil(adapter, tmp_path / "other", base_model_name_or_path="owner/model", revision="v2")
    spec = open_model(str(other), CPU)
    assert spec.base is not None
    assert (spec.base.identity.source, spec.base.identity.revision) == ("owner/model", "0123abc")
    spec.load().close()
    spec.base.load().close()
    assert asked == {("owner/model", "v2")}


def test_the_revision_of_a_base_that_is_a_folder_means_nothing(adapter: Path, tmp_path: Path) -> None:
    spec = open_model(str(spoil(adapter, tmp_path / "other", revision="v2")), CPU)
    assert spec.base is not None
    assert spec.base.options.revision is None
    assert spec.base.identity.key == open_model(str(adapter), CPU).base.identity.key  # type: ignore[union-attr]


def test_the_adapter_is_what_peft_computes(adapter: Path, tiny_model_dir: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    backend = open_model(str(adapter), CPU).load()
    (window,) = backend.encode(Prompt(TEXTS[0])).windows
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model_dir), adapter).eval()
    ids = torch.tensor([window.token_ids.tolist()])
    with torch.inference_mode():
        logp = torch.log_softmax(model(input_ids=ids).logits[0].double(), 1)
    truth = logp[:-1].gather(1, ids[0, 1:, None])[:, 0].numpy()
    np.testing.assert_allclose(backend.score([window])[0].logprob, truth, atol=1e-4)


def test_the_adapters_weights_are_in_its_key(adapter: Path, tmp_path: Path) -> None:
    before = open_model(str(adapter), CPU).identity
    other = spoil(adapter, tmp_path / "other", lora_alpha=99)
    assert open_model(str(other), CPU).identity.key != before.key
    assert before.weights_sha256 != open_model(str(adapter), CPU).base.identity.weights_sha256  # type: ignore[union-attr]


def test_pickled_adapters_are_refused(adapter: Path, tmp_path: Path) -> None:
    other = spoil(adapter, tmp_path / "other")
    (other / "adapter_model.safetensors").rename(other / "adapter_model.bin")
    with pytest.raises(UsageError, match="pickle"):
        open_model(str(other), CPU)


def test_nothing_leads_to_a_pickle(adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = "adapter_model.safetensors"
    monkeypatch.setattr(torch, "load", lambda *args, **named: pytest.fail("a pickle was read"))
    other = spoil(adapter, tmp_path / "other")
    (other / "adapter_model.bin").write_bytes(b"not looked at")
    open_model(str(other), CPU).load().close()
    # PEFT knows no index, and would read the pickle.
    (other / weights).rename(other / "shard.safetensors")
    (other / f"{weights}.index.json").write_text(json.dumps({"weight_map": {"x": "shard.safetensors"}}))
    with pytest.raises(UsageError, match=r"pickle \(adapter_model\.bin\)") as caught:
        open_model(str(other), CPU)
    assert "save_pretrained" in caught.value.hint
    (other / "adapter_model.bin").unlink()
    with pytest.raises(UsageError, match="the only name PEFT reads"):
        open_model(str(other), CPU)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "PREFIX_TUNING"),
        ({"task_type": "SEQ_CLS"}, "SEQ_CLS"),
        ({"base_model_name_or_path": None}, "names no base"),
        ({"base_model_name_or_path": "./gone"}, "does not exist"),
    ],
)
def test_adapters_that_cannot_be_audited(
    adapter: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_model(str(spoil(adapter, tmp_path / "other", **changes)), CPU)


def test_a_base_beside_the_adapter_is_found(
    adapter: Path, tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder `base` beside the current directory would be taken first.
    (tmp_path / "elsewhere" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere" / "here")
    other = spoil(adapter, tmp_path / "other", base_model_name_or_path="../base")
    shutil.copytree(tiny_model_dir, tmp_path / "base")
    spec = open_model(str(other), CPU)
    assert spec.base is not None
    assert spec.base.identity.key == open_model(str(tiny_model_dir), CPU).identity.key
