"""Chat templates: Jinja of unknown origin, rendered without access to anything and within bounds.

A template comes with a model and is as hostile as any file. It runs in Jinja's immutable sandbox, as in transformers,
without files, imports or attributes of Python. What the sandbox leaves open is bounded here: the passes of its loops
and macros, and the characters that all its expressions together make.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from auditor.core.errors import UsageError, reason_of
from auditor.core.text import shorten, visible

DATE = datetime.datetime(2024, 7, 26, tzinfo=datetime.UTC)
"""What `strftime_now` gives: the date that templates fall back to themselves, as today's would change the text."""

GENERATION_START, GENERATION_END = "\ufdd3", "\ufdd4"
"""Around what a template's own `generation` blocks hold; these code points are never characters."""

MOST_SOURCE = 2**18
MOST_PASSES = 100_000
MOST_CHARACTERS = 2**27
_MOST_BITS = 256

_FILTERS = frozenset(
    "abs attr capitalize count d default dictsort e escape first float groupby int items join last length list lower "
    "map max min reject rejectattr replace reverse round safe select selectattr sort string sum title tojson trim "
    "unique upper urlencode".split()
) - {"attr"}
# Text as wide as a number says, or in a format of its own.
_WIDE = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "encode", "translate"})
_DATE_FORMAT = re.compile(r"(?:%[A-Za-z%]|%-[A-Za-z]|[^%])*")


class TooMuchError(TemplateError):
    """A template does more than any chat template needs."""


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


class _Bounded(NodeTransformer):
    """Counts the passes of loops and macros, and the length of joined text."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        """Count each pass."""
        return self._counted(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        """Count each call."""
        return self._counted(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        """Count each call."""
        return self._counted(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """Join by a function that counts."""
        self.generic_visit(node)
        return _call("joined", list(node.nodes), node)

    def _counted(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        size = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        count = _call("passed", [nodes.Const(size)], node)
        node.body.insert(0, nodes.ExprStmt(count).set_lineno(node.lineno).set_environment(node.environment))
        return node  # type: ignore[no-any-return]


def _call(name: str, arguments: list[nodes.Expr], like: nodes.Node) -> nodes.Node:
    called = nodes.Call(nodes.EnvironmentAttribute(name), arguments, [], None, None)
    return called.set_lineno(like.lineno, override=True).set_environment(like.environment or Environment())


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox with bounds."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
        self.filters = {
            name: self._measured(name, filter_) for name, filter_ in self.filters.items() if name in _FILTERS
        }
        self.filters["tojson"] = self._json
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}
        self.globals |= {"raise_exception": _refuse, "strftime_now": self._date}
        self.finalize = self.measured
        self.dated = False
        self.start()

    def start(self) -> None:
        """Begin a rendering: nothing is counted yet."""
        self._passes = self._characters = 0

    def passed(self, size: int) -> None:
        """Count a pass of a loop or macro with `size` characters of its own."""
        self._passes += 1
        if self._passes > MOST_PASSES:
            raise TooMuchError(f"it runs its loops more than {MOST_PASSES:,} times")
        self._spend(size)

    def measured(self, value: Any) -> Any:
        """The value, its length counted."""
        if isinstance(value, str | bytes | list | tuple | dict):
            self._spend(len(value))
        return value

    def joined(self, *parts: Any) -> str:
        """The parts as one text."""
        return str(self.measured("".join(str(self.measured(part)) for part in parts)))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """See `SandboxedEnvironment.call_binop`."""
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise TooMuchError(f"it uses the operator {operator!r}")
        if operator == "*":
            self._before_product(left, right)
        return self.measured(super().call_binop(context, operator, left, right))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """See `SandboxedEnvironment.call`."""
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, str):
            args = __self._before(name, owner, args)
        return __self.measured(super().call(__context, __obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """See `SandboxedEnvironment.is_safe_attribute`."""
        wide = isinstance(obj, str | bytes) and attr in _WIDE
        return not wide and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Any:
        """Leave methods that format to `is_safe_attribute`, which refuses them."""
        return None

    def _measured(self, name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
        # Some filters have the environment or the context as their first argument.
        at = int(hasattr(filter_, "jinja_pass_arg"))

        def filtered(*arguments: Any, **named: Any) -> Any:
            values = list(arguments)
            if name in ("join", "replace", "indent") and at < len(values):
                text = values[at] if name == "join" else str(values[at])
                values[at] = list(text) if name == "join" else text
                after = tuple(values[at + 1 :]) + tuple(named.values())
                self._before(name, values[at], after)
            return self.measured(filter_(*values, **named))

        if at:
            filtered.jinja_pass_arg = filter_.jinja_pass_arg  # type: ignore[attr-defined]
        return filtered

    def _before(self, name: str, owner: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Count what a method of text may make before it makes it."""
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if name == "replace" and len(texts) >= 2:
            self._spend((len(owner) + 1) * len(texts[1]) if len(texts[0]) < 2 else len(owner) * (1 + len(texts[1])))
        if name == "join" and isinstance(owner, str) and arguments:
            items = list(arguments[0])
            self._spend(sum(len(str(item)) + len(owner) for item in items))
            return (items, *arguments[1:])
        if name == "join" and isinstance(owner, list):
            self._spend(len(owner) * (1 + sum(map(len, texts))))
        return arguments

    def _before_product(self, left: Any, right: Any) -> None:
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > _MOST_BITS:
                raise TooMuchError(f"it multiplies to numbers of more than {_MOST_BITS} bits")
            return
        for value, times in ((left, right), (right, left)):
            if isinstance(value, str | bytes | list | tuple) and isinstance(times, int):
                self._spend(len(value) * max(0, times))

    def _json(self, value: Any, indent: int | None = None, **named: Any) -> str:
        if indent is not None and not 0 <= int(indent) <= 16:
            raise TooMuchError("it indents by more than 16")
        named = {name: named[name] for name in ("separators", "sort_keys") if name in named}
        return str(self.measured(json.dumps(value, ensure_ascii=False, indent=indent, **named)))

    def _date(self, pattern: str) -> str:
        if len(pattern) > 100 or not _DATE_FORMAT.fullmatch(pattern):
            raise TooMuchError("it writes the date in a format that is not plain")
        self.dated = True
        return DATE.strftime(pattern)

    def _spend(self, size: int) -> None:
        self._characters += size
        if self._characters > MOST_CHARACTERS:
            raise TooMuchError(f"it makes more than {MOST_CHARACTERS // 2**20} MiB of text")


