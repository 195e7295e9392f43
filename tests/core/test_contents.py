"""What stands in the place of content is recognised by its first bytes, and content never is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import pytest

from auditor.core.contents import HEAD_BYTES, Content, require_content, stand_in, stand_in_of
from auditor.core.errors import UsageError

SHA = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 12345\n"
POINTERS = {
    "Git LFS": [
        LFS,
        LFS.replace("\n", "\r\n"),
        LFS.rstrip(),
        LFS.replace("oid", f"ext-0-foo sha256:{SHA}\noid"),
        LFS.replace("git-lfs", "hawser"),
    ],
    "Xet": [f"# xet version 0\nfilesize = 1234\nhash = '{SHA}'\n"],
    "DVC": [
        "outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 14445097\n  path: data.xml\n",
        "wdir: x\ndeps:\n- path: a\n  md5: def\nouts:\n- md5: d.dir\n  nfiles: 3\n  hash: md5\n  path: x\n",
    ],
    "git-annex": [
        f"/annex/objects/SHA256E-s1234--{SHA}.jsonl\n",
        f"../../.git/annex/objects/0M/1x/SHA256E-s1--{SHA}/SHA256E-s1--{SHA}.txt",
    ],
}
PAGES = [
    "<!DOCTYPE html>\n<html><head><title>Sign in · GitHub</title></head>",
    "\ufeff\n<html lang=en><body><h1>403 Forbidden</h1></body></html>",
    '<?xml version="1.0"?>\n<!-- a --><!-- b -->\n<!doctype html><html><head><title>Just a moment...</title>',
    "<html><head><title>Google Drive - Virus scan warning</title></head>",
    "<html><head><title>Error 502 (Bad Gateway)</title></head>",
]
STORE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
CLEAR = [
    "Entry not found",
    "404: Not Found",
    "Invalid username or password.",
    "Access to model meta-llama/Llama-2-7b is restricted. You must be authenticated to access it.",
]
SHORT = [
    "Access denied",
    "Forbidden\n",
    '{"error":"Repository not found"}',
    '{"message": "Not Found", "documentation_url": "https://docs"}',
    '{"detail":"Not Found"}',
]
PROSE = [
    LFS + "is what a pointer holds, as the manual of Git LFS explains.\n",
    "version https://git-lfs.github.com/spec/v1 is the first line of a pointer.\n",
    "A text about git-lfs:\n" + LFS,
    "<html><head><title>A history of errors</title></head><body>" + "text " * 2000,
    "500 miles",
    "403 people came.",
    "Not found, the treasure stayed where it was, and so did we. " * 20,
    "/annex/objects/a\nand then more of it\n",
    "Access to models is restricted by law in some countries.",
    "outs: the plural of out, in cricket\nmd5: a digest\n",
    "a",
    "\n",
]


def kind(text: str | bytes, content: Content) -> str:
    data = text.encode() if isinstance(text, str) else text
    standing = stand_in(data[:HEAD_BYTES], content, whole=len(data) <= HEAD_BYTES)
    return "" if standing is None else standing.kind


@pytest.mark.parametrize("content", get_args(Content))
@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in POINTERS.items() for text in texts])
def test_pointers_are_recognised_wherever_they_stand(name: str, text: str, content: Content) -> None:
    assert kind(text, content) == f"a {name} pointer"


@pytest.mark.parametrize("text", PAGES)
def test_pages_of_errors_and_logins_are_recognised(text: str) -> None:
    assert "error or a login" in kind(text, "text")
    assert "error or a login" in kind(text, "structured")
    assert not kind(text, "markup"), "a corpus of web pages may hold it"


def test_notices_are_recognised_where_no_prose_can_be_meant() -> None:
    assert all(
        "notice" in kind(text, content) for text in [*CLEAR, STORE] for content in ("text", "structured", "binary")
    )
    assert all("notice" in kind(text, content) for text in SHORT for content in ("structured", "binary"))
    assert not any(kind(text, "text") for text in SHORT), "a short document may say so"


@pytest.mark.parametrize("text", PROSE)
def test_prose_about_any_of_this_is_prose(text: str) -> None:
    assert not kind(text, "text")
    assert not kind(text, "markup")


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "Not found"}\n',
        '{"error": "x", "text": "y"}\n',
        '{"message": "a commit", "author": "b"}\n',
        "text,error\na,b\n",
        '{"model_type": "gpt2", "title": "x"}',
        "[]",
        "{}",
        "error,detail\n",
    ],
)
def test_data_and_configurations_are_no_notices(text: str) -> None:
    assert not kind(text, "structured")


def test_a_web_page_in_the_place_of_data_is_one_whatever_its_title() -> None:
    assert "web page" in kind("<!doctype html><title>Welcome</title>", "structured")


@pytest.mark.parametrize(("data", "expected"), [(b"", "an empty file"), (b"\0" * 9000, "NUL bytes"), (b"\0", "NUL")])
def test_empty_and_zeroed_files(data: bytes, expected: str) -> None:
    assert expected in kind(data, "binary")


def test_a_link_into_an_annex_that_leads_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "a.txt"
    link.symlink_to(f".git/annex/objects/0M/1x/{SHA}.txt")
    standing = stand_in_of(link, "text")
    assert standing is not None
    assert "git annex get" in standing.hint


def test_the_refusal_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(LFS)
    with pytest.raises(UsageError, match="this is a Git LFS pointer, not the file itself") as caught:
        require_content(path, "structured")
    assert "git lfs pull" in caught.value.hint
    assert caught.value.message.startswith(str(path))


@pytest.mark.parametrize(
    "unit",
    [b"<!---->", b"<title", b"<title> ", b"-a:\n", b" ", b"a: b\n", b"version https://git-lfs", b"error ", b"404 "],
)
def test_no_input_is_slow(unit: bytes) -> None:
    starts = (b"", b"<html>", b"outs:\nmd5:\n", b"# xet version 0\n", b"version https://git-lfs.github.com/spec/v1\n")
    began = time.process_time()
    for start in starts:
        for content in get_args(Content):
            for size in (1000, 2000, HEAD_BYTES):
                kind((start + unit * size)[:size], content)
    assert time.process_time() - began < 0.5
