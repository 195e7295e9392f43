"""Plain text for a terminal: the batch and its audits in an aligned table, without colours or control codes."""

from __future__ import annotations

import io

from auditor.batch.renderer import BatchRenderer
from auditor.batch.report import _words
from auditor.core.text import visible
from auditor.results.batch import BatchResult

_WIDTH = 100


def _render(batch: BatchResult) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def wrapped(text: str) -> Text:
        return Text(visible(text), overflow="fold")

    rows = [_words.row(outcome) for outcome in batch.worst_first]
    table = Table(box=box.ASCII2, show_edge=False, pad_edge=False, header_style="", border_style="")
    for header in ("Gate", "Verdict", "AUC"):
        table.add_column(header, no_wrap=True)
    for header in ("p", "corrected"):
        table.add_column(header, no_wrap=True, justify="right")
    table.add_column("Audit", overflow="fold")
    for row in rows:
        verdict = (f"{row.state}: " if row.state else "") + row.verdict or _words.ABSENT
        gate = row.status if row.status == "passed" else row.status.upper()
        cells = (gate, verdict, row.auc, row.p, row.p_adjusted, row.name)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    written = io.StringIO()
    console = Console(
        file=written, width=_WIDTH, force_terminal=False, color_system=None, highlight=False, markup=False, _environ={}
    )
    console.print(wrapped(f"{_words.status(batch).upper()}: {batch.name}"))
    console.print(wrapped(f"{_words.headline(batch)} Exit code {batch.exit_code}."))
    console.print(wrapped(_words.correction(batch)))
    console.print()
    console.print(table)
    for row in rows:
        if row.status != "passed":
            console.print()
            console.print(wrapped(f"{row.name}: {row.reason}"))
    # Once more: a name may stand at the beginning of a line that was wrapped.
    return visible("\n".join(line.rstrip() for line in written.getvalue().splitlines()), keep="\n") + "\n"


TEXT = BatchRenderer(name="text", extensions=(".txt",), render=_render)
