"""The settings that are not the defaults, in words."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.core.text import amount, shorten
from auditor.results.result import SettingChoice

_LONGEST = 60


def setting_sentences(chosen: Iterable[SettingChoice]) -> tuple[str, ...]:
    """What a reader of the verdict has to know of the settings: thresholds in one sentence, the others in another.

    Nothing is left out; a value of more than 60 characters is shortened, and stands whole in the configuration.
    """
    chosen = tuple(chosen)
    thresholds, others = ([one for one in chosen if one.threshold is wanted] for wanted in (True, False))
    sentences = []
    if thresholds:
        one = len(thresholds) == 1
        sentences.append(
            f"The verdict was made with {amount(len(thresholds), 'threshold')} that {'is' if one else 'are'} not the "
            f"default: {_listed(thresholds)}."
        )
    if others:
        sentences.append(
            f"{'Other settings' if thresholds else 'Settings'} that are not the default: {_listed(others)}."
        )
    return tuple(sentences)


def _listed(chosen: Iterable[SettingChoice]) -> str:
    return ", ".join(
        f"{one.name} {shorten(one.value, _LONGEST)} (default {shorten(one.default, _LONGEST)})" for one in chosen
    )
