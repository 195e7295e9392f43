"""Which columns of a row hold a conversation or a pair, and its turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.core.errors import UsageError
from auditor.core.text import quoted
from auditor.corpora.chat.turns import ASSISTANT, SYSTEM, USER, Turn, read_turns
from auditor.corpora.document import TEXT
from auditor.corpora.reader import RawRow, UnreadableCell

Cells = Mapping[str, object]

LISTS = ("messages", "conversations", "conversation")
"""Columns that hold a list of messages."""


@dataclass(frozen=True, slots=True)
class PairColumns:
    """Columns of a prompt and its answer.

    Attributes:
        prompt: Column of the prompt.
        answer: Column of the answer.
        more: Column of a further part of the prompt, which a row may lack.
        gap: What is between the parts where no template puts them together.
    """

    prompt: str
    answer: str
    more: str | None = None
    gap: str = "\n\n"

    @property
    def name(self) -> str:
        """The two columns, for people."""
        return f"{self.prompt} and {self.answer}"


PAIRS = (
    PairColumns("prompt", "completion", gap=""),
    PairColumns("prompt", "response"),
    PairColumns("instruction", "output", "input"),
    PairColumns("instruction", "response", "context"),
    PairColumns("question", "answer"),
    PairColumns("question", "response"),
)
# A question about a passage of its own, or with choices, is more than these two columns.
_MORE_THAN_A_QUESTION = frozenset({"context", "passage", "article", "document", "choices", "options", "story"})
_KINDS: tuple[tuple[type, str], ...] = ((list, "a list"), (dict, "an object"), (bytes, "bytes"))
_SYSTEM = ("system", "system_prompt")
_TOOLS = ("tools", "functions")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation before it is text.

    Attributes:
        shape: What the columns are, for people; rows of one audit share it.
        turns: Its turns.
        gap: What is between the parts of a pair where no template puts them together; None where one is needed.
        where: Position of the row.
    """

    shape: str
    turns: tuple[Turn, ...]
    gap: str | None
    where: str


def columns_read(row: RawRow, column: str) -> tuple[str, ...]:
    """The columns that hold the conversation of a row; none where it is text.

    Args:
        row: The row.
        column: The text column of the settings. `text`, the default, leaves it to the names of the columns; two names
            with a comma between them are prompt and answer; a column with a list of messages is a conversation.
    """
    cells = row.content
    if isinstance(cells, str):
        return ()
    if column in cells:
        return (column,) if isinstance(cells[column], UnreadableCell) and _has_messages(cells[column]) else ()
    named = _named_pair(cells, column)
    if named is not None:
        return named.prompt, named.answer
    return (_by_name(cells) or _empty(cells)) if column == TEXT else ()


def unused_conversation(row: RawRow, column: str) -> tuple[str, ...]:
    """The columns of a conversation that a row has beside the text that is read."""
    return _by_name(row.content) if not isinstance(row.content, str) and column == TEXT in row.content else ()


def read_conversation(row: RawRow, columns: tuple[str, ...]) -> Conversation:
    """The conversation of a row.

    Raises:
        UsageError: It cannot be rendered as text; the message names file and line, and holds no text of the data.
    """
    cells = row.content
    if isinstance(cells, str):
        raise TypeError("a row without columns holds no conversation")
    if any(_filled(cells.get(name)) for name in _TOOLS):
        raise UsageError(
            f"{row.where}: the conversation comes with a list of tools, which is not rendered",
            hint="Leave such conversations out, or write the tools into the system prompt as the model read them.",
        )
    if len(columns) == 1:
        turns, shape, gap = read_turns(cells[columns[0]], row.where, f"column {quoted(columns[0])}"), columns[0], None
    else:
        turns, shape, gap = _pair(row, cells, columns)
    system = next((cells[name] for name in _SYSTEM if name in cells), None)
    if isinstance(system, str) and system.strip() and all(turn.role != SYSTEM for turn in turns):
        turns = (Turn(SYSTEM, system, answer=False), *turns)
    return Conversation(shape, turns, gap, row.where)


