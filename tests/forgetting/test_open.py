"""Opening a series: what cannot be compared is refused, naming both, before anything is scored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.backend import CPU

from auditor.core.errors import UsageError
from auditor.forgetting.open import open_checkpoints
from auditor.models.backend import LoadOptions
from auditor.models.digests import NoMemo
from auditor.models.tokenizing import tokenizer_difference

Maker = Callable[..., Path]


def other_tokenizer(source: Path, to: Path, seed: int) -> Path:
    """The same model with two words of its vocabulary exchanged."""
    shutil.copytree(source, to)
    path = to / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    first, second = sorted(vocabulary, key=lambda token: vocabulary[token])[300 + seed : 302 + seed]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    path.write_text(json.dumps(content))
    return to


def test_the_order_and_names_are_those_given(tmp_path: Path, make_tiny_model: Maker) -> None:
    folders = [make_tiny_model(tmp_path / str(seed), seed=seed) for seed in range(3)]
    series = open_checkpoints(
        [("last", str(folders[2])), ("a", str(folders[0])), ("b", str(folders[1]))], CPU, NoMemo()
    )
    assert [(named.name, named.spec.identity.source) for named in series] == [
        ("last", str(folders[2])),
        ("a", str(folders[0])),
        ("b", str(folders[1])),
    ]


def test_different_tokenizers_are_named(tmp_path: Path, make_tiny_model: Maker) -> None:
    one = make_tiny_model(tmp_path / "one")
    two = other_tokenizer(make_tiny_model(tmp_path / "saved", seed=1), tmp_path / "two", 0)
    with pytest.raises(UsageError, match=r"'origin' .*one.* and 'tuned' .*two.* different tokenizers") as caught:
        open_checkpoints([("origin", str(one)), ("tuned", str(two))], CPU, NoMemo())
    assert "tokens" in caught.value.message
    assert "one tokenizer" in caught.value.hint


def test_a_bos_in_one_only(tmp_path: Path, make_tiny_model: Maker) -> None:
    one, two = make_tiny_model(tmp_path / "one"), make_tiny_model(tmp_path / "two", seed=1, bos=False)
    with pytest.raises(UsageError, match=r"special tokens before a text .*<s> before every window"):
        open_checkpoints([("a", str(one)), ("b", str(two))], CPU, NoMemo())


def test_other_rules_over_the_same_vocabulary(tmp_path: Path, make_tiny_model: Maker) -> None:
    one, two = make_tiny_model(tmp_path / "one"), make_tiny_model(tmp_path / "two", seed=1)
    path = two / "tokenizer.json"
    content = json.loads(path.read_text())
    content["normalizer"] = {"type": "Lowercase"}
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="they cut text differently"):
        open_checkpoints([("a", str(one)), ("b", str(two))], CPU, NoMemo())


def test_a_tokenizer_saved_again_is_the_same(tmp_path: Path, make_tiny_model: Maker) -> None:
    """Training libraries write its files anew, and may add a token for padding."""
    from transformers import AutoTokenizer

    one, two = make_tiny_model(tmp_path / "one"), make_tiny_model(tmp_path / "two", seed=1)
    tokenizer = AutoTokenizer.from_pretrained(two)
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    tokenizer.save_pretrained(two)
    series = open_checkpoints([("a", str(one)), ("b", str(two))], CPU, NoMemo())
    assert len({named.spec.identity.tokenizer_sha256 for named in series}) == 2
    assert tokenizer_difference(*(named.spec.tokenizer() for named in series)) == ""


def test_one_model_under_two_names(tmp_path: Path, make_tiny_model: Maker) -> None:
    one, two = make_tiny_model(tmp_path / "one"), make_tiny_model(tmp_path / "two", seed=1)
    shutil.copytree(one, tmp_path / "copy")
    with pytest.raises(UsageError, match=r"'a' .* and 'c' .* are one and the same model"):
        open_checkpoints([("a", str(one)), ("b", str(two)), ("c", str(tmp_path / "copy"))], CPU, NoMemo())


def test_windows_of_different_length(tmp_path: Path, make_tiny_model: Maker) -> None:
    one = make_tiny_model(tmp_path / "one")
    two = make_tiny_model(tmp_path / "two", seed=1, max_position_embeddings=64)
    named = [("a", str(one)), ("b", str(two))]
    with pytest.raises(UsageError, match=r"'a' .* and 'b' .* 128 and 64 tokens") as caught:
        open_checkpoints(named, CPU, NoMemo())
    assert "--context 64" in caught.value.hint
    assert len(open_checkpoints(named, LoadOptions(device="cpu", max_context=64), NoMemo())) == 2


def test_different_number_formats(tmp_path: Path, make_tiny_model: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.models import hf

    one, two = make_tiny_model(tmp_path / "one"), make_tiny_model(tmp_path / "two", seed=1)
    # As on an accelerator, where weights keep the format they are stored in.
    stored = iter(["bfloat16", "float32"])
    monkeypatch.setattr(hf, "resolve_dtype", lambda *_: next(stored))
    with pytest.raises(UsageError, match="bfloat16 and float32") as caught:
        open_checkpoints([("a", str(one)), ("b", str(two))], CPU, NoMemo())
    assert "--dtype float32" in caught.value.hint


def test_revisions_of_hub_models(tmp_path: Path, make_tiny_model: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    commits = {revision: make_tiny_model(tmp_path / f"c{revision}", seed=at) for at, revision in enumerate("xy")}
    asked = []

    def cached(name: str, **options: str) -> str:
        asked.append((name, options["revision"]))
        return str(commits[options["revision"]])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    given = LoadOptions(device="cpu", revision="x")
    series = open_checkpoints([("a", "owner/model"), ("b", "owner/model@y")], given, NoMemo())
    assert {("owner/model", "x"), ("owner/model", "y")} == set(asked)
    assert [named.spec.identity.source for named in series] == ["owner/model"] * 2
    assert [named.spec.identity.revision for named in series] == ["cx", "cy"]


def test_a_folder_may_have_an_at_in_its_name(tmp_path: Path, make_tiny_model: Maker) -> None:
    one, two = make_tiny_model(tmp_path / "m@1"), make_tiny_model(tmp_path / "m@2", seed=1)
    series = open_checkpoints([("a", str(one)), ("b", str(two))], CPU, NoMemo())
    assert series[1].spec.identity.source == str(two)
    with pytest.raises(UsageError, match="m@3 does not exist"):
        open_checkpoints([("a", str(one)), ("b", str(tmp_path / "m@3"))], CPU, NoMemo())
