"""Random files of every format, hostile ones among them: changed texts land exactly, every other byte stays.

    python benchmarks/splice_fuzz.py --files 2000

A file is either refused in words or spliced: its edits undone give its bytes again, it reads back as the edited texts,
and a reader of another make (the csv and json modules, pyarrow, an HTML parser) sees the rest as it was. The table
counts both, and the bytes that were replaced for each character.
"""

from __future__ import annotations

import argparse
import codecs
import csv
import io
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from auditor.core.errors import UsageError
from auditor.splicing.edit import TextEdit, apply_edits, apply_text_edits, inverse_edits
from auditor.splicing.file_format import SpliceableFile, file_formats

COLUMN = "text"
WORDS = (
    "river stone Anna walked slowly 3.5 per cent don't e.g. naïve café über 東京 です。 مرحبا नमस्ते 🙂 👩‍👩‍👧 "
    'a\u00a0b x<y AT&T &amp; "quoted" ‘single’ (aside) [note] '
    "{x} \\n C:\\dir 50% a/b http://x.org/ﬁn \u2028 \x0b \ufeff"
).split(" ")
ENDS = (".", ".", ".", "!", "?", "…", "。", '."')
HOSTILE = (
    "\0",
    "\ufeff",
    "\r",
    "\n",
    "\t",
    '"',
    "'",
    ",",
    "\\",
    "<",
    "&",
    "\u2028",
    "\x85",
    "\x1f",
    "\U0010ffff",
    "  ",
)


def sentence(rng: random.Random) -> str:
    """Words with an end."""
    return " ".join(rng.choices(WORDS, k=rng.randint(2, 9))).capitalize() + rng.choice(ENDS)


def document(rng: random.Random, line_end: str = "\n") -> str:
    """Paragraphs of sentences; now and then none, or one of many thousand characters."""
    if rng.random() < 0.05:
        return rng.choice(("", " ", line_end, "x" * 5000, "No end. " * 400))
    paragraphs = (" ".join(sentence(rng) for _ in range(rng.randint(1, 6))) for _ in range(rng.randint(1, 4)))
    return (line_end * 2).join(paragraphs)


def _coded(text: str, rng: random.Random) -> bytes:
    kind = rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"))
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    return marks.get(kind, b"") + text.encode(kind)


def _line_end(rng: random.Random) -> str:
    return rng.choice(("\n", "\n", "\r\n", "\r"))


def text_file(rng: random.Random) -> bytes:
    """Plain text."""
    return _coded(document(rng, _line_end(rng)), rng)


def markdown_file(rng: random.Random) -> bytes:
    """Markdown with front matter, code, tables, headings and lists of links."""
    end = _line_end(rng)
    parts = [
        f"---{end}title: A. B. C.{end}---",
        f"# A heading. With. Sentences.{end}",
        f"```py{end}code(). More(). Yet.{end}```",
        f"| a. b. | c. D. |{end}|---|---|{end}| One. Two. | Three. Four. |",
        f"* [A link. Text. More.](http://x.org/a.b){end}* [Other. One.](y)",
        f"> Quoted. By. Somebody.{end}",
        *(document(rng, end) for _ in range(3)),
    ]
    first = parts[:1] if rng.random() < 0.5 else []
    return _coded((end * 2).join([*first, *rng.sample(parts[1:], k=rng.randint(1, 6))]), rng)


