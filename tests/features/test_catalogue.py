from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from auditor.core.errors import RunError, UsageError
from auditor.features import catalogue, loss
from auditor.features.catalogue import all_features, feature_sets, select_features
from auditor.features.feature import Feature, feature
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import all_transforms
from auditor.signals.views import View

pytestmark = pytest.mark.long

Maker = Callable[..., TokenSignals]
FEATURES = all_features()

DEFAULT = [
    "bits-per-byte",
    "zlib-ratio",
    "min-k-20",
    "min-k-plus-plus",
    "gap-k",
    "max-k-20",
    "excess-surprisal",
    "top-1-rate",
    "log-rank",
    "extraction-logprob",
    "longest-run",
    "loss-slope",
    "reference-gap",
    "wbc",
    "ez-mia",
    "rare-token-gap",
    "lowercase-gap",
    "repetition-gain",
    "word-drop-gap",
]


def names(features: tuple[Feature, ...]) -> set[str]:
    return {item.name for item in features}


def test_the_default_set_is_what_is_promised_and_no_more() -> None:
    assert names(select_features("default")) == set(DEFAULT)


def test_the_published_set_has_both_tails_of_the_whole_grid() -> None:
    grid = {f"{side}-k-{percent}" for side in ("min", "max") for percent in (5, 10, 20, 30, 40, 50, 60)}
    assert names(select_features("llm-di")) == grid | {"loss", "perplexity", "zlib-mean-loss"}


def test_default_is_single_pass_and_two_pass_together() -> None:
    sets = {name: names(members) for name, members in feature_sets().items()}
    assert sets["single-pass"] | sets["two-pass"] == sets["default"]
    assert not sets["single-pass"] & sets["two-pass"]
    for item in select_features("default"):
        transforms = {view.transform for view in item.views}
        assert ("single-pass" in item.sets) == (transforms == {"as-is"}), item.name


def test_the_reference_set_is_the_default_ones_with_a_reference() -> None:
    expected = {f.name for f in select_features("default") if any(view.model == "reference" for view in f.views)}
    assert names(select_features("reference")) == expected


@pytest.mark.parametrize("item", FEATURES, ids=lambda item: item.name)
def test_every_feature_documents_itself(item: Feature) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.name)
    assert item.summary.endswith(".")
    assert item.source
    assert item.sets
    assert item.views
    assert {view.transform for view in item.views} <= set(all_transforms())


def test_selections_combine_in_the_order_of_the_catalogue() -> None:
    chosen = select_features(" surp, two-pass ,loss,loss")
    assert names(chosen) == {"surp", "loss", "lowercase-gap", "word-drop-gap", "repetition-gain"}
    assert chosen == select_features("loss,two-pass,surp")
    assert select_features("all") == FEATURES


def test_an_unknown_name_is_an_error_with_a_hint() -> None:
    with pytest.raises(UsageError) as caught:
        select_features("default,min-k-2O")
    assert "min-k-2O" in caught.value.message
    assert "min-k-20" in caught.value.hint


@pytest.mark.parametrize("spec", ["", " , "])
def test_an_empty_selection_is_an_error(spec: str) -> None:
    with pytest.raises(UsageError, match="no features"):
        select_features(spec)


@pytest.mark.parametrize("name", ["loss", "default", "all"])
def test_a_name_used_twice_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = feature(name=name, family="loss", source="none")(lambda signals: 0.0)
    monkeypatch.setattr(loss, "TWIN", (twin,), raising=False)
    with pytest.raises(RunError, match=name):
        catalogue.all_features()


def records(rng: np.random.Generator, record: Maker, member: bool) -> Mapping[View, TokenSignals]:
    """Views of one document under a toy model: a latent difficulty a token, half of it removed by training.

    The reference has not trained on anything. Changed text loses what training gave; a second copy costs everyone the
    same small loss.
    """
    n = 80
    base = rng.gamma(1.5, 2.0, n)
    noise = lambda: rng.gamma(1.5, 0.2, n)  # noqa: E731
    learnt = 0.5 if member else 1.0
    entropy = rng.uniform(1, 3, n)

    def view(loss: np.ndarray, ids: int = 100, context: int = 0) -> TokenSignals:
        return record(
            -loss,
            mean=-entropy,
            std=rng.uniform(0.8, 1.2, n),
            rank=np.floor(np.expm1(loss)).astype(int),
            ids=range(ids, ids + n),
            positions=range(context + 1, context + n + 1),
            zlib_bytes=60,
        )

    return {
        View(): view(learnt * base + noise()),
        View(model="reference"): view(base + noise()),
        View(transform="lowercase"): view(1.1 * base + noise(), ids=500),
        View(transform="word-drop"): view(1.1 * base + noise(), ids=900),
        View(transform="repeat"): view(0.1 * base + noise(), context=n),
    }


@pytest.mark.parametrize("item", [f for f in FEATURES if f.direction], ids=lambda item: item.name)
def test_members_lie_where_the_direction_says(item: Feature, record: Maker) -> None:
    rng = np.random.default_rng(11)
    means = []
    for member in (True, False):
        documents = [records(rng, record, member) for _ in range(60)]
        means.append(np.nanmean([item.compute(*(document[view] for view in item.views)) for document in documents]))
    assert item.direction * (means[0] - means[1]) > 0