def _pair(row: RawRow, cells: Cells, columns: tuple[str, ...]) -> tuple[tuple[Turn, ...], str, str | None]:
    pair = next((pair for pair in PAIRS if (pair.prompt, pair.answer) == columns), PairColumns(*columns))
    for name in columns:
        if name not in cells:
            raise UsageError(
                f"{row.where}: no column {quoted(name)}", hint="Every row of a side needs the same columns."
            )
    prompt, answer = cells[pair.prompt], cells[pair.answer]
    if isinstance(prompt, UnreadableCell) or isinstance(answer, UnreadableCell):
        before = _some_turns(prompt, row.where, pair.prompt, USER)
        after = _some_turns(answer, row.where, pair.answer, ASSISTANT)
        turns = (*(Turn(turn.role, turn.content, answer=False) for turn in before), *after)
        return turns, f"{pair.name}, as messages", None
    more = "" if pair.more is None else _text(cells.get(pair.more), row.where, pair.more)
    parts = [part for part in (_text(prompt, row.where, pair.prompt), more) if part.strip()]
    said = _text(answer, row.where, pair.answer)
    return (Turn(USER, "\n\n".join(parts), answer=False), Turn(ASSISTANT, said, answer=True)), pair.name, pair.gap


def _some_turns(cell: object, where: str, column: str, role: str) -> tuple[Turn, ...]:
    if isinstance(cell, str):
        return (Turn(role, cell, answer=role == ASSISTANT),)
    return read_turns(cell, where, f"column {quoted(column)}")


def _text(cell: object, where: str, column: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    value = cell.load() if isinstance(cell, UnreadableCell) else cell
    if value is None or value == []:
        return ""
    kind = next((word for type_, word in _KINDS if isinstance(value, type_)), f"a value of type {type(value).__name__}")
    raise UsageError(
        f"{where}: column {quoted(column)} holds {kind}, not text",
        hint="A pair is two columns of text; name them with --text-column PROMPT,ANSWER.",
    )


def _by_name(cells: Cells) -> tuple[str, ...]:
    for name in LISTS:
        cell = cells.get(name)
        value = cell.load() if isinstance(cell, UnreadableCell) else cell
        if (value is not None and value is not cell) or (isinstance(cell, str) and cell.lstrip()[:1] == "["):
            return (name,)
    for pair in PAIRS:
        if pair.prompt in cells and pair.answer in cells:
            asks = pair.prompt == "question"
            return () if asks and _MORE_THAN_A_QUESTION & cells.keys() else (pair.prompt, pair.answer)
    return ()


def _empty(cells: Cells) -> tuple[str, ...]:
    """The column of messages of a row that has none: null or blank, in every format alike."""
    for name in LISTS:
        cell = cells.get(name)
        value = cell.load() if isinstance(cell, UnreadableCell) else cell
        if name in cells and (value is None or (isinstance(value, str) and not value.strip())):
            return (name,)
    return ()


def pair_names(column: str) -> tuple[str, str] | None:
    """The two columns in a text column of the form PROMPT,ANSWER; None for one of another form."""
    names = [name.strip() for name in column.split(",")]
    return (names[0], names[1]) if len(names) == 2 and all(names) else None


def pair_hint(cells: Cells) -> str:
    """How to name the pair in a row in which none is recognised; empty where there is none."""
    if "chosen" in cells:
        whole = isinstance(cells["chosen"], UnreadableCell)
        return f"Of preferences, audit the chosen answers with --text-column {'chosen' if whole else 'prompt,chosen'}."
    for pair in PAIRS:
        if pair.prompt in cells and pair.answer in cells:
            return f"A pair is read with --text-column {pair.prompt},{pair.answer}, without the other columns."
    return ""


def _named_pair(cells: Cells, column: str) -> PairColumns | None:
    names = pair_names(column)
    return PairColumns(*names) if names is not None and all(name in cells for name in names) else None


def _has_messages(cell: object) -> bool:
    value = cell.load() if isinstance(cell, UnreadableCell) else None
    if isinstance(value, list):
        return all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) and {"role", "from"} & value.keys() != set()


def _filled(cell: object) -> bool:
    value = cell.load() if isinstance(cell, UnreadableCell) else cell
    return bool(value) and not (isinstance(value, str) and value.strip() in ("", "[]", "null"))
