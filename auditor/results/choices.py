"""The settings of a command that are not the defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from auditor.results.result import SettingChoice


def chosen_settings(
    record: BaseModel, thresholds: tuple[type[BaseModel], ...], path: str = ""
) -> Iterator[SettingChoice]:
    """Every setting that has a default and another value, also of the records within.

    Args:
        record: The settings.
        thresholds: Kinds of records whose fields are thresholds of the verdict.
        path: Path of the record, ending in a dot; empty at the top.
    """
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if isinstance(value, BaseModel):
            yield from chosen_settings(value, thresholds, f"{path}{name}.")
        elif not field.is_required() and value != field.default:
            yield SettingChoice(
                name=f"{path}{name}",
                value=_as_json(value),
                default=_as_json(field.default),
                threshold=isinstance(record, thresholds),
            )


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
