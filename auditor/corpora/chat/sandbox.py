"""Jinja's immutable sandbox for chat templates, as a process that answers requests line by line.

As in transformers, without files, imports or attributes of Python. Run as a module it reads requests from the standard
input; it is ended by the system where a request takes more processor time than it allows.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auditor.corpora.chat.template import DATE, GENERATION_END, GENERATION_START

_FILTERS = frozenset(
    "abs capitalize count d default dictsort e escape first float groupby indent int items join last length list lower "
    "map max min reject rejectattr replace reverse round safe select selectattr sort string sum title tojson trim "
    "unique upper urlencode".split()
)
_DATE_FORMAT = re.compile(r"(?:%[A-Za-z%]|%-[A-Za-z]|[^%])*")


class RefusedError(TemplateError):
    """A template refuses a conversation by `raise_exception`."""


class _Generation(Extension):
    """`{% generation %}`, by which a template marks what the model writes."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """Read a block up to its end."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    def _marked(self, caller: Callable[[], str]) -> str:
        return f"{GENERATION_START}{caller()}{GENERATION_END}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox with what chat templates use."""

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
        self.filters = {name: filter_ for name, filter_ in self.filters.items() if name in _FILTERS}
        self.filters["tojson"] = _json
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}
        self.globals |= {"raise_exception": _refuse, "strftime_now": self._date}
        self.dated = False

    def _date(self, pattern: str) -> str:
        if not _DATE_FORMAT.fullmatch(pattern):
            raise SecurityError("a date as wide as a number says")
        self.dated = True
        return DATE.strftime(pattern)


def _json(value: Any, indent: int | None = None, **named: Any) -> str:
    named = {name: named[name] for name in ("separators", "sort_keys") if name in named}
    return json.dumps(value, ensure_ascii=False, indent=indent, **named)


def _refuse(message: object) -> None:
    raise RefusedError(str(message))


@lru_cache(maxsize=4)
def _compiled(source: str) -> tuple[_Sandbox, Template]:
    sandbox = _Sandbox()
    return sandbox, sandbox.from_string(source)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Compile a template and, where the request has messages, render it.

    Args:
        request: The `source` of a template, and for a rendering `messages`, `tokens` and how many characters it may
            have at `most`.

    Returns:
        `text` and whether the date was read, or the `kind` of what is wrong, with its `reason` and `line`.
    """
    try:
        sandbox, template = _compiled(request["source"])
        if "messages" not in request:
            return {"text": "", "dated": False}
        sandbox.dated = False
        text = template.render(
            messages=request["messages"], tools=None, documents=None, add_generation_prompt=False, **request["tokens"]
        )
    except TemplateSyntaxError as error:
        return {"kind": "syntax", "reason": str(error.message), "line": error.lineno}
    except RefusedError as error:
        return {"kind": "refused", "reason": str(error)[: len(request["source"])]}
    except SecurityError:
        return {"kind": "SecurityError"}
    except MemoryError:
        return {"kind": "memory"}
    except Exception as error:
        return {"kind": type(error).__name__}
    return {"text": text, "dated": sandbox.dated} if len(text) <= request["most"] else {"kind": "long"}


@contextlib.contextmanager
def _bounded(seconds: float, memory: int) -> Iterator[None]:
    """End this process after some seconds of processor time, whatever it computes, and bound its memory in bytes."""
    try:
        import resource
    except ImportError:
        yield
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.001))
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        began = time.process_time()
        with _bounded(request["seconds"], request["memory"]):
            answered = json.dumps({**answer(request), "seconds": time.process_time() - began})
        sys.stdout.buffer.write(answered.encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
