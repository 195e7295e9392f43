"""Where a sentence may be put: after sentences inside paragraphs of prose, and nowhere else."""

from __future__ import annotations

import pytest

from auditor.splicing.file_format import file_formats
from auditor.splicing.prose import prose_points


def before(text: str, *, markdown: bool = False) -> list[str]:
    """The last word before each point."""
    return [text[:point].split()[-1] for point in prose_points(text, indented_code=markdown)]


def test_neither_the_first_nor_the_last_sentence_end() -> None:
    assert before("One. Two. Three. Four.") == ["Two.", "Three."]
    assert before("One. Two.") == []
    assert before("") == []


def test_the_end_of_a_paragraph_is_no_point() -> None:
    assert before("One. Two.\n\nThree. Four.\n\nFive. Six.") == ["Three.", "Five."]
    assert before("One.\r\n\r\nTwo. Three.\r\n\r\nFour.") == ["Two."]
    assert before("One. Two. Three") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr. Smith came.",
        "It weighs 3.5 kg.",
        "Use e.g. Water.",
        "J. S. Bach wrote it.",
        "The U.S. Army left.",
        "See Fig. 2 there.",
        "He went on ... and on.",
        "In St. Louis.",
        "Der Ort, z.B. Bonn.",
    ],
)
def test_abbreviations_and_numbers_end_nothing(sentence: str) -> None:
    assert before(f"One. Two. {sentence} Five. Six.") == ["Two.", sentence.split()[-1], "Five."]


def test_other_scripts() -> None:
    assert before("これは一つ。これは二つ。これは三つ。終わり。")[0].endswith("二つ。")
    assert before("यह एक है। दूसरा यहाँ। तीसरा वहाँ। अंत।") == ["यहाँ।", "वहाँ।"]
    assert before("هذا أول. هل هذا ثان؟ نعم هو. انتهى.") == ["ثان؟", "هو."]


def test_nothing_is_put_into_quotations_or_brackets() -> None:
    assert before('One. "Two. Three." Four. (Five. Six.) Seven. Eight.') == ['Three."', "Four.", "Six.)", "Seven."]
    assert before("Eins. „Zwei. Drei.“ Vier. Fünf.") == ["Drei.“", "Vier."]


MARKDOWN = """---
title: A. B. C.
---
# A heading. With two. Sentences

First one. Second one. Third one.
Fourth one.

```python
code(). More(). Yet().
```

| a. b. | C. D. |
|---|---|
| One. Two. | Three. Four. |

A. | B. C. D.
--- | ---
e. F. | G. H.

* [A link](http://a.b/c.d). Its words. Here.
* Prose of an item. Goes on. Ends.

> Quoted. By. Somebody.

    indented(). Code(). Here().

<div>Markup. In. Here.</div>

<!-- A comment.

Goes. On. Here. -->

Title. Of. This
===============

With `code. In. It` and [a link. To. It](http://x.y). Then more. End.
"""


def test_markdown_has_points_in_its_prose_alone() -> None:
    assert before(MARKDOWN, markdown=True) == ["one.", "one.", "item.", "on.", "more."]


@pytest.mark.parametrize("opening", ["```", "~~~~", "<!--", "$$"])
def test_what_is_never_closed_is_no_prose(opening: str) -> None:
    assert prose_points(f"{opening}\nOne. Two. Three. Four.\n") == ()


def test_a_ruler_at_the_beginning_is_no_front_matter() -> None:
    assert before("---\n\nOne. Two. Three. Four.\n") == ["Two.", "Three."]


def test_points_are_cheap_in_one_huge_line() -> None:
    assert len(prose_points("A word. " * 20_000)) == 19_998
    assert prose_points("[" * 50_000 + "`" * 50_000 + "<" * 50_000 + "." * 50_000) == ()


PAGE = """<!doctype html><html><head><title>T. U. V.</title></head><body>
<nav><ul><li>Home. Page. Here.</li></ul></nav>
<main><h1>Head. Line. Here.</h1>
<p>First one. Second <b>bold. One</b>. <a href="x">A link. Goes on. Here.</a> After it. End.
<p>Unclosed. Paragraph &amp; more. Last.</p>
<ul><li>Item one. Item two. Item three.<li>Next. One.</ul>
<table><tr><th>Head. Cell. No.</th><td>Cell one. Cell two. Cell three.</td></tr></table>
<p hidden>Not. Shown. At all.</p><pre>Code. In. Here.</pre>
<script>var a = "<p>No. Text. Here.</p>"</script><!-- <p>No. Comment. Here.</p> -->
</main><footer><p>Foot. Note. Here.</p></footer><p>Outside. Of. Main.</p></body></html>"""


def test_a_page_has_points_in_the_paragraphs_of_its_main_part() -> None:
    opened = file_formats()["html"].open(PAGE.encode(), "")
    (text,) = opened.texts
    for hidden in ("Home", "T.", "Head", "Shown", "Code", "Foot", "No.", "Outside"):
        assert hidden not in text
    assert "Paragraph & more" in text
    words = [text[:point].split()[-1] for point in opened.insertion_points(0)]
    assert words == ["bold.", "One.", "it.", "Unclosed.", "more.", "one.", "two.", "Next.", "one.", "two."]
