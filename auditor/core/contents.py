"""What the first bytes of a file are: its content, or something that stands for it.

A checkout without Git LFS leaves pointers, a failed download an error page or a notice, an interrupted copy zeros. One
check serves every file that is opened: documents, configurations, tokenizers and weights.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from auditor.core.errors import UsageError

HEAD_BYTES = 4096
"""How many bytes of a file are read to recognise it."""

_MOST_POINTER_BYTES = 1024
_MOST_NOTICE_BYTES = 2048

Content = Literal["text", "markup", "structured", "binary"]
"""Prose, which may be of anything; web pages and other markup; JSON and tables as text; formats of their own such as
safetensors and Parquet."""

_BOM = b"\xef\xbb\xbf"
_SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip archive or an office document",
    b"%PDF-": "a PDF",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"ARROW1": "an Arrow file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True, slots=True)
class StandIn:
    """Something in the place of the content that was meant.

    Attributes:
        kind: What it is, in the singular with its article: `a Git LFS pointer`.
        kinds: The same in the plural.
        hint: What to do.
        pointer: Whether it names content that is stored elsewhere and was not fetched.
        page: Whether it is a web page, which a text may be too.
    """

    kind: str
    kinds: str
    hint: str
    pointer: bool = False
    page: bool = False

    @property
    def sentence(self) -> str:
        """What a file that holds it is, to follow its name and a colon."""
        return f"this is {self.kind}{', not the file itself' if self.pointer else ''}"


_AGAIN = "Fetch the file again, logged in where it needs that, and open it to see that it is what was meant."
_LFS = StandIn(
    "a Git LFS pointer",
    "Git LFS pointers",
    "Run `git lfs pull` where it was cloned to fetch the content, or download the file itself.",
    pointer=True,
)
_XET = StandIn(
    "a Xet pointer",
    "Xet pointers",
    "Run `git xet pull`, or download the file itself, for example with `hf download`.",
    pointer=True,
)
_DVC = StandIn(
    "a DVC pointer", "DVC pointers", "Run `dvc pull` to fetch the content and name the file it gives.", pointer=True
)
_ANNEX = StandIn(
    "a git-annex pointer",
    "git-annex pointers",
    "Run `git annex get` where it was cloned to fetch the content.",
    pointer=True,
)
_PAGE = StandIn("a web page (HTML)", "web pages (HTML)", _AGAIN, page=True)
_ERROR_PAGE = StandIn("a web page of an error or a login", "web pages of an error or a login", _AGAIN, page=True)
_STORE_ERROR = StandIn("the error notice of a storage service", "error notices of a storage service", _AGAIN)
_NOTICE = StandIn("a server's notice of an error", "servers' notices of an error", _AGAIN)
EMPTY = StandIn("an empty file", "empty files", "Write or fetch it again.")
_ZEROS = StandIn(
    "a file of NUL bytes, as an interrupted copy or download leaves it", "files of NUL bytes", "Copy or fetch it again."
)

# Each line of these can be read in one way only, so that no input makes a match slow.
_LFS_SHAPE = re.compile(
    rb"version https://(git-lfs|hawser)\.github\.com/spec/v[\w.]+\r?\n((oid|size|ext-\d-\S+) \S+(\r?\n|\Z))+\s*\Z"
)
_XET_SHAPE = re.compile(rb"# xet version \d[^\n]*\n(\w+ ?=[^\n]*(\n|\Z))+\s*\Z")
_ANNEX_SHAPE = re.compile(rb"(/annex/objects/|(\.\./)*\.git/annex/objects/)[^\r\n]+\s*\Z")
_DVC_LINE = re.compile(rb"[ -]*\w[\w-]*:|\s*#|\s*\Z")
_DVC_DIGEST = re.compile(rb"^[ -]*(md5|etag|checksum|hash):", re.MULTILINE)
_DVC_OUTPUTS = re.compile(rb"^outs:\s*$", re.MULTILINE)

_PAGE_START = re.compile(rb"<(!doctype\s+html|html|head)\b", re.IGNORECASE)
_PROLOGUE = ((b"<?xml", b"?>"), (b"<!--", b"-->"))
_TITLE = re.compile(rb"<(?:title|h1)[^<>]*>([^<]*)<", re.IGNORECASE)
_FAILURE = (
    r"((the )?(page|file|object|repository|resource)? ?not found|forbidden|access (is )?denied|permission denied|"
    r"unauthori[sz]ed|bad gateway|bad request|service (temporarily )?unavailable|too many requests|rate limit exceeded|"
    r"internal server error|gateway time-?out|request has expired)"
)
_ERROR_TITLE = re.compile(
    rf"\W*(((http )?error\W*)?([45]\d\d\W*)?{_FAILURE}|(http )?error(\W*[45]\d\d)?|[45]\d\d( error)?|"
    r"(please )?(log|sign) ?-?(in|on)( to\b.*)?|just a moment|attention required|google drive)"
    r"\W*(\Z|[|\u00b7:\u2013\u2014-])",
    re.IGNORECASE,
)
_STORE_START = re.compile(rb"<Error( [^<>]*)?>\s*<(Code|Message|HttpStatusCode)>")
_STORE_END = re.compile(rb"</Error>\s*\Z")
# What servers answer in place of a file; nobody writes these as a document.
_CLEAR_NOTICE = re.compile(
    rf"(entry not found|[45]\d\d[: -]+{_FAILURE}|(repository|revision) not found|"
    r"(cannot access gated repo|access to (model|dataset) [\w./-]+ is (restricted|gated)|invalid rev id:)[^\n]*|"
    r"invalid (username or password|credentials( in [^\n]*)?)|bad credentials)\W*\Z",
    re.IGNORECASE,
)
_SHORT_NOTICE = re.compile(rf"(error[: -]+)?{_FAILURE}\b[^\n]{{0,200}}\s*\Z", re.IGNORECASE)
_NOTICE_KEYS = frozenset(
    "code detail details documentation_url error error_description error_type errors hint message msg path reason "
    "request_id requestid resource status status_code statuscode success timestamp title trace_id type url".split()
)
_ERROR_KEYS = frozenset({"error", "errors", "documentation_url", "error_description"})


def binary_format(head: bytes) -> str:
    """What a file that begins with these bytes is, where that is no text in UTF-8; empty where unknown."""
    return next((what for signature, what in _SIGNATURES.items() if head.startswith(signature)), "")


def stand_in(head: bytes, content: Content, *, whole: bool) -> StandIn | None:
    """What stands in the place of content, by the first bytes of a file; None where nothing does.

    Args:
        head: The first `HEAD_BYTES` bytes, or all where there are fewer.
        content: What was to be read. Prose may be short, or be about any of this, so only what cannot be meant as
            prose is recognised there.
        whole: Whether `head` is the whole file.
    """
    if not head:
        return EMPTY
    if not head.strip(b"\0"):
        return _ZEROS
    body = head.removeprefix(_BOM).lstrip()
    pointer = _pointer(body) if whole and len(head) <= _MOST_POINTER_BYTES else None
    if pointer is not None or content == "markup":
        return pointer
    return _answer_of_a_server(body, content, whole=whole)


def _pointer(body: bytes) -> StandIn | None:
    if _LFS_SHAPE.match(body):
        return _LFS
    if _XET_SHAPE.match(body):
        return _XET
    if _ANNEX_SHAPE.match(body):
        return _ANNEX
    if _DVC_OUTPUTS.search(body) and _DVC_DIGEST.search(body) and all(map(_DVC_LINE.match, body.splitlines())):
        return _DVC
    return None


def _answer_of_a_server(body: bytes, content: Content, *, whole: bool) -> StandIn | None:
    body = _without_prologue(body)
    if _PAGE_START.match(body):
        titles = [title.decode("utf-8", "replace") for title in _TITLE.findall(body)]
        if any(map(_ERROR_TITLE.match, titles)):
            return _ERROR_PAGE
        return None if content == "text" else _PAGE
    if not whole or len(body) > _MOST_NOTICE_BYTES:
        return None
    if _STORE_START.match(body) and _STORE_END.search(body):
        return _STORE_ERROR
    line = body.decode("utf-8", "replace")
    if _CLEAR_NOTICE.match(line) or (content != "text" and (_SHORT_NOTICE.match(line) or _is_notice(body))):
        return _NOTICE
    return None


def _without_prologue(body: bytes) -> bytes:
    """Markup without the declaration and the comments before its first element."""
    while True:
        end = next((end for start, end in _PROLOGUE if body.startswith(start)), None)
        if end is None or end not in body:
            return body
        body = body.partition(end)[2].lstrip()


def _is_notice(body: bytes) -> bool:
    """Whether a file is one JSON object that says that a request failed."""
    if not body.startswith(b"{"):
        return False
    try:
        tree: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    keys = {str(key).lower() for key in tree}
    failed = keys & _ERROR_KEYS or (keys & {"detail", "message"} and keys <= {"detail", "message", "code", "status"})
    return bool(failed) and keys <= _NOTICE_KEYS


def unfetched_link(path: Path) -> StandIn | None:
    """What a symbolic link that leads nowhere stands for; None where it is none, or not one of a known kind."""
    try:
        target = path.readlink()
    except (OSError, ValueError):  # ValueError: a NUL character, which no path holds
        return None
    return _ANNEX if ".git/annex/objects/" in target.as_posix() and not path.exists() else None


def stand_in_of(path: Path, content: Content) -> StandIn | None:
    """As `stand_in`, of a file as it lies on the disk.

    Raises:
        OSError: It cannot be read.
    """
    link = unfetched_link(path)
    if link is not None:
        return link
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES + 1)
    return stand_in(head[:HEAD_BYTES], content, whole=len(head) <= HEAD_BYTES)


def require_content(path: Path, content: Content, *, where: str = "", may_be_empty: bool = False) -> None:
    """Refuse a file in which something stands for the content that was meant.

    Args:
        path: The file.
        content: What is to be read of it.
        where: How messages call it; its path by default.
        may_be_empty: Whether an empty file is content too.

    Raises:
        UsageError: It is a pointer, an error page, a notice, empty or filled with zeros; the message says which.
        OSError: It cannot be read.
    """
    standing = stand_in_of(path, content)
    refuse_stand_in(None if may_be_empty and standing is EMPTY else standing, where or str(path))


def refuse_stand_in(standing: StandIn | None, where: str) -> None:
    """Raise what a file turned out to be.

    Raises:
        UsageError: There is something in the place of its content.
    """
    if standing is not None:
        raise UsageError(f"{where}: {standing.sentence}", hint=standing.hint)
