"""`auditor check`: from two sets of documents and a model to a verdict."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

VERDICTS = ("evidence", "inconclusive")


def _verdicts(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Read comma-separated verdicts."""
    words = tuple(word.strip().lower() for word in value.split(",") if word.strip())
    unknown = [word for word in words if word not in VERDICTS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(VERDICTS)}", context, parameter)
    return words


@click.command(short_help="Was the model trained on these documents?")
@click.argument("suspect")
@click.argument("heldout")
@click.option("-m", "--model", required=True, help="Model folder or name, PEFT adapter folder, or GGUF file.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    help="A model that cannot have seen the suspect documents; a negative control and a yardstick. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where to write; the extension chooses the format (.html, .json, .md). Repeatable.",
)
@click.option("--text-column", default="text", show_default=True, help="Column that holds the text.")
@click.option("--group-column", default=None, help="Column that names what a document came from (book, author, site).")
@click.option(
    "--group-by",
    type=click.Choice(["document", "parent"]),
    default="document",
    show_default=True,
    help="Group files by themselves or by the folder they lie in.",
)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Read at most this many documents a side.")
@click.option("--features", default="default", show_default=True, help="A selection, or features separated by commas.")
@click.option(
    "--procedure", "procedures", multiple=True, help="Also run a published procedure, such as llm-di. Repeatable."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="auto: float32 on a CPU, the stored type on a GPU.",
)
@click.option("--revision", default=None, help="Revision of a model named on a hub.")
@click.option(
    "--context", type=click.IntRange(min=16), default=2048, show_default=True, help="Longest window in tokens."
)
@click.option(
    "--max-tokens", type=click.IntRange(min=16), default=None, help="Score at most this many tokens a document."
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Level of the membership test.",
)
@click.option(
    "--required-auc",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.65,
    show_default=True,
    help="NO EVIDENCE is only said when an effect of this AUC would have been seen with 80 % power.",
)
@click.option(
    "--permutations", type=click.IntRange(min=99), default=9999, show_default=True, help="Of the membership test."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The one seed of the audit.")
@click.option("--reveal", is_flag=True, help="Show excerpts of documents; without it they appear by id and hash only.")
@click.option("--name", default="", help="How the audit is called in its report.")
@click.option(
    "--cache-dir",
    default=None,
    help="Where scores are kept. Default: AUDITOR_CACHE_DIR, or the platform's cache folder.",
)
@click.option(
    "--fail-on",
    callback=_verdicts,
    default=",".join(VERDICTS),
    show_default=True,
    help="Verdicts that make the exit code non-zero.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict; errors still exit non-zero.")
def command(
    outputs: tuple[Path, ...],
    name: str,
    cache_dir: str | None,
    fail_on: tuple[str, ...],
    exit_zero: bool,
    alpha: float,
    required_auc: float,
    **asked: Any,
) -> int:
    r"""Was the model trained on SUSPECT? HELDOUT is like it in every way but is known not to have been trained on.

    Each is a folder of .txt or .md files, a .jsonl, .json, .csv or .parquet file (also .gz), a folder saved by
    `datasets`, or hf:NAME[:SPLIT].

    \b
    Examples:
      auditor check suspect/ heldout/ --model ./my-model -o report.html
      auditor check book.jsonl unseen.jsonl --group-column author --model org/name --reference org/base -o r.json
      auditor check a.csv b.csv --text-column body --model tuned-adapter/ --fail-on evidence -o summary.md
    """
    from auditor.audit import run_check
    from auditor.cli.progress import make_progress
    from auditor.report.renderer import check_outputs, render, write_outputs
    from auditor.report.text import visible
    from auditor.settings import make_options, make_settings

    settings = make_settings(policy={"alpha": alpha, "required_auc": required_auc}, **asked)
    options = make_options(name=name, command=_command_line(click.get_current_context()), cache_dir=cache_dir)
    check_outputs(outputs, inputs=[settings.suspect, settings.heldout, settings.model, *settings.references])
    with make_progress() as progress:
        result = run_check(settings, options, progress=progress)
    write_outputs(result, outputs)
    click.echo(render(result, "text"))
    for path in outputs:
        click.echo(f"wrote {visible(str(path))}", err=True)
    if exit_zero or result.verdict.word.lower() not in fail_on:
        return 0
    return result.exit_code


# Where an audit writes and how it exits do not belong to what reproduces it.
_NOT_REPRODUCED = frozenset({"outputs", "cache_dir", "fail_on", "exit_zero", "name"})


def _command_line(context: click.Context) -> str:
    """The command that reproduces the figures: arguments, and the options that were given."""
    words = ["auditor", "check"]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif name not in _NOT_REPRODUCED and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            flag = max(parameter.opts, key=len)
            if value is True:
                words.append(flag)
            else:
                for item in value if isinstance(value, tuple) else (value,):
                    words += [flag, str(item)]
    return shlex.join(words)
