"""Options that commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from auditor.cli.console import console_options

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", str, Path)


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order they are written."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _named(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Read NAME=SOURCE pairs."""
    pairs = []
    for text in value:
        name, equals, source = text.partition("=")
        if not equals or not name.strip() or not source.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH", context, parameter)
        pairs.append((name.strip(), source.strip()))
    return tuple(pairs)


def words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read words separated by commas. None at all would be a gate that nothing can close, so it is refused."""
    if value is None:
        return None
    named = tuple(word.strip() for word in value.split(",") if word.strip())
    if not named:
        raise click.BadParameter("it names nothing; --exit-zero lets everything pass", context, parameter)
    return named


outputs = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where to write; the extension chooses the format (.html, .json, .md). Repeatable. -o - is JSON on stdout; "
    "the text goes to stderr then.",
)

text_column = click.option("--text-column", default="text", show_default=True, help="Column that holds the text.")
limit = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=None,
    help="Read at most this many documents of each set (labelled ones are read whole).",
)

data_options = _together(
    text_column,
    click.option(
        "--group-column", default=None, help="Column that names what a document came from (book, author, site)."
    ),
    click.option(
        "--group-by",
        type=click.Choice(["document", "parent"]),
        default="document",
        show_default=True,
        help="Group files by themselves or by the folder they lie in.",
    ),
    limit,
)

scoring_options = _together(
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps."),
    click.option(
        "--dtype",
        type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
        default="auto",
        show_default=True,
        help="auto: float32 on a CPU, the stored type on a GPU.",
    ),
    click.option(
        "--context", type=click.IntRange(min=16), default=2048, show_default=True, help="Longest window in tokens."
    ),
    click.option(
        "--max-tokens", type=click.IntRange(min=16), default=None, help="Score at most this many tokens a document."
    ),
)

test_options = _together(
    click.option(
        "--alpha",
        type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
        default=0.01,
        show_default=True,
        help="Level of the membership test.",
    ),
    click.option(
        "--required-auc",
        type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
        default=0.65,
        show_default=True,
        help="NO EVIDENCE is only said when an effect of this AUC would have been seen with 80 % power.",
    ),
    click.option(
        "--permutations", type=click.IntRange(min=99), default=9999, show_default=True, help="Of the membership test."
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The one seed of the audit."),
)


def series_options(*, required: bool) -> Callable[[F], F]:
    """What is asked about forgetting."""
    return _together(
        click.option(
            "--checkpoint",
            "checkpoints",
            multiple=True,
            required=required,
            callback=_named,
            metavar="NAME=MODEL",
            help="A checkpoint of the series, in any form a model can have; the first is the origin. Repeatable.",
        ),
        click.option(
            "--general",
            default=None,
            help="Documents on neither side: shows drift and utility loss, and feeds the reminder.",
        ),
        click.option("--placebo", default=None, help="A second held-out set, measured as if it were the suspect one."),
        click.option(
            "--relearn",
            is_flag=True,
            help="Run short trainings in memory to tell suppressed from gone; their weights are never written.",
        ),
        click.option(
            "--layers/--no-layers",
            default=True,
            show_default=True,
            help="Keep hidden states, to see in which layers the trace sits.",
        ),
        click.option(
            "--task",
            "tasks",
            multiple=True,
            callback=_named,
            metavar="NAME=DATA",
            help="A labelled set, in the order in which the tasks were learned. Repeatable.",
        ),
        click.option(
            "--label-column", default="label", show_default=True, help="Column of a labelled set that holds the label."
        ),
        click.option(
            "--label-template",
            default=r"{text}\n{label}",
            show_default=True,
            help=r"How a text and a label are joined to ask the model for the label; \n is a new line.",
        ),
    )


cache_dir = click.option(
    "--cache-dir",
    default=None,
    help="Where scores are kept. Default: AUDITOR_CACHE_DIR, or the platform's cache folder.",
)

fail_on = click.option(
    "--fail-on",
    metavar="WORDS",
    callback=words,
    default=None,
    help="Verdicts, and with checkpoints states of the last one (by letter or name), separated by commas, that make "
    "the exit code non-zero. Default: what goes with --expect.",
)
exit_zero = click.option(
    "--exit-zero",
    is_flag=True,
    help="Exit 0 whatever is found, in place of any gate; errors still exit non-zero.",
)

report_options = _together(
    click.option(
        "--reveal", is_flag=True, help="Show excerpts of documents; without it they appear by id and hash only."
    ),
    click.option("--name", default="", help="How the audit is called in its report."),
    cache_dir,
    click.option(
        "--expect",
        type=click.Choice(["no-evidence", "evidence", "any"]),
        default=None,
        help="What the audit is expected to say: anything else makes the exit code non-zero.  [default: no-evidence]",
    ),
    fail_on,
    exit_zero,
    console_options,
)


def to_stdout(outputs: Sequence[P]) -> tuple[bool, list[P]]:
    """Whether JSON is wanted on stdout (`-o -`), and the files beside it.

    Raises:
        UsageError: It is wanted twice, or stdout is closed.
    """
    from auditor.core.errors import UsageError

    files = [path for path in outputs if str(path) != "-"]
    asked = len(outputs) - len(files)
    if asked > 1:
        raise UsageError("output '-' is named twice", hint="Give it once.")
    if asked and sys.stdout is None:
        raise UsageError("-o - writes to stdout, which is closed", hint="Name a file.")
    return bool(asked), files
