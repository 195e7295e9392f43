"""What a result says of its conversations must follow from its settings, its template and its documents."""

from __future__ import annotations

from typing import Any

from auditor.audit.chat import example_of, recorded_format
from auditor.membership.chat import origin_of
from auditor.results.chat import ChatSummary
from auditor.settings import NO_TEMPLATE
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="conversations", order=85)
def conversations(subject: Subject) -> CheckAnswer | None:
    """Render the example again by the recorded template, and derive what the rest of the file determines."""
    chat = subject.result.manifest.chat
    if chat is None:
        return None
    again = _again(subject, chat)
    wrong = tuple(
        Difference(f"manifest.chat.{name}", getattr(chat, name), value)
        for name, value in again.items()
        if getattr(chat, name) != value
    )
    if wrong:
        return CheckAnswer("failed", "not what the settings, the template and the documents give", wrong)
    detail = "the origin, the digest of the template, the example and the counts follow from the rest of the file"
    return CheckAnswer("passed", detail)


def _again(subject: Subject, chat: ChatSummary) -> dict[str, Any]:
    inputs = subject.inputs
    format_ = recorded_format(chat, inputs.settings)
    again: dict[str, Any] = {
        "score": inputs.settings.score,
        "origin": origin_of(inputs.settings, rendered=chat.template is not None),
        "template_sha256": format_.sha256,
        "characters": sum(inputs.measurements.characters),
        "tokens_scored": sum(document.tokens for document in inputs.documents),
        "example": example_of(format_),
    }
    if inputs.settings.chat_template == NO_TEMPLATE:
        again["template"] = None
    if chat.template is None:
        again |= {"special_tokens": {}, "date": None}
        again |= {} if inputs.settings.chat_template in (None, NO_TEMPLATE) else {"template": "one of a file"}
    return again
