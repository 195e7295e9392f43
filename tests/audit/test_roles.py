"""A source that is not what it is named for is told before anything is read or scored."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from support.paths import SAMPLES

from auditor.audit.open import open_audit
from auditor.audit.roles import require_roles
from auditor.core.errors import UsageError
from auditor.membership.cache import CorpusCache
from auditor.membership.chat import chat_format
from auditor.models.digests import NoMemo
from auditor.settings import make_series_settings, make_settings

SUSPECT, HELDOUT, MODEL = (str(SAMPLES / name) for name in ("suspect", "heldout", "model"))


def refusal(suspect: str = SUSPECT, heldout: str = HELDOUT, model: str = MODEL, **settings: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        require_roles(make_settings(suspect=suspect, heldout=heldout, model=model, **settings))
    assert caught.value.hint
    return caught.value


def test_sources_in_their_roles() -> None:
    require_roles(make_settings(suspect=SUSPECT, heldout=HELDOUT, model=MODEL, references=(MODEL,)))


def test_a_model_as_documents() -> None:
    error = refusal(suspect=MODEL)
    assert f"{MODEL} is a model (it holds config.json and model.safetensors), and no documents" in error.message
    assert "--model" in error.hint
    assert "is a model" in refusal(heldout=MODEL).message


def test_documents_as_a_model() -> None:
    assert "is a folder of documents" in refusal(model=HELDOUT).message
    assert "and no model" in refusal(references=(HELDOUT,)).message


def test_exchanged() -> None:
    error = refusal(suspect=MODEL, model=SUSPECT)
    assert error.hint == f"The suspect set and the model seem to be swapped: {SUSPECT} is documents."


def test_in_a_series() -> None:
    def settings(general: str, last: str) -> Any:
        series = {"checkpoints": (("a", MODEL), ("b", last)), "general": general}
        return make_series_settings(suspect=SUSPECT, heldout=HELDOUT, series=series)

    with pytest.raises(UsageError, match="is a model"):
        require_roles(settings(MODEL, MODEL))
    with pytest.raises(UsageError, match="and no model"):
        require_roles(settings(str(SAMPLES / "none"), HELDOUT))
    with pytest.raises(UsageError, match="the suspect set and the general set are the same"):
        require_roles(settings(SUSPECT, MODEL))


def test_the_same_set_twice(tmp_path: Path) -> None:
    assert "the suspect set and the held-out set are the same" in refusal(heldout=SUSPECT).message
    link = tmp_path / "link"
    link.symlink_to(SUSPECT)
    assert "are the same" in refusal(heldout=str(link)).message
    assert "are the same" in refusal(heldout=f"{SUSPECT}/../suspect").message


def test_what_the_guards_will_refuse_is_said_before_anything_is_scored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened(Exception):
        """The model is opened, which may take long."""

    def opened(*_: object) -> None:
        raise Opened

    monkeypatch.setattr("auditor.audit.open.open_models", opened)

    for side, end in (("s", "\r\n"), ("h", "\n")):
        (tmp_path / side).mkdir()
        for number in range(20):
            (tmp_path / side / f"{number}.txt").write_text(f"text {number} of {side}{end}", newline="")
    settings = make_settings(suspect=str(tmp_path / "s"), heldout=str(tmp_path / "h"), model=MODEL)
    with caplog.at_level(logging.WARNING), pytest.raises(Opened):
        open_audit(settings, NoMemo(), CorpusCache())
    few, encoding = (record.getMessage() for record in caplog.records)
    assert "20 suspect and 20 held-out groups, where each side needs 30" in few
    assert "20 of 20 suspect and 0 of 20 held-out groups have line ends other than line feeds" in encoding
    caplog.clear()
    with pytest.raises(Opened):
        open_audit(settings.model_copy(update={"normalise": True}), NoMemo(), CorpusCache())
    assert len(caplog.records) == 1


@pytest.mark.parametrize("role", ["suspect", "heldout", "model", pytest.param("tokenizer", marks=pytest.mark.model)])
def test_a_text_in_the_place_of_a_path_is_no_such_file(role: str) -> None:
    text = "It was the best of times, it was the worst of times. " * 20
    sources: dict[str, Any] = {"suspect": SUSPECT, "heldout": HELDOUT, "model": MODEL, role: text}
    with pytest.raises(UsageError, match="no such file or folder") as caught:
        open_audit(make_settings(**sources), NoMemo(), CorpusCache())
    assert text[20:80] not in str(caught.value)


def test_a_text_in_the_place_of_a_template_is_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    settings = make_settings(
        suspect=str(tmp_path / "a.jsonl"), heldout=HELDOUT, model=MODEL, chat_template="text " * 99
    )
    with pytest.raises(UsageError, match=r"named by --chat-template.*no such file or folder"):
        chat_format(settings)
