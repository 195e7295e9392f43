"""What a model reads and what is scored when it is asked for a label."""

from __future__ import annotations

from auditor.signals.views import Prompt


def label_prompt(template: str, text: str, label: str) -> Prompt:
    """A text with one of its labels behind it.

    White space that the template puts in front of the label is scored with the label: most tokenizers join a space to
    the word behind it, and a label split from its space is not what any model was trained on. A break that is a token
    of its own adds the same to all labels of a text and so decides nothing.

    Args:
        template: Holds `{text}` once and ends with `{label}`.
        text: Put for `{text}`; where it is too long for the context its end is read, the part next to the label.
        label: Put for `{label}`; all its tokens are scored.
    """
    before, _, between = template.removesuffix("{label}").partition("{text}")
    measurements = between.rstrip()
    return Prompt(text=between[len(measurements) :] + label, prefix=before + text + measurements, answer=True)