def jsonl_file(rng: random.Random) -> bytes:
    """Objects and strings with odd numbers, doubled keys and escapes of several styles."""
    end, ascii_only = rng.choice(("\n", "\r\n")), rng.random() < 0.5
    lines = []
    for _ in range(rng.randint(0, 6)):
        text = json.dumps(document(rng), ensure_ascii=ascii_only)
        text = text.replace("/", "\\/") if rng.random() < 0.2 else text
        odd = rng.choice(
            ("1e999", "-0.0", "1.50", "12345678901234567890123", "NaN", "null", '{"text": "inner"}', "[[]]")
        )
        forms = (
            f'{{"text": {text}}}',
            f'{{"n": {odd}, "text":{text} , "n":{odd}}}',
            f' {{"te\\u0078t": {text}, "z": "\\u00e9é"}} ',
            f'{{"text": "first", "text": {text}}}',
            text,
            f'{{"text": null, "n": {odd}}}',
        )
        lines.append(rng.choice(forms))
        lines += [""] if rng.random() < 0.1 else []
    return _coded(end.join(lines) + (end if rng.random() < 0.7 else ""), rng)


def _table(rng: random.Random, delimiter: str) -> bytes:
    end = _line_end(rng)
    names = rng.sample(["id", COLUMN, "a note", "n"], k=4)
    rows = []
    for number in range(rng.randint(0, 6)):
        cells = {"id": str(number), COLUMN: document(rng), "a note": sentence(rng), "n": "1.50"}
        rows.append([cells[name] for name in names])
    stream = io.StringIO(newline="")
    # Asked to quote what needs it, the module leaves out line ends other than its own.
    quoting: Any = (
        csv.QUOTE_ALL if end == "\r" else rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC))
    )
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([names, *rows])
    text = stream.getvalue()
    return _coded(text if rng.random() < 0.7 else text.removesuffix(end), rng)


def csv_file(rng: random.Random) -> bytes:
    """A table separated by commas or semicolons."""
    return _table(rng, rng.choice(",;"))


def tsv_file(rng: random.Random) -> bytes:
    """A table separated by tabs."""
    return _table(rng, "\t")


def html_file(rng: random.Random) -> bytes:
    """A page with end tags left out, scripts, comments, references and hidden parts."""
    end = _line_end(rng)

    def inline() -> str:
        text = (
            document(rng, end).replace("&", "&amp;").replace("<", "&lt;") if rng.random() < 0.8 else document(rng, end)
        )
        tag = rng.choice(("b", "a href='x?a=1&b=2'", "code", "span class=x", "em"))
        return f"{text} <{tag}>{sentence(rng)}</{tag.split()[0]}> {text[:40]}&hellip; More &lang; here. {sentence(rng)}"

    def block() -> str:
        forms = (
            f"<p>{inline()}</p>",
            f"<p>{inline()}",
            f"<ul><li>{inline()}<li>{inline()}</ul>",
            f"<table><tr><td>{inline()}<td><p>{inline()}</table>",
            f"<div>{inline()}</div>",
            f"<script>var a = '<p>No. Text. Here.</p>';</script><!-- <p>No. Text. -->{end}",
            f"<p hidden>{inline()}</p><pre>Code. Here. Too.</pre>",
            f"<p>{inline()}<br/>{inline()}</p></div></b>",
            f"<nav><li>{inline()}</nav><footer><p>{inline()}</footer>",
        )
        return rng.choice(forms)

    body = end.join(block() for _ in range(rng.randint(0, 5)))
    head = rng.choice(("", '<meta charset="utf-8">', "<!doctype html><title>A. B. C.</title>"))
    main = rng.random() < 0.4
    return _coded(f"{head}<body>{'<main>' if main else ''}{body}{'</main>' if main else ''}", rng)


