"""Libraries that pipelines of training data are made of: the main content of web pages, and filters of documents."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auditor.core.errors import RunError, UsageError, reason_of

_FILTERS = ("GopherRepetitionFilter", "GopherQualityFilter", "C4QualityFilter", "FineWebQualityFilter")


@dataclass(frozen=True, slots=True)
class Stage:
    """One filter.

    Attributes:
        name: Its name.
        apply: The text that it lets through, some filters without some lines; None where it drops the document.
    """

    name: str
    apply: Callable[[str], str | None] = field(repr=False)


def published_filters() -> tuple[Stage, ...]:
    """The filters of datatrove, in the order of FineWeb, each with its published settings for English.

    Raises:
        UsageError: What they need is not installed.
    """
    _library("trafilatura")
    _library("spacy")
    filters = _library("datatrove.pipeline.filters")
    document = _library("datatrove.data").Document
    return tuple(Stage(name.removesuffix("Filter"), _apply(getattr(filters, name)(), document)) for name in _FILTERS)


def main_content(page: str) -> str:
    """The main content of a web page by trafilatura, with its usual settings; empty where it finds none.

    Raises:
        UsageError: It is not installed.
    """
    return _library("trafilatura").extract(page) or ""


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"the filters of pipelines need trafilatura and datatrove ({reason_of(error)})",
            hint='Install them with `pip install "llm-auditor[survive]"`.',
        ) from None


def _apply(filter_: Any, document: Any) -> Callable[[str], str | None]:
    def apply(text: str) -> str | None:
        sent = document(text=text, id="")
        try:
            verdict = filter_.filter(sent)
        except Exception as error:
            raise RunError(f"{type(filter_).__name__} failed on a document: {reason_of(error, typed=True)}") from error
        # A reason comes with what is dropped.
        return sent.text if verdict is True else None

    return apply
