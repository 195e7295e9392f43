"""Rows that refer to the row before or after."""

from __future__ import annotations

import re

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.table import OrderTable
from auditor.results.guards import GuardFigure

MOST = 0.02
_FEWEST = 3
_NEIGHBOUR = (
    "row|line|item|entry|example|question|answer|section|page|paragraph|sentence|record|post|message|document|one|part"
)
_REFERENCE = re.compile(
    r"\b(?:see|as|mentioned|described|shown|stated|noted|defined|listed|discussed|explained) (?:the )?"
    r"(?:above|below|before|previously|earlier)\b"
    r"|\b(?:as|like) (?:i|we|it|he|she|they|was|were) (?:\w+ ){0,2}(?:above|below|before|previously|earlier)\b"
    rf"|\b(?:the|this|our|my) (?:previous|preceding|following|next|last|above|aforementioned) (?:{_NEIGHBOUR})s?\b"
    rf"|\b(?:{_NEIGHBOUR})s? (?:above|below)\b|\bsame as (?:above|before|the previous|the last)\b"
    r"|\b(?:ibid|idem|ditto|op\. cit|loc\. cit|cont(?:inue)?d|to be continued)\b"
    r"|\b(?:siehe|wie) oben\b|\bci-dessus\b|\bv[ée]ase (?:arriba|m[áa]s arriba)\b|\bvedi sopra\b|\bzie boven\b",
    re.IGNORECASE,
)


@order_check(
    name="references",
    order=50,
    question="Do the rows stand by themselves, without references to the row before or after?",
    blind_spots="Pronouns and names that an earlier row explains; references in words that are not listed.",
    remediation="Test a file whose rows stand by themselves; a row that refers to the one before is likelier after "
    "it under any model.",
)
def back_references(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Count the rows with a reference to another."""
    texts = table.seen(table.texts)
    rows = sum(bool(_REFERENCE.search(text)) for text in texts)
    share = rows / max(len(texts), 1)
    figures = (GuardFigure(name="share of rows with a reference", value=share, limit=MOST),)
    if rows >= _FEWEST and share > MOST:
        return OrderFinding(f"{rows:,} rows refer to others, as in 'see above'.", True, None, figures)
    return OrderFinding("Hardly any row refers to another.", False, None, figures)
