"""Conversations of an audit: one template a model, both parts seen by the text baseline, markup by no comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.texts import WORDS

from auditor.audit.chat import recorded_format
from auditor.core.errors import UsageError
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.document import Corpus
from auditor.membership.blind.rows import ANSWERS, text_rows
from auditor.membership.cache import CorpusCache
from auditor.membership.chat import read_template
from auditor.report.templating import environment
from auditor.results.chat import ChatPart, ChatSummary
from auditor.results.rows import Rows
from auditor.settings import AuditSettings, make_settings

pytestmark = pytest.mark.process
RULES = "You are a helpful assistant and always answer in whole sentences without lists of any kind. " * 12
Row = dict[str, Any]


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(rng.choice(WORDS, size=count))


def _write(path: Path, make: Callable[[np.random.Generator], Row], seed: int) -> str:
    rng = np.random.default_rng(seed)
    path.write_text("".join(json.dumps(make(rng)) + "\n" for _ in range(12)), encoding="utf-8")
    return str(path)


def _chat(rng: np.random.Generator, end: str = "") -> Row:
    turns = (("system", RULES), ("user", _words(rng, 12)), ("assistant", _words(rng, 12) + end))
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def _format(settings: AuditSettings) -> ChatFormat:
    """A template that differs from model to model."""
    template = "{% for m in messages %}<MODEL {{ m.role }}>{{ m.content }}{% endfor %}".replace("MODEL", settings.model)
    return ChatFormat(template, "the test", settings.score)


def _settings(
    folder: Path, model: str, heldout: Callable[[np.random.Generator], Row] = _chat, **more: Any
) -> AuditSettings:
    suspect = _write(folder / "suspect.jsonl", _chat, 1)
    return make_settings(suspect=suspect, heldout=_write(folder / "heldout.jsonl", heldout, 2), model=model, **more)


def test_each_model_reads_its_own_rendering_and_plain_text_is_shared(tmp_path: Path) -> None:
    cache = CorpusCache(chat=_format)
    first, second = (cache.sides(_settings(tmp_path, model)).suspect for model in ("one", "two"))
    assert ("<one user>" in first.documents[0].text, "<two user>" in second.documents[0].text) == (True, True)
    assert first.sha256 != second.sha256
    assert cache.sides(_settings(tmp_path, "one")).suspect is not second
    everything = cache.sides(_settings(tmp_path, "one", score="all")).suspect
    assert everything.documents[0].text == first.documents[0].text
    assert everything.sha256 != first.sha256
    assert cache.corpus(_plain(tmp_path), _settings(tmp_path, "one")) is cache.corpus(
        _plain(tmp_path), _settings(tmp_path, "two")
    )


def test_models_with_one_template_share_the_texts_and_each_is_where_it_is_from(tmp_path: Path) -> None:
    def own(settings: AuditSettings) -> ChatFormat:
        dated = "{{ strftime_now('%d') }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
        return ChatFormat(dated, f"the tokenizer of {settings.model}", settings.score)

    cache = CorpusCache(chat=own)
    corpora = [cache.sides(_settings(tmp_path, model)).suspect for model in ("one", "two", "one")]
    chats = [corpus.chat for corpus in corpora if corpus.chat is not None]
    assert [chat.origin[-3:] for chat in chats] == ["one", "two", "one"]
    assert all(chat.compiled.dated for chat in chats)
    assert corpora[1].documents == corpora[0].documents


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("\ufeff{{ messages[0].content }}", "{{ messages[0].content }}"),
        (json.dumps({"chat_template": "{{ 1 }}", "bos_token": "<s>"}), "{{ 1 }}"),
        (json.dumps({"chat_template": [{"name": "rag", "template": "x"}, {"name": "default", "template": "y"}]}), "y"),
        (json.dumps({"bos_token": "<s>"}), None),
        (json.dumps({"chat_template": [{"name": "rag", "template": "x"}]}), None),
    ],
)
def test_a_template_out_of_a_configuration(tmp_path: Path, text: str, template: str | None) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(text, encoding="utf-8")
    if template is not None:
        assert read_template(path) == template
        return
    with pytest.raises(UsageError, match="JSON without a chat template"):
        read_template(path)


def _plain(folder: Path) -> str:
    return _write(folder / "plain.jsonl", lambda rng: {"text": _words(rng, 9)}, 3)


def test_both_sides_have_one_shape(tmp_path: Path) -> None:
    def pair(rng: np.random.Generator) -> Row:
        return {"prompt": _words(rng, 9), "completion": _words(rng, 9)}

    with pytest.raises(UsageError, match=r"conversations \(messages\), and .* conversations \(prompt and completion\)"):
        CorpusCache(chat=_format).sides(_settings(tmp_path, "one", pair))


def test_a_long_system_prompt_makes_no_duplicates(tmp_path: Path) -> None:
    sides = CorpusCache(chat=_format).sides(_settings(tmp_path, "one"))
    assert sides.shared == ()
    again = _settings(tmp_path, "one")
    lines = [
        Path(again.suspect).read_text("utf-8").splitlines()[0],
        *Path(again.heldout).read_text("utf-8").splitlines()[1:],
    ]
    Path(again.heldout).write_text("\n".join(lines), encoding="utf-8")
    shared = CorpusCache(chat=_format).sides(again.model_copy(update={"policy": again.policy})).shared
    assert [(document.role, document.index) for document in shared] == [("suspect", 0), ("heldout", 0)]


def test_the_text_baseline_has_columns_of_the_answers(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "one", lambda rng: _chat(rng, end=" And that is all!"))
    sides = CorpusCache(chat=_format).sides(settings)
    corpora: tuple[Corpus, Corpus] = (sides.suspect, sides.heldout)
    groups = tuple(document.group for corpus in corpora for document in corpus.documents)
    suspect = np.array([corpus is sides.suspect for corpus in corpora for _ in corpus.documents])
    rows = text_rows(*corpora, Rows(np.zeros((len(groups), 1)), suspect, groups, ()))
    names = [column.name for column in rows.columns]
    own = [name for name in names if name.startswith(ANSWERS)]
    assert {name.removeprefix(ANSWERS) for name in own} <= set(names)
    assert len(own) > 10
    column = rows.values[:, names.index(f"{ANSWERS}characters-1")]
    assert abs(column[suspect].mean() - column[~suspect].mean()) > column[suspect].std()


def test_what_a_template_writes_is_escaped_in_a_report() -> None:
    bad = "<script>alert(1)</script>"
    chat = ChatSummary(
        shape=bad,
        score="assistant",
        origin=bad,
        template=bad,
        template_sha256="0",
        special_tokens={},
        date=None,
        characters=2,
        characters_scored=1,
        tokens_read=2,
        tokens_scored=1,
        example=(ChatPart(text=bad, scored=True), ChatPart(text=bad, scored=False)),
    )
    section = environment().get_template("sections/chat.html.j2")
    page = section.render(result={"manifest": {"chat": chat}}, chat_sentences=(bad,))
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 4
    settings = make_settings(suspect="a", heldout="b", model="c", score="all")
    assert recorded_format(chat, settings).key == (bad, "all", ())
    with pytest.raises(UsageError):
        recorded_format(None, settings)
