"""The leaves that a record can have, by its types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from auditor.results.rows import Matrix


def kinds_of(kind: Any, path: str = "") -> Iterator[str]:
    """The path of every leaf that a record can have, `[*]` for any item and `.*` for any key."""
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind)):
        fields = {name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if name[0] != "_"}
        for name, hint in fields.items():
            if get_origin(hint) is not ClassVar:
                yield from kinds_of(hint, f"{path}.{name}" if path else name)
    elif get_args(Matrix)[-1] in getattr(kind, "__metadata__", ()):
        yield f"{path}[*][*]"
    elif origin is Annotated:
        yield from kinds_of(arguments[0], path)
    elif origin in (dict, tuple):
        for below in arguments[1:] if origin is dict else {part for part in arguments if part is not Ellipsis}:
            yield from kinds_of(below, path + (".*" if origin is dict else "[*]"))
    elif origin in (Union, UnionType):
        for below in arguments:
            yield from kinds_of(below, path) if below is not NoneType else ()
    else:
        yield path
