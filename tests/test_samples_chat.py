"""The bundled conversations have known truth: their adapter was tuned on the answers of one side, its base on none."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.paths import SAMPLES

from auditor.cli.main import run
from auditor.report.chat import chat_sentences
from auditor.report.json_ import JSON
from auditor.report.templating import environment
from auditor.results.io import load_result, with_content_digest
from auditor.results.result import AuditResult
from auditor.verify.check import Check
from auditor.verify.checks.conversations import conversations
from auditor.verify.checks.data import data
from auditor.verify.checks.models import models
from auditor.verify.rescore import mismatches
from auditor.verify.subject import Subject
from auditor.verify.unproven import is_unproven

SIDES = {side: str(SAMPLES / "chat" / f"{side}.jsonl") for side in ("suspect", "heldout")}
TEMPLATE = SAMPLES / "chat/adapter/chat_template.jinja"


@dataclass(frozen=True)
class Audited:
    """One audit of the adapter, that its tests share."""

    code: int
    path: Path
    cache: Path

    @property
    def result(self) -> AuditResult:
        return load_result(self.path)

    def check(self, output: Path, model: str, *more: str) -> int:
        shared = "--limit 30 --context 160 --features single-pass --permutations 999 --cache-dir".split()
        return run(
            [
                "check",
                *SIDES.values(),
                "--model",
                str(SAMPLES / model),
                *shared,
                str(self.cache),
                "-o",
                str(output),
                *more,
            ]
        )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    folder = tmp_path_factory.mktemp("chat")
    audit = Audited(0, folder / "result.json", folder)
    code = audit.check(audit.path, "chat/adapter", "--reveal")
    return Audited(code, audit.path, folder)


def test_the_tuned_adapter_is_told_from_its_base(audited: Audited, tmp_path: Path) -> None:
    verdict = audited.result.verdict
    assert (audited.code, verdict.outcome, verdict.grade) == (1, "EVIDENCE", "controlled")
    code = audited.check(tmp_path / "base.json", "model", "--chat-template", str(TEMPLATE))
    assert code != 1
    base = load_result(tmp_path / "base.json")
    assert base.verdict.outcome != "EVIDENCE"
    assert base.manifest.texts_scored == 0
    assert {document.sha256 for document in base.documents} == {
        document.sha256 for document in audited.result.documents
    }


def test_what_is_scored_is_said_and_shown(audited: Audited, capsys: pytest.CaptureFixture[str]) -> None:
    chat = audited.result.manifest.chat
    assert chat is not None
    assert (chat.shape, chat.score, chat.template) == ("messages", "assistant", TEMPLATE.read_text(encoding="utf-8"))
    assert 0.5 < chat.characters_scored / chat.characters < 0.9
    assert 0.5 < chat.tokens_scored / chat.tokens_read < 0.9
    assert [part.text for part in chat.example if part.scored] == ["Mercury is.", "Venus."]
    section = environment().get_template("sections/chat.html.j2")
    assert "<mark>Mercury is.</mark>" in section.render(result=audited.result, chat_sentences=chat_sentences(chat))
    run(["report", str(audited.path)])
    assert "answers are scored" in " ".join(capsys.readouterr().out.split())


def test_marks_show_the_answers_alone(audited: Audited) -> None:
    with Path(SIDES["suspect"]).open(encoding="utf-8") as lines:
        said = {
            row["id"]: "".join(turn["content"] for turn in row["messages"] if turn["role"] == "assistant")
            for row in map(json.loads, lines)
        }
    marked = [document for document in audited.result.documents if document.marks]
    assert marked
    for document in marked:
        text = "".join(mark.text for mark in document.marks or ())
        assert any(answer.startswith(text) for answer in said.values())
        assert document.excerpt is not None
        assert document.excerpt.startswith("<|bos|>User: ")


def test_it_can_be_verified_with_its_documents_and_from_a_bundle(audited: Audited, tmp_path: Path) -> None:
    data = [f"--data={side}={path}" for side, path in SIDES.items()]
    assert run(["verify", str(audited.path), *data]) == 0
    bundle = tmp_path / "audit.zip"
    assert run(["bundle", str(audited.path), "--reveal", "-o", str(bundle)]) == 0
    with zipfile.ZipFile(bundle) as files:
        text, spans, turns = json.loads(files.read("texts/suspect/000001.txt"))
    assert all(text[start:end] for start, end in (*spans, *turns))
    assert run(["verify", str(bundle)]) == 0
    changed = tmp_path / "suspect.jsonl"
    changed.write_text(Path(SIDES["suspect"]).read_text(encoding="utf-8").replace("user", "assistant", 1), "utf-8")
    assert run(["verify", str(audited.path), f"--data=suspect={changed}", data[1]]) != 0


def test_a_new_digest_hides_nothing_of_the_conversations_that_is_given_again(audited: Audited) -> None:
    """Each field is found by what proves it, and listed as long as that is not given."""
    result = audited.result
    chat = result.manifest.chat
    assert chat is not None
    assert chat.template is not None

    def answers(known: tuple[Check, ...], update: dict[str, Any], **more: Any) -> set[str]:
        forged = with_content_digest(
            result.model_copy(
                update={"manifest": result.manifest.model_copy(update={"chat": chat.model_copy(update=update)})}
            )
        )
        subject = Subject(forged, JSON.render(forged).encode(), **more)
        given = [answer for answer in (one.ask(subject) for one in known) if answer is not None]
        return {difference.path for answer in given for difference in answer.differences}

    def paths(*names: str) -> set[str]:
        return {f"manifest.chat.{name}" for name in names}

    marked = tuple(part.model_copy(update={"scored": not part.scored}) for part in chat.example)
    proven = {"origin": "x", "score": "all", "template_sha256": "0" * 64, "characters": 1, "tokens_scored": 1}
    assert answers((conversations,), {**proven, "example": marked}) == paths(*proven, "example")
    assert answers((conversations,), {}) == set()
    template = chat.template + "{# another #}"
    unproven = {
        "template": template,
        "template_sha256": hashlib.sha256(template.encode()).hexdigest(),
        "special_tokens": {**chat.special_tokens, "x_token": "x"},
    }
    of_data = {"shape": "conversations", "date": "2024-07-26", "characters_scored": chat.characters_scored + 1}
    assert answers((conversations,), {**unproven, **of_data, "tokens_read": 1}) == set()
    assert all(is_unproven(path) for path in paths(*unproven, "special_tokens.x_token", *of_data, "tokens_read"))
    assert not any(
        is_unproven(path) for path in paths("origin", "score", "characters", "tokens_scored", "example[0].text")
    )
    assert answers((data,), of_data, data=SIDES) == paths(*of_data)
    adapter = {"target": str(SAMPLES / "chat/adapter")}
    assert answers((models,), unproven, models=adapter) == paths("template", "special_tokens")
    subject = Subject(result, b"", models=adapter)
    assert "tokenizer" in subject.available
    read = result.model_copy(
        update={"manifest": result.manifest.model_copy(update={"chat": chat.model_copy(update={"tokens_read": 1})})}
    )
    assert [difference.path for difference in mismatches(read, result)] == ["chat.tokens_read"]
