"""Texts of which only parts are scored: the rest is read, and no figure of the parts depends on that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.backend import CPU

from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL, compute_table, requested_views
from auditor.models.loading import open_model
from auditor.models.runtime.causal import CausalBackend
from auditor.models.windows import TokenisedText, count_tokens, cut
from auditor.scoring.plan import Request, record_key
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import all_transforms, transform_text
from auditor.signals.views import Passage, Prompt

TURNS = (
    ("the old map hangs in the town hall", False),
    (" Seven Wizards mix Boxes of liquid jugs", True),
    (" while nobody remembers", False),
    (" Who first drew the Rivers and Roads", True),
    (" the end", False),
)
TEXT = "".join(part for part, _ in TURNS)


def spans_of(turns: tuple[tuple[str, bool], ...]) -> tuple[tuple[int, int], ...]:
    ends = np.cumsum([len(part) for part, _ in turns]).tolist()
    return tuple((end - len(part), end) for end, (part, scored) in zip(ends, turns, strict=True) if scored)


SPANS = spans_of(TURNS)
PASSAGE = Passage(TEXT, SPANS)


def score(model: Path, store: Store, *prompts: Prompt, context: int = 2048, **more: int) -> tuple[TokenSignals, ...]:
    import dataclasses

    spec = open_model(str(model), dataclasses.replace(CPU, max_context=context))
    return score_requests([Request(spec, prompt) for prompt in prompts], store=store, **more).signals


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(tmp_path_factory.mktemp("parts"))


def inside(record: TokenSignals) -> np.ndarray:
    """Which tokens of the whole text lie in a span."""
    return np.array(
        [any(a <= start and end <= b for a, b in SPANS) for start, end in zip(record.starts, record.ends, strict=True)]
    )


def test_the_figures_are_those_of_the_same_tokens_of_the_whole_text(tiny_model_dir: Path, store: Store) -> None:
    whole, parts = score(tiny_model_dir, store, Prompt(TEXT), Prompt(TEXT, spans=SPANS))
    kept = inside(whole)
    for name in ("token_ids", "positions", "rank"):
        assert getattr(parts, name).tolist() == getattr(whole, name)[kept].tolist()
    for name in ("logprob", "mean", "std", "max_logprob"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name)[kept], abs=1e-5)
    scored = PASSAGE.scored
    assert parts.n_bytes == len(scored)
    assert "".join(scored[a:b] for a, b in zip(parts.starts, parts.ends, strict=True)) == scored
    assert not parts.truncated


def test_a_long_text_is_read_in_windows_that_overlap(tiny_model_dir: Path, store: Store) -> None:
    turns = TURNS * 6
    text, spans = "".join(part for part, _ in turns), spans_of(turns)
    (one,) = score(tiny_model_dir, store, Prompt(text, spans=spans), context=32)
    joined = Passage(text, spans).scored
    assert "".join(joined[a:b] for a, b in zip(one.starts, one.ends, strict=True)) == joined
    assert one.n_bytes == len(joined)
    assert int(one.positions.max()) < 32
    later = np.flatnonzero(np.diff(one.positions) < 0) + 1
    assert len(later) > 2
    assert min(one.positions[later]) >= 15


def test_a_limit_counts_what_is_scored(tiny_model_dir: Path, store: Store) -> None:
    (whole,) = score(tiny_model_dir, store, Prompt(TEXT, spans=SPANS))
    (cut_off,) = score(tiny_model_dir, store, Prompt(TEXT, spans=SPANS), max_tokens=16)
    assert (len(cut_off), cut_off.truncated, whole.truncated) == (16, True, False)
    assert cut_off.token_ids.tolist() == whole.token_ids[:16].tolist()


def test_scored_parts_are_part_of_the_key_and_a_text_without_keeps_its_own(tiny_model_dir: Path) -> None:
    spec = open_model(str(tiny_model_dir), CPU)
    prompts = (Prompt(TEXT), Prompt(TEXT, spans=SPANS), Prompt(TEXT, spans=SPANS[:1]))
    assert len({record_key(Request(spec, prompt), None) for prompt in prompts}) == 3


def test_only_what_is_scored_is_transformed() -> None:
    transforms = all_transforms()
    lowered = transform_text(transforms["lowercase"], PASSAGE, 0)
    assert lowered.spans == SPANS
    assert lowered.text == "".join(part.lower() if scored else part for part, scored in TURNS)
    assert transform_text(transforms["as-is"], PASSAGE, 0) == Prompt(TEXT, spans=SPANS)
    repeated = transform_text(transforms["repeat"], PASSAGE, 0)
    assert (repeated.text, repeated.prefix, repeated.spans) == (TEXT, TEXT, SPANS)
    dropped = transform_text(transforms["word-drop"], PASSAGE, 0)
    assert dropped.spans is not None
    rest = [part for part, scored in TURNS if not scored]
    begins, ends = zip(*dropped.spans, strict=True)
    outside = [dropped.text[a:b] for a, b in zip((0, *ends), (*begins, None), strict=True)]
    assert outside == rest
    assert len(dropped.text) < len(TEXT)


def test_every_feature_of_a_text_can_be_computed_of_its_parts(tiny_model_dir: Path, store: Store) -> None:
    features = [feature for feature in select_features("default") if all(v.model == "target" for v in feature.views)]
    views, transforms = requested_views(features, ()), all_transforms()
    prompts = [transform_text(transforms[name], PASSAGE, 0) for _, name in views]
    records = dict(zip(views, score(tiny_model_dir, store, *prompts), strict=True))
    assert {label for label, _ in records} == {TARGET_LABEL}
    table, reasons = compute_table(features, [records], references=())
    assert not np.isnan(table.values).any(), reasons


def _tokens(*places: tuple[int, int]) -> TokenisedText:
    starts, ends = (np.array(column, dtype=np.int32) for column in zip(*places, strict=True))
    return TokenisedText(np.arange(len(places), dtype=np.int32), starts, ends, 0, places[-1][1])


def test_a_token_over_the_edge_counts_with_white_space_alone_outside() -> None:
    text = "ab: cd.\nef"
    tokens = _tokens((0, 2), (2, 3), (3, 6), (6, 8), (8, 10))
    assert count_tokens(tokens, text, [(4, 7)]).tolist() == [False, False, True, True, False]
    assert count_tokens(tokens, text, [(5, 7)]).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("lead", [[], [7]])
def test_without_a_special_token_the_first_token_of_a_window_is_read_alone(lead: list[int]) -> None:
    tokens = _tokens(*((3 * i, 3 * i + 3) for i in range(6)))
    counted = np.array([True, True, False, False, True, False])
    (window,) = cut(tokens, lead=lead, prefix=np.zeros(0, dtype=np.int32), context=16, counted=counted).windows
    assert window.token_ids.tolist() == [*lead, 0, 1, 2, 3, 4]
    assert window.counted is not None
    assert np.flatnonzero(window.counted).tolist() == ([0, 1, 4] if lead else [0, 3])
    assert not cut(
        tokens, lead=lead, prefix=np.zeros(0, dtype=np.int32), context=16, counted=np.zeros(6, dtype=bool)
    ).windows


def test_a_training_learns_what_counts_alone(tiny_model_dir: Path, store: Store) -> None:
    from auditor.models.runtime.training import _loss

    spec = open_model(str(tiny_model_dir), CPU)
    (record,) = score(tiny_model_dir, store, Prompt(TEXT, spans=SPANS))
    backend = spec.load()
    windows = backend.encode(Prompt(TEXT, spans=SPANS)).windows
    loss = float(_loss(backend.model, windows).detach())  # type: ignore[attr-defined]
    assert loss == pytest.approx(-float(record.logprob.sum()), rel=1e-4)


@pytest.mark.parametrize("packed", [True, False])
def test_hidden_states_are_averaged_over_what_counts(tiny_model_dir: Path, packed: bool) -> None:
    import torch

    backend = open_model(str(tiny_model_dir), CPU).load()
    assert isinstance(backend, CausalBackend)
    windows = backend.encode(Prompt(TEXT, spans=SPANS)).windows
    (window,) = windows
    scores = backend.score(windows, variant="batched" if packed else "alone", wanted=Capture(layers=True))
    with torch.inference_mode():
        ids = torch.tensor([window.token_ids.tolist()])
        states = backend.model(input_ids=ids, output_hidden_states=True).hidden_states
    assert window.counted is not None
    assert not window.counted.all()
    wanted = [state[0, window.context :][torch.from_numpy(window.counted)].mean(dim=0).numpy() for state in states]
    assert scores[0].outputs.layers == pytest.approx(np.stack(wanted), abs=1e-4)
