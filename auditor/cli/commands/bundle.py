"""`auditor bundle`: one audit in one zip."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.commands.verify import read_pairs
from auditor.cli.console import console_options, current_console


@click.command(short_help="Pack a result, its features and its report into one zip.")
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Where to write the bundle; ends in .zip."
)
@click.option(
    "--reveal",
    is_flag=True,
    help="Include the texts of both sets, read again from their sources and checked by digest.",
)
@click.option(
    "--data",
    multiple=True,
    callback=read_pairs,
    metavar="ROLE=PATH",
    help="With --reveal: the present path of a set (suspect, heldout) or of sealed scores, if moved. Repeatable.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    default=None,
    help="Of `auditor test`: the present folder of the plan, if it was moved.",
)
@console_options
def command(result: Path, output: Path, reveal: bool, data: dict[str, str], plan: Path | None) -> None:
    """Pack RESULT, a result.json, into a zip that `auditor verify` reads: result, features, report and digests.

    The zip holds result.json, features.csv (one row a document), report.html and manifest.json with the digest of each.
    Without --reveal it holds no text of a document, and a result with excerpts is refused.

    Of `auditor test` it holds result.json, report.html and what is public of the plan: commitment, beacon, time stamp;
    with --reveal also the opening of that one batch, its key and all its candidates. Secrets of other batches never go
    in. --plan says where the plan is now, --data scores=PATH where sealed scores are.

    \b
    Examples:
      auditor bundle result.json -o audit.zip
      auditor bundle result.json -o audit.zip --reveal --data suspect=moved/suspect
    """
    from auditor.core.errors import UsageError
    from auditor.core.files import read_bytes, write_bytes
    from auditor.results.dealt.result import DealtResult
    from auditor.results.io import parse_stored
    from auditor.verify.bundle.dealt import make_dealt_bundle
    from auditor.verify.bundle.make import check_bundle, make_bundle

    if data and not reveal:
        raise UsageError("--data names texts, which only --reveal includes", hint="Give --reveal too.")
    check_bundle(output, inputs=[result, *data.values(), *([] if plan is None else [plan])])
    written = read_bytes(result)
    read = parse_stored(written, result)
    if isinstance(read, DealtResult):
        made = make_dealt_bundle(read, written, result, reveal=reveal, sources=data, plan=plan)
    else:
        made = make_bundle(result, reveal=reveal, sources=data)
    write_bytes(output, made)
    if reveal and isinstance(read, DealtResult):
        current_console().note(
            f"{output} opens batch {read.plan.batch}: whoever has it sees all its candidates and coins, so it proves "
            "nothing about models that are trained from now on"
        )
    current_console().note(f"wrote {output}")
