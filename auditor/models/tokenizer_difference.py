"""Whether two tokenizers are one, by what they do rather than by how their files were written."""

from __future__ import annotations

from typing import Any

from auditor.models.tokenizing import front_of, tokenise

_TEXTS = (
    "The quick brown fox doesn't jump over 12,345 lazy dogs (3.14159 of them) - or does it?\n\n  Indented, twice.\t\n",
    "def f(x: int) -> list[str]:\n    return [str(i) for i in range(x) if i % 2 == 0]  # even\n",
    "Ünïcödé naïveté, Straße, Москва, Ελλάδα, 北京市の天気, مرحبا, नमस्ते, 🦊🏳️‍🌈, ﬁne, ½, e\u0301.",
    " leading space; TRAILING CAPITALS AND camelCase, snake_case, http://example.org/a?b=c&d=%20 ",
)


def difference(first: Any, second: Any) -> str:
    """What two fast tokenizers do differently, in words for a user; empty for nothing.

    Tokens that only one of them has (a padding token added by a training library) make no difference as long as no
    text brings them up.

    Args:
        first: A tokenizer.
        second: Another.
    """
    ours, theirs = first.get_vocab(), second.get_vocab()
    shared = ours.keys() & theirs.keys()
    moved = sum(ours[token] != theirs[token] for token in shared)
    if moved or not shared:
        return f"of {len(ours):,} and {len(theirs):,} tokens {len(shared) - moved:,} are the same"
    front = [front_of(tokenizer) for tokenizer in (first, second)]
    if front[0].ids != front[1].ids:
        return f"what stands in front of a text ({front[0].policy}; against {front[1].policy})"
    for text in _TEXTS:
        left, right = (tokenise(tokenizer, text, front[0].ids).ids.tolist() for tokenizer in (first, second))
        if left != right:
            at = next(
                (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(map(len, (left, right)))
            )
            return (
                f"they cut text differently, for instance {_shown(first, left, at)} against {_shown(second, right, at)}"
            )
    return ""


def _shown(tokenizer: Any, ids: list[int], at: int) -> str:
    return " ".join(repr(token) for token in tokenizer.convert_ids_to_tokens(ids[at : at + 3])) or "nothing"
