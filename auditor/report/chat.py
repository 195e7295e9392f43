"""How conversations became text, in words."""

from __future__ import annotations

from auditor.core.text import visible
from auditor.report.text import format_percent
from auditor.results.chat import ChatSummary


def chat_sentences(chat: ChatSummary) -> tuple[str, ...]:
    """What a reader has to know of conversations: how they became text, and what of it is scored."""
    origin = visible(chat.origin)
    rendered = (
        f"Pairs ({chat.shape}), joined as they are, since {origin}"
        if chat.template is None
        else f"Conversations ({chat.shape}), rendered by the chat template of {origin}"
    )
    dated = "" if chat.date is None else f" The template reads {chat.date} in place of today's date."
    if chat.score == "all":
        return (f"{rendered}.{dated}", "All of the rendered text is scored, markup included.")
    characters = format_percent(chat.characters_scored / max(1, chat.characters))
    tokens = format_percent(chat.tokens_scored / max(1, chat.tokens_read))
    return (
        f"{rendered}.{dated}",
        f"The answers are scored, {characters} of the characters and {tokens} of the tokens read; what stands before "
        "an answer is read first and not scored.",
    )