def parquet_file(rng: random.Random) -> bytes:
    """A Parquet file with several types, metadata, codecs and sizes of row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = rng.randint(0, 7)
    texts = [None if rng.random() < 0.05 else document(rng) for _ in range(count)]
    schema = pa.schema(
        [
            pa.field("id", pa.int32()),
            pa.field(COLUMN, rng.choice((pa.string(), pa.large_string())), metadata={"m": "x"}),
            pa.field("score", pa.float64()),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
            pa.field("at", pa.timestamp("us", tz="UTC")),
        ],
        metadata={"pandas": "{}", "made by": "hand"},
    )
    columns = {
        "id": list(range(count)),
        COLUMN: texts,
        "score": [rng.choice((1.5, float("nan"), None, -0.0)) for _ in range(count)],
        "tags": [rng.choice(([], None, ["a", None])) for _ in range(count)],
        "kind": [rng.choice(("a", "b", None)) for _ in range(count)],
        "at": [rng.choice((0, 10**15, None)) for _ in range(count)],
    }
    table = pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=rng.randint(1, 4),
        compression=rng.choice(("none", "snappy", "zstd", "gzip", {"id": "none", COLUMN: "zstd"})),
        use_dictionary=rng.choice((True, False, [COLUMN])),
        write_statistics=rng.choice((True, False)),
        store_schema=rng.random() < 0.8,
    )
    return sink.getvalue()


FILES: Mapping[str, Callable[[random.Random], bytes]] = {
    "text": text_file,
    "markdown": markdown_file,
    "jsonl": jsonl_file,
    "csv": csv_file,
    "tsv": tsv_file,
    "html": html_file,
    "parquet": parquet_file,
}


def damaged(raw: bytes, rng: random.Random) -> bytes:
    """A file with something in it that does not belong there."""
    at = rng.randint(0, len(raw))
    pieces = (
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n",
        b'"',
        b"\\ud800",
        b"\xed\xa0\x80",
        b"<",
        b"\xc3",
        b"\\",
        b"&#",
    )
    return rng.choice((raw[:at] + rng.choice(pieces) + raw[at:], raw[:at], raw[at:], raw.replace(b"\n", b"\r")))


class _Tags(HTMLParser):
    """Everything of a page but its texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[object] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(self.get_starttag_text())

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(("end", tag))

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(("declaration", decl))


