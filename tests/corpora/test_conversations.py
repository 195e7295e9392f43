"""Conversations and pairs: recognised in every format, rendered by a template, their answers found in the rendering."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.core.errors import UsageError
from auditor.corpora.chat.formats import ChatFormat, ScoreMode
from auditor.corpora.document import Corpus, Document, restore
from auditor.corpora.read import read_corpus

pytestmark = pytest.mark.process
PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</s>\n{% endfor %}"
ASK, SAY, MORE, LAST = "Which planet is nearest?", "Mercury is.", "And the next?", "Venus."
FOUR = [("user", ASK), ("assistant", SAY), ("user", MORE), ("assistant", LAST)]


def chat(template: str | None = PLAIN, score: ScoreMode = "assistant") -> Callable[[], ChatFormat]:
    return lambda: ChatFormat(template, "the test", score, {"eos_token": "</s>"})


def messages(turns: list[tuple[str, str]] = FOUR) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in turns]


def read(
    tmp_path: Path, *rows: Any, template: str | None = PLAIN, score: ScoreMode = "assistant", **more: Any
) -> Corpus:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_corpus(path, chat=chat(template, score), **more)


def one(tmp_path: Path, row: Any, **more: Any) -> Document:
    (document,) = read(tmp_path, row, **more).documents
    return document


def answers(document: Document) -> list[str]:
    assert document.spans is not None
    return [document.text[start:end] for start, end in document.spans]


def refusal(tmp_path: Path, *rows: Any, **more: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, *rows, **more)
    text = f"{caught.value.message} {caught.value.hint}"
    assert not any(said in text for said in (ASK, SAY, MORE, LAST))
    return text


SHAREGPT = [{"from": {"user": "human", "assistant": "gpt"}[role], "value": content} for role, content in FOUR]
PARTS = [{"role": role, "content": [{"type": "text", "text": content}]} for role, content in FOUR]
COLUMNS = {"role": [role for role, _ in FOUR], "content": [content for _, content in FOUR]}


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"messages": messages()}, "messages"),
        ({"messages": PARTS}, "messages"),
        ({"messages": COLUMNS}, "messages"),
        ({"messages": json.dumps(messages())}, "messages"),
        ({"messages": messages(), "prompt": ASK, "completion": "x"}, "messages"),
        ({"conversations": SHAREGPT}, "conversations"),
        ({"prompt": messages()[:3], "completion": messages()[3:]}, "prompt and completion, as messages"),
    ],
)
def test_every_shape_of_a_conversation_is_the_same_text(tmp_path: Path, row: dict[str, Any], shape: str) -> None:
    corpus = read(tmp_path, row)
    (document,) = corpus.documents
    assert corpus.shape == shape
    assert document.text == f"<user>{ASK}</s>\n<assistant>{SAY}</s>\n<user>{MORE}</s>\n<assistant>{LAST}</s>\n"
    assert answers(document) == ([LAST] if "prompt" in shape else [SAY, LAST])
    assert document.wording == "\n".join((ASK, SAY, MORE, LAST))
    restored = restore(document.id, document.stored, document.group, conversation=True)
    assert (restored.sha256, restored.passage, restored.wording) == (
        document.sha256,
        document.passage,
        document.wording,
    )


@pytest.mark.parametrize(
    ("row", "prompt", "joined"),
    [
        ({"prompt": ASK, "completion": SAY}, ASK, ASK + SAY),
        ({"prompt": ASK, "response": SAY}, ASK, f"{ASK}\n\n{SAY}"),
        ({"question": ASK, "answer": SAY}, ASK, f"{ASK}\n\n{SAY}"),
        ({"instruction": MORE, "input": ASK, "output": SAY}, f"{MORE}\n\n{ASK}", f"{MORE}\n\n{ASK}\n\n{SAY}"),
        ({"instruction": ASK, "input": "", "output": SAY}, ASK, f"{ASK}\n\n{SAY}"),
        ({"instruction": ASK, "response": SAY, "context": None}, ASK, f"{ASK}\n\n{SAY}"),
    ],
)
def test_pairs_are_rendered_or_joined(tmp_path: Path, row: dict[str, Any], prompt: str, joined: str) -> None:
    rendered = one(tmp_path, row)
    assert rendered.text == f"<user>{prompt}</s>\n<assistant>{SAY}</s>\n"
    assert answers(rendered) == [SAY]
    plain = one(tmp_path, row, template=None)
    assert (plain.text, answers(plain)) == (joined, [SAY])
    assert one(tmp_path, row, template=None, score="all").spans is None


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_every_reader_of_tables_knows_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data.{suffix}"
    if suffix == "csv":
        with path.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows([("q", "a"), (ASK, SAY)])
        (document,) = read_corpus(path, text_column="q,a", chat=chat()).documents
        assert answers(document) == [SAY]
        return
    if suffix == "json":
        path.write_text(json.dumps([{"messages": messages()}]), encoding="utf-8")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([{"messages": messages(), "n": 1}]), path)
    (document,) = read_corpus(path, chat=chat()).documents
    assert answers(document) == [SAY, LAST]


def test_a_text_column_wins_and_the_conversation_beside_it_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"text": "plain", "messages": messages()}
    with caplog.at_level("WARNING"):
        assert one(tmp_path, row).text == "plain"
    assert "--text-column messages" in caplog.text
    assert answers(one(tmp_path, row, text_column="messages")) == [SAY, LAST]


SYSTEM = ("system", "Be brief.")


def test_what_is_around_the_answers_is_read(tmp_path: Path) -> None:
    document = one(tmp_path, {"messages": messages([SYSTEM, *FOUR, ("user", "Thanks.")])})
    assert answers(document) == [SAY, LAST]
    assert "Be brief." in document.text
    assert "Be brief." not in document.wording
    assert one(tmp_path, {"conversations": SHAREGPT, "system": "Be brief."}).text.startswith("<system>Be brief.")
    untrained = [*messages(FOUR[:1]), {"role": "assistant", "content": SAY, "weight": 0}, *messages(FOUR[2:])]
    assert answers(one(tmp_path, {"messages": untrained})) == [LAST]
    everything = one(tmp_path, {"messages": messages()}, score="all")
    assert (everything.spans, everything.scored) == (None, everything.text)


def test_the_same_words_in_two_turns_are_told_apart(tmp_path: Path) -> None:
    document = one(tmp_path, {"messages": messages([("user", SAY), ("assistant", SAY)])})
    assert document.spans == ((document.text.rindex(SAY), document.text.rindex(SAY) + len(SAY)),)


THINKS = (
    "{% for m in messages %}{% set c = m.content %}"
    "{% if '</think>' in c and not loop.last %}{% set c = c.split('</think>')[-1].lstrip() %}{% endif %}"
    "<{{ m.role }}>{{ c }}{% endfor %}"
)
GENERATES = (
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}"
    "{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}"
)


def test_templates_that_drop_reasoning_or_mark_generations(tmp_path: Path) -> None:
    first, last = f"<think>Hm.</think>\n\n{SAY}", f"<think>So.</think>\n\n{LAST}"
    turns = [("user", ASK), ("assistant", first), ("user", MORE), ("assistant", last)]
    assert answers(one(tmp_path, {"messages": messages(turns)}, template=THINKS)) == [SAY, f"So.</think>\n\n{LAST}"]
    assert answers(one(tmp_path, {"messages": messages()}, template=GENERATES)) == [f"{SAY}</s>", f"{LAST}</s>"]


def test_nested_marks_of_generations_are_one(tmp_path: Path) -> None:
    nested = GENERATES.replace("{{ eos_token }}", "{% generation %}{{ eos_token }}{% endgeneration %}")
    assert nested != GENERATES
    assert answers(one(tmp_path, {"messages": messages()}, template=nested)) == [f"{SAY}</s>", f"{LAST}</s>"]


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("first", [True, False])
def test_rows_without_messages_count_as_empty_in_every_format(
    tmp_path: Path, empty: str | None, suffix: str, first: bool
) -> None:
    column: list[Any] = [json.dumps(messages()) if empty == "" else messages()]
    rows = [{"messages": cell} for cell in ([empty, *column] if first else [*column, empty])]
    path = tmp_path / f"data.{suffix}"
    if suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    corpus = read_corpus(path, chat=chat())
    assert ([answers(document) for document in corpus.documents], corpus.dropped_empty) == ([[SAY, LAST]], 1)


def test_messages_with_nulls_under_the_other_names(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    both = [*({**one, "from": None, "value": None} for one in messages(FOUR[:2]))]
    both += [{"role": None, "content": None, **one} for one in SHAREGPT[2:]]
    pq.write_table(pa.Table.from_pylist([{"messages": both}]), tmp_path / "data.parquet")
    (document,) = read_corpus(tmp_path / "data.parquet", chat=chat()).documents
    assert answers(document) == [SAY, LAST]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"instruction": ASK, "input": [1], "output": SAY}, "column 'input' holds a list, not text"),
        ({"instruction": ASK, "input": {"a": 1}, "output": SAY}, "column 'input' holds an object, not text"),
        ({"messages": [{"content": "x"}]}, "data.jsonl:1: message 1 of column 'messages': it has no role"),
        ({"messages": [{"role": "narrator", "content": SAY}]}, "the role 'narrator' is not known"),
        ({"messages": [SAY]}, "not an object"),
        ({"messages": 3}, "no column 'text'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "'image_url', and only text"),
        ({"messages": [{"role": "user", "content": 3}]}, "a value of type int"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, "'tool_calls', which is not rendered"),
        ({"messages": [{"role": "assistant", "content": SAY, "reasoning_content": ASK}]}, "'reasoning_content'"),
        ({"messages": messages(), "tools": [{"name": "x"}]}, "a list of tools"),
        ({"messages": messages([("user", "\ufdd0"), ("assistant", SAY)])}, "U+FDD0"),
        ({"messages": messages(FOUR[:1])}, "a conversation needs an answer"),
        ({"question": ASK, "answer": SAY, "context": MORE}, "--text-column question,answer"),
        ({"prompt": ASK, "chosen": messages(), "rejected": []}, "--text-column chosen"),
    ],
)
def test_what_cannot_be_rendered_is_refused_without_a_word_of_it(tmp_path: Path, row: Any, wanted: str) -> None:
    assert wanted in refusal(tmp_path, row)


def test_rows_of_two_shapes_and_columns_that_are_not_there(tmp_path: Path) -> None:
    row = {"messages": messages()}
    assert "where the rows before hold conversations (messages)" in refusal(tmp_path, row, {"text": "plain"})
    assert "left out" in refusal(tmp_path, row, text_column="messages.1.content")
    assert "--chat-template" in refusal(tmp_path, row, template=None)
    with pytest.raises(UsageError, match="need the chat template of a model"):
        read_corpus(tmp_path / "data.jsonl")


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        (PLAIN.replace("trim", "upper"), "rewrites what the turns say"),
        ("{% for m in messages if m.role != 'user' %}{{ m.content }}{% endfor %}", "leaves message 1 (user) out"),
        ("{{ raise_exception('Roles must alternate.') }}", "refuses the conversation: Roles must alternate."),
        ("{{ raise_exception('Not ' ~ messages[0].content) }}", "refuses the conversation"),
        ("{{ messages[9].content }}", "fails on the conversation"),
        ("{{ ''.__class__.__mro__ }}", "the sandbox refuses"),
        ("{% for m in messages %}{{ m.content }", "cannot be used"),
        ("{{ messages | pprint }}", "cannot be used"),
        ("{% include 'secret' %}", "fails on"),
    ],
)
def test_templates_that_are_refused(tmp_path: Path, template: str, wanted: str) -> None:
    assert wanted in refusal(tmp_path, {"messages": messages()}, template=template)


_TWICE = "{% set y %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = y %}"
_NESTED = "{% set n = namespace(x=[1]) %}{% for i in range(45) %}{% set n.x = [n.x, n.x] %}{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'a' * 9999999999 }}",
        "{{ [1] * 9999999999 }}",
        "{{ 10 ** 1000000 }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ 'a'.ljust(9999999999) }}",
        "{{ 'aaaaaaaaaaaaaaaaaaaa'.replace('a', 'b' * 9999999) }}",
        "{{ range(99999) | join('a' * 9999) }}",
        "{{ strftime_now('%999999999d') }}",
        "{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{% set n = namespace(x='aaaa') %}" + _TWICE * 60,
        _NESTED + "{{ n.x | tojson }}",
        _NESTED + "{{ n.x == [n.x] }}{{ n.x }}",
        "{% set a = [0] * 10000 %}{% set b = [a] * 10000 %}{{ b | sum(start=[]) }}",
        "{% for i in range(99999) %}{{ range(99999) | sum }}{% endfor %}",
        "{{ (1).to_bytes(3900000000, 'big') }}",
        "{{ 1.5 | round(1000000000, 'ceil') }}",
    ],
)
def test_templates_that_would_never_end_or_fill_the_memory_end(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.corpora.chat.template.MOST_SECONDS", 0.15)
    monkeypatch.setattr("auditor.corpora.chat.template.MOST_MEMORY", 2**28)
    refused = refusal(tmp_path, {"messages": messages()}, template=template)
    assert re.search("is refused|fails on|cannot be used", refused)


def test_many_slow_renderings_end_as_one_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.corpora.chat.template.MOST_SECONDS", 0.5)
    slow = "{% for i in range(50) %}{% set x = range(99999) | sum %}{% endfor %}"
    rows = [{"messages": messages([("user", f"{ASK} {number}"), ("assistant", SAY)])} for number in range(40)]
    assert "seconds of processor time" in refusal(tmp_path, *rows, template=slow + PLAIN)


def test_a_template_after_one_that_was_ended_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.corpora.chat.template.MOST_SECONDS", 0.15)
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    assert "0.15 seconds of processor time" in refusal(tmp_path, {"messages": messages()}, template=endless)
    monkeypatch.undo()
    assert answers(one(tmp_path, {"messages": messages()})) == [SAY, LAST]


def test_a_template_that_asks_for_the_date_gets_the_same_one_on_every_day(tmp_path: Path) -> None:
    document = one(tmp_path, {"messages": messages()}, template="{{ strftime_now('%d %b %Y') }}\n" + PLAIN)
    assert document.text.startswith("26 Jul 2024\n")
    assert answers(document) == [SAY, LAST]


def test_normalising_comes_before_the_rendering(tmp_path: Path) -> None:
    turns = [("user", ASK), ("assistant", SAY.replace(" ", "\u00a0"))]
    assert answers(one(tmp_path, {"messages": messages(turns)}, normalise=True)) == [SAY]
