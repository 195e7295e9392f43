"""Options that commands share, and what every auditing command does once it knows what is asked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from auditor.settings import CheckSettings

F = TypeVar("F", bound=Callable[..., Any])

VERDICTS = ("evidence", "inconclusive")


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


def _outcomes(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Read comma-separated verdicts and states; a state may be given by its letter or its name."""
    from auditor.forgetting.findings.series import STATES
    from auditor.plugins import did_you_mean

    known = {word: word for word in VERDICTS}
    known |= {"no-evidence": "no evidence"}
    known |= {code.lower(): f"state {code}" for code in STATES}
    known |= {name.replace(" ", "-"): f"state {code}" for code, name in STATES.items() if name not in VERDICTS}
    words = [word.strip().lower().replace(" ", "-") for word in value.split(",") if word.strip()]
    for word in words:
        if word not in known:
            hint = did_you_mean(word, sorted(known))
            raise click.BadParameter(f"{word!r} is no verdict and no state. {hint}".strip(), context, parameter)
    return tuple(known[word] for word in words)


outputs = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where to write; the extension chooses the format (.html, .json, .md). Repeatable.",
)

data_options = _together(
    click.option("--text-column", default="text", show_default=True, help="Column that holds the text."),
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
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=None,
        help="Read at most this many documents of each set (labelled ones are read whole).",
    ),
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
            help="Documents on neither side: shows drift and wreckage, and feeds the reminder.",
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


report_options = _together(
    click.option(
        "--reveal", is_flag=True, help="Show excerpts of documents; without it they appear by id and hash only."
    ),
    click.option("--name", default="", help="How the audit is called in its report."),
    click.option(
        "--cache-dir",
        default=None,
        help="Where scores are kept. Default: AUDITOR_CACHE_DIR, or the platform's cache folder.",
    ),
    click.option(
        "--fail-on",
        callback=_outcomes,
        default=",".join(VERDICTS),
        show_default=True,
        help="Verdicts, and with checkpoints states of the last one (by letter or name), that make the exit code "
        "non-zero.",
    ),
    click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict; errors still exit non-zero."),
)


_SERIES = ("checkpoints", "general", "placebo", "relearn", "layers", "tasks", "label_column", "label_template")


def series_settings(asked: dict[str, Any]) -> dict[str, Any] | None:
    """Take what is asked about forgetting out of a command's parameters; None where nothing is.

    Raises:
        UsageError: Something is asked about forgetting without a series.
    """
    from auditor.errors import UsageError

    context = click.get_current_context()
    given = take(asked, _SERIES)
    if given["checkpoints"]:
        given["label_template"] = given["label_template"].replace("\\n", "\n").replace("\\t", "\t")
        return given
    if any(word.startswith("state ") for word in context.params["fail_on"]):
        raise UsageError("--fail-on names a state, which needs a series", hint="Give --checkpoint NAME=PATH twice.")
    stray = [name for name in given if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if stray:
        flag = next(max(p.opts, key=len) for p in context.command.params if p.name == stray[0])
        raise UsageError(
            f"{flag} asks about forgetting, which needs a series", hint="Give --checkpoint NAME=PATH twice."
        )
    return None


def carry_out(
    settings: CheckSettings,
    *,
    outputs: Sequence[Path],
    name: str,
    cache_dir: str | None,
    fail_on: Sequence[str],
    exit_zero: bool,
) -> int:
    """Run an audit as the current command was asked to, write and print its result, and give the exit code."""
    from auditor.audit import run_check
    from auditor.cli.progress import make_progress
    from auditor.report.renderer import check_outputs, render, write_outputs
    from auditor.report.text import visible
    from auditor.settings import inputs_of, make_options

    options = make_options(name=name, command=_command_line(click.get_current_context()), cache_dir=cache_dir)
    check_outputs(outputs, inputs=inputs_of(settings))
    with make_progress() as progress:
        result = run_check(settings, options, progress=progress)
    write_outputs(result, outputs)
    click.echo(render(result, "text"))
    for path in outputs:
        click.echo(f"wrote {visible(str(path))}", err=True)
    if exit_zero:
        return 0
    if result.verdict.word.lower() in fail_on:
        return result.exit_code or 1
    last = None if result.forgetting is None else result.forgetting.checkpoints[-1].state.code
    return (result.exit_code or 1) if last is not None and f"state {last}" in fail_on else 0


def take(asked: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Take some of a command's parameters out of the others."""
    return {name: asked.pop(name) for name in names}


RUN = ("outputs", "name", "cache_dir", "fail_on", "exit_zero")
"""Parameters of `carry_out`."""
POLICY = ("alpha", "required_auc")
"""Parameters that are thresholds."""


# Where an audit writes and how it exits do not belong to what reproduces it.
_NOT_REPRODUCED = frozenset({"outputs", "cache_dir", "fail_on", "exit_zero", "name"})
_NAMED = frozenset({"checkpoints", "tasks"})


def _command_line(context: click.Context) -> str:
    """The command that reproduces the figures: arguments, and the options that were given."""
    words = ["auditor", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif name not in _NOT_REPRODUCED and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            flag = max(parameter.opts, key=len)
            if value is True:
                words.append(flag)
            elif value is False:
                words.append(max(parameter.secondary_opts, key=len))
            elif name in _NAMED:
                words += [word for pair in value for word in (flag, "=".join(pair))]
            else:
                for item in value if isinstance(value, tuple) else (value,):
                    words += [flag, str(item)]
    return shlex.join(words)