def _decoded(raw: bytes) -> tuple[str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16"), raw[:2].hex()
    return raw.decode("utf-8-sig"), raw[:3].hex() if raw.startswith(codecs.BOM_UTF8) else ""


def rest(name: str, raw: bytes) -> list[Any]:
    """What another reader sees of a file but its texts, one entry a document where it has several."""
    if name == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(io.BytesIO(raw)) as file:
            table = file.read()
            groups = [file.metadata.row_group(at) for at in range(file.num_row_groups)]
            sizes = [(group.num_rows, [group.column(at).compression for at in range(6)]) for group in groups]
        rows = table.drop_columns([COLUMN]).to_pylist()
        return [str(row) for row in rows] + [str(table.schema.to_string()), str(sizes)]
    text, mark = _decoded(raw)
    if name == "jsonl":
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        values = [json.loads(line, object_pairs_hook=list, parse_float=str) for line in lines if line.strip()]
        return [
            str([pair for pair in value if pair[0] != COLUMN] if isinstance(value, list) else "") for value in values
        ]
    if name in ("csv", "tsv"):
        header = re.split("[\r\n]", text.lstrip())[0]
        delimiter = "\t" if name == "tsv" else ";" if ";" in header else ","
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
        at = rows[0].index(COLUMN) if rows else 0
        return [row[:at] + row[at + 1 :] for row in rows[1:]]
    if name == "html":
        parser = _Tags()
        parser.feed(text)
        return [mark, parser.seen]
    return [mark]


def some_changes(opened: SpliceableFile, rng: random.Random) -> dict[int, list[TextEdit]]:
    """Sentences put in and words replaced, in some documents."""
    changes: dict[int, list[TextEdit]] = {}
    for index, text in enumerate(opened.texts):
        points = opened.insertion_points(index)
        if points and rng.random() < 0.6:
            at = rng.choice(points)
            changes[index] = [TextEdit(at, at, " " + sentence(rng).replace("\u2028", ""))]
        elif text and rng.random() < 0.4:
            start = rng.randrange(len(text))
            stop = min(len(text), start + rng.randint(0, 3))
            if opened.can_edit(index, start, stop):
                changes[index] = [TextEdit(start, stop, rng.choice((sentence(rng), "é", "", rng.choice(HOSTILE))))]
    return changes


def exercise(name: str, raw: bytes, rng: random.Random) -> Counter[str]:
    """Splice one file and hold the outcome against what was meant.

    Returns:
        Counts of what happened.

    Raises:
        AssertionError: A byte or a text is not what it should be.
    """
    form = file_formats()[name]
    try:
        opened = form.open(raw, COLUMN)
    except UsageError as error:
        _require_words(error)
        return Counter(refused=1)
    counts = Counter(spliced=1, documents=len(opened.texts))
    changes = some_changes(opened, rng)
    if changes:
        counts += _changed(name, raw, opened, changes)
    if not form.single:
        order = rng.sample(range(len(opened.texts)), k=rng.randint(0, len(opened.texts)))
        _arranged(name, raw, opened, order)
        counts["arranged"] += 1
    return counts


def _require_words(error: UsageError) -> None:
    assert error.message
    assert error.hint


def _changed(name: str, raw: bytes, opened: SpliceableFile, changes: Mapping[int, Sequence[TextEdit]]) -> Counter[str]:
    form = file_formats()[name]
    meant = tuple(apply_text_edits(text, changes.get(index, ())) for index, text in enumerate(opened.texts))
    try:
        edits = opened.edits(changes)
        content = apply_edits(raw, edits)
        read_back = form.open(content, COLUMN).texts
    except UsageError as error:
        _require_words(error)
        inserted = [edit.new for each in changes.values() for edit in each]
        if all(new and new not in HOSTILE for new in inserted):
            raise
        return Counter(refused_edits=1)
    if read_back != meant:
        # A page shows white space as one space, and a reference where `&` begins one; a text that begins with a byte
        # order mark loses it.
        assert name == "html" or any(text.startswith("\ufeff") for text in meant), (meant, read_back)
        return Counter(refused_edits=1)
    assert apply_edits(content, inverse_edits(raw, edits)) == raw
    assert rest(name, raw) == rest(name, content)
    if name != "parquet":
        replaced = sum(edit.stop - edit.start for each in changes.values() for edit in each)
        bytes_replaced = sum(edit.stop - edit.start for edit in edits)
        return Counter(edits=len(edits), characters=replaced, bytes=bytes_replaced)
    return Counter(edits=len(edits))


def _arranged(name: str, raw: bytes, opened: SpliceableFile, order: Sequence[int]) -> None:
    edits = opened.arrange(order)
    content = apply_edits(raw, edits)
    assert apply_edits(content, inverse_edits(raw, edits)) == raw
    assert file_formats()[name].open(content, COLUMN).texts == tuple(opened.texts[index] for index in order)
    before, after = rest(name, raw), rest(name, content)
    assert [before[index] for index in order] == after[: len(order)]


def main() -> None:
    """Print a row for each format."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=2000, help="sound files of each format, and as many damaged ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    heads = ("files", "spliced", "refused", "documents", "edits", "refused edits", "arranged", "bytes/character", "s")
    print(f"{'format':<18}" + "".join(f"{head:>16}" for head in heads))
    for name, make in FILES.items():
        for kind in ("sound", "damaged"):
            counts, begun = Counter[str](), time.process_time()
            for number in range(options.files):
                rng = random.Random(f"{options.seed}/{name}/{kind}/{number}")
                raw = make(rng)
                counts += exercise(name, damaged(raw, rng) if kind == "damaged" else raw, rng)
            ratio = f"{counts['bytes'] / counts['characters']:.2f}" if counts["characters"] else "-"
            cells = [counts[word] for word in ("spliced", "refused", "documents", "edits", "refused_edits", "arranged")]
            shown = [options.files, *cells, ratio, f"{time.process_time() - begun:.1f}"]
            print(f"{name + ', ' + kind:<18}" + "".join(f"{cell:>16}" for cell in shown), flush=True)


if __name__ == "__main__":
    main()