def _refuse(message: object) -> None:
    raise RefusedError(str(message))


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja source.
        origin: Where it is from, for messages.

    Raises:
        UsageError: It is too long or no Jinja that is allowed here.
    """

    def __init__(self, source: str, origin: str) -> None:
        if len(source) > MOST_SOURCE:
            raise UsageError(
                f"the chat template of {origin} is longer than {MOST_SOURCE // 2**10} KiB",
                hint="Name another one with --chat-template.",
            )
        self.source, self.origin = source, origin
        self._sandbox = _Sandbox()
        try:
            tree = _Bounded().visit(self._sandbox.parse(source))
            self._template = self._sandbox.from_string(tree)
        except (TemplateSyntaxError, TemplateError, RecursionError, ValueError) as error:
            line = f" (line {error.lineno})" if isinstance(error, TemplateSyntaxError) else ""
            raise UsageError(
                f"the chat template of {origin} cannot be used: {visible(shorten(reason_of(error), 160))}{line}",
                hint="Name another one with --chat-template.",
            ) from None

    @property
    def dated(self) -> bool:
        """Whether a rendering so far read the date."""
        return self._sandbox.dated

    def render(self, messages: Sequence[Mapping[str, str]], tokens: Mapping[str, str], where: str) -> str:
        """Render a conversation; no generation prompt, no tools.

        Args:
            messages: Role and content of each turn.
            tokens: Special tokens of the tokenizer by name, such as `bos_token`.
            where: Position of the conversation, for messages.

        Raises:
            UsageError: The template refuses it or fails. A message quotes the template and never the conversation.
        """
        self._sandbox.start()
        try:
            return self._template.render(
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=False,
                **tokens,
            )
        except (TooMuchError, SecurityError) as error:
            reason = str(error) if isinstance(error, TooMuchError) else "it reaches for what the sandbox refuses"
            raise UsageError(
                f"{where}: the chat template of {self.origin} is refused: {reason}",
                hint="Name another one with --chat-template.",
            ) from None
        except RefusedError as error:
            # The reason may be made of the conversation: it is quoted where it stands in the template as it is.
            said = str(error)
            quoted = f": {visible(shorten(said, 160))}" if said and said in self.source else ""
            raise UsageError(
                f"{where}: the chat template of {self.origin} refuses the conversation{quoted}",
                hint="Leave such conversations out, or name another template with --chat-template.",
            ) from None
        except (
            TemplateError,
            RecursionError,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
            ArithmeticError,
        ) as error:
            raise UsageError(
                f"{where}: the chat template of {self.origin} fails on the conversation ({type(error).__name__})",
                hint="Check the template, or name another one with --chat-template.",
            ) from None
