"""Models whose files lie or whose figures are none: told in a line, and nothing of it is kept or written."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.backend import CPU

from auditor.core.errors import AuditorError
from auditor.models.loading import open_model
from auditor.scoring.store import Store


@pytest.fixture
def model(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_model_dir, tmp_path / "model")


def audited(audit: Any, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run the audit with this model in place of its own: its exit code and what it said last."""
    arguments = list(audit.arguments)
    arguments[arguments.index("--model") + 1] = str(model)
    output = tmp_path / "out" / "r.json"
    code = type(audit)(tuple(arguments), {}, 0).run(cache=tmp_path / "cache", output=output)
    assert not output.parent.exists()
    err = capsys.readouterr().err
    assert err.count("auditor: ") == 1
    assert "defect of auditor" not in err
    return code, err[err.index("auditor: ") :]


def with_weight(model: Path, change: Callable[[Any], None]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    change(weights["model.norm.weight"])
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 3e38])
def test_a_model_whose_logits_are_no_numbers(
    audit: Any, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], value: float
) -> None:
    with_weight(model, lambda weight: weight.fill_(value))
    code, said = audited(audit, model, tmp_path, capsys)
    assert code == 4
    assert str(model) in said
    with Store.open(tmp_path / "cache") as store:
        assert store.count() == 0


def test_a_model_that_is_not_a_number_on_some_texts_only(
    audit: Any, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was scored before is whole and stays."""
    import numpy as np

    from auditor.models.runtime.causal import CausalBackend

    make = CausalBackend.__init__

    def small(self: CausalBackend, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.token_budget, self.workers = 200, 1

    monkeypatch.setattr(CausalBackend, "__init__", small)
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    # A token near the end of one text: with attention to the left the tokens before it stay as they are.
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    (suspect,) = (Path(a) for a in audit.arguments if a.endswith("suspect.jsonl"))
    texts = [json.loads(line)["text"] for line in suspect.read_text().splitlines()]
    counts = {t: sum(t in tokenizer(text)["input_ids"] for text in texts) for t in tokenizer(texts[0])["input_ids"]}
    weights["model.embed_tokens.weight"][min(counts, key=lambda token: counts[token])] = float("nan")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    code, said = audited(audit, model, tmp_path, capsys)
    assert code == 4
    assert "NaN" in said
    with Store.open(tmp_path / "cache") as store:
        keys = [key for (key,) in store._connection.execute("SELECT key FROM scores")]
        assert all(np.isfinite(record.logprob).all() for record in store.get_many(keys).values())


def lie(model: Path, edit: Callable[[dict[str, Any], random.Random], None], seed: int = 0) -> None:
    """Change the header of the weights and leave the file's own arithmetic right where the edit does."""
    path = model / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    edit(header, random.Random(seed))
    written = json.dumps(header).encode()
    path.write_bytes(len(written).to_bytes(8, "little") + written + data[8 + length :])


def tensor(header: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    return dict.__getitem__(header, rng.choice(sorted(name for name in header if name != "__metadata__")))


LIES: dict[str, Callable[[dict[str, Any], random.Random], object]] = {
    "shape": lambda h, r: tensor(h, r).update(shape=[7, 7]),
    "more dimensions": lambda h, r: tensor(h, r)["shape"].append(1),
    "a shape of another size": lambda h, r: tensor(h, r)["shape"].append(2),
    "a huge shape": lambda h, r: tensor(h, r).update(shape=[2**40, 2**40]),
    "a shape below zero": lambda h, r: tensor(h, r).update(shape=[-1]),
    "no shape": lambda h, r: tensor(h, r).pop("shape"),
    "number format": lambda h, r: tensor(h, r).update(dtype="F64"),
    "an unknown format": lambda h, r: tensor(h, r).update(dtype="PICKLE"),
    "a format that is no text": lambda h, r: tensor(h, r).update(dtype=["F32"]),
    "overlap": lambda h, r: tensor(h, r).update(data_offsets=tensor(h, r)["data_offsets"]),
    "reversed": lambda h, r: tensor(h, r)["data_offsets"].reverse(),
    "behind the end": lambda h, r: tensor(h, r).update(data_offsets=[0, 10**12]),
    "before the beginning": lambda h, r: tensor(h, r).update(data_offsets=[-4, 0]),
    "offsets that are no numbers": lambda h, r: tensor(h, r).update(data_offsets=["0", "four"]),
    "a tensor too many": lambda h, r: h.update(extra={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}),
    "a tensor less": lambda h, r: h.pop(r.choice(sorted(name for name in h if name != "__metadata__"))),
    "another name": lambda h, r: h.update({"model.evil": h.pop("model.norm.weight")}),
    "metadata": lambda h, r: h.update(__metadata__={"format": "tf"}),
    "metadata that is none": lambda h, r: h.update(__metadata__=[1, 2]),
    "nothing": lambda h, r: h.clear(),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_header_that_lies(model: Path, kind: str) -> None:
    for seed in range(3):
        shutil.copy(model / "model.safetensors", model.parent / "measurements")
        lie(model, lambda header, rng: LIES[kind](header, rng) and None, seed)
        said = ""
        try:
            open_model(str(model), CPU).load().close()
        except AuditorError as error:
            said = error.message
        # A tensor that nobody asks for and a note about its maker do no harm.
        assert said or kind in {"a tensor too many", "metadata", "metadata that is none", "more dimensions"}
        assert not said or str(model) in said
        shutil.copy(model.parent / "measurements", model / "model.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 100, 0.3, 0.999])
def test_weights_that_are_cut_short(
    audit: Any, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], keep: float
) -> None:
    path = model / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep >= 1 or not keep else keep * len(data))])
    code, said = audited(audit, model, tmp_path, capsys)
    assert code == 2
    assert str(path) in said
    assert ("whole" if keep else "an empty file") in said


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_files_nested_without_end(model: Path, name: str) -> None:
    nested = b"[" * 100_000
    (model / name).write_bytes(len(nested).to_bytes(8, "little") + nested if name.startswith("model") else nested)
    with pytest.raises(AuditorError, match="model"):
        open_model(str(model), CPU).load().close()


def test_weights_that_shrink_after_they_were_looked_at(model: Path) -> None:
    spec = open_model(str(model), CPU)
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AuditorError, match="model"):
        spec.load()
