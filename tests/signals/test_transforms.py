from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.core.errors import RunError
from auditor.signals import transforms
from auditor.signals.transforms import all_transforms, transform_text
from auditor.signals.views import Prompt, Transform

TEXT = "The quick brown Fox jumps.\n\nOver the lazy dog it goes,  and then\tit rests. " * 6
texts = st.text(st.characters(codec="utf-8"), max_size=80)


def apply(name: str, text: str, seed: int = 0) -> Prompt:
    return transform_text(all_transforms()[name], text, seed)


def test_the_transforms_the_features_and_guards_ask_for_exist() -> None:
    assert {"as-is", "lowercase", "word-drop", "repeat", "shuffled-words"} <= set(all_transforms())
    assert all(name == transform.name and transform.summary for name, transform in all_transforms().items())


def test_as_is_and_repeat() -> None:
    assert apply("as-is", TEXT) == Prompt(TEXT)
    assert apply("repeat", TEXT) == Prompt(TEXT, prefix=TEXT)


@given(texts)
def test_lowercase_keeps_every_character_in_its_place(text: str) -> None:
    lowered = apply("lowercase", text).text
    assert len(lowered) == len(text)
    assert all(new in (old, old.lower()) or old == "Σ" for old, new in zip(text, lowered, strict=True))


def test_lowercase_leaves_a_character_that_would_grow() -> None:
    assert apply("lowercase", "İSTANBUL Is").text == "İstanbul is"


@pytest.mark.parametrize("name", ["word-drop", "shuffled-words"])
def test_the_draw_depends_on_text_and_seed_alone(name: str) -> None:
    first = apply(name, TEXT, seed=3)
    apply(name, "another text in between", seed=3)
    np.random.default_rng(0).random(10)
    assert apply(name, TEXT, seed=3) == first
    assert apply(name, TEXT, seed=4) != first
    assert first.prefix == ""


@given(texts, st.integers(0, 5))
@settings(max_examples=200)
def test_word_drop_keeps_an_ordered_non_empty_part_and_both_ends(text: str, seed: int) -> None:
    words, kept = text.split(), apply("word-drop", text, seed).text
    remaining = iter(words)
    assert all(word in remaining for word in kept.split())
    if len(words) < 2:
        assert kept == text
        return
    assert 1 <= len(kept.split()) < len(words)
    assert len(kept) - len(kept.lstrip()) == len(text) - len(text.lstrip())
    assert len(kept) - len(kept.rstrip()) == len(text) - len(text.rstrip())


def test_texts_of_the_same_shape_lose_different_words() -> None:
    def lost(letter: str) -> list[int]:
        kept = set(apply("word-drop", " ".join(f"{letter}{number}" for number in range(100))).text.split())
        return [number for number in range(100) if f"{letter}{number}" not in kept]

    assert lost("a") != lost("b")


def test_word_drop_prefers_a_line_break_to_longer_space() -> None:
    results = {apply("word-drop", "one\n\ntwo        three", seed).text for seed in range(40)}
    assert "one\n\nthree" in results
    assert "one        three" not in results


def test_word_drop_drops_fifteen_percent() -> None:
    kept = len(apply("word-drop", "word " * 20_000).text.split())
    assert kept / 20_000 == pytest.approx(0.85, abs=0.01)


def test_word_drop_keeps_paragraphs_apart_and_single_spaces_single() -> None:
    paragraph = "one two three four five six seven eight nine ten"
    for seed in range(20):
        text = apply("word-drop", f"{paragraph}\n\n{paragraph}", seed).text
        assert text.count("\n\n") == 1
        assert "  " not in text
        assert " \n" not in text
        assert "\n " not in text


@given(texts, st.integers(0, 5))
def test_shuffled_words_keeps_the_words_and_the_white_space(text: str, seed: int) -> None:
    shuffled = apply("shuffled-words", text, seed).text
    assert sorted(shuffled) == sorted(text)
    if len(text.split()) >= 8:
        assert sorted(shuffled.split()) == sorted(text.split())


def test_characters_are_shuffled_where_there_are_next_to_no_words() -> None:
    text = "这是一个没有空格的句子用来检查打乱字符的办法"
    shuffled = apply("shuffled-words", text, 0).text
    assert shuffled != text
    assert sorted(shuffled) == sorted(text)


def test_shuffled_words_moves_words() -> None:
    assert apply("shuffled-words", TEXT).text.split() != TEXT.split()


def test_two_transforms_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = Transform("as-is", "a twin", lambda text, rng: Prompt(text))
    monkeypatch.setattr(transforms.whole, "TWIN", twin, raising=False)  # type: ignore[attr-defined]
    with pytest.raises(RunError, match="as-is"):
        all_transforms()
