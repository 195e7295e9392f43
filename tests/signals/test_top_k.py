"""The most probable next tokens against a sort of the whole vocabulary, whatever the blocks."""

from __future__ import annotations

import pytest
import torch

from auditor.signals import top_k as top_k
from auditor.signals.kernel import Blocks, Head, logit_statistics, token_statistics
from auditor.signals.top_k import TopK, TopTokens


def case(rows: int, vocabulary: int, width: int = 24) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(vocabulary)
    hidden = torch.randn(rows, width, generator=generator)
    weight = torch.randn(vocabulary, width, generator=generator)
    return hidden, weight, torch.randint(0, vocabulary, (rows,), generator=generator)


def check(found: TopTokens | None, logits: torch.Tensor, count: int) -> None:
    assert found is not None
    logp = torch.log_softmax(logits.double(), dim=1)
    truth, order = logp.sort(dim=1, descending=True)
    assert found.ids.dtype == torch.int32
    assert found.logprobs.dtype == torch.float32
    torch.testing.assert_close(found.logprobs.double(), truth[:, :count], atol=1e-4, rtol=1e-5)
    assert torch.equal(found.ids.long(), order[:, :count])


@pytest.mark.parametrize("gathered", [16, 64, 2**14])
@pytest.mark.parametrize("blocks", [Blocks(), Blocks(7, 10), Blocks(1, 1), Blocks(4, 33), Blocks(1000, 5000)])
def test_whatever_the_blocks(blocks: Blocks, gathered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_k, "_COLUMNS", gathered)
    hidden, weight, targets = case(19, 333)
    found = token_statistics(hidden, targets, Head(weight), blocks, top=8)
    check(found.top_k, hidden @ weight.t(), 8)


def test_uneven_blocks_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_k, "_COLUMNS", 20)
    logits = torch.randperm(3 * 97, generator=torch.Generator().manual_seed(1)).float().view(3, 97)
    some = TopK(3, 5, logits.device)
    for piece in logits.split([3, 30, 2, 9, 11, 1, 41], dim=1):
        some.add(piece)
    check(some.result(torch.logsumexp(logits.double(), dim=1)), logits, 5)


def test_a_vocabulary_smaller_than_what_is_kept() -> None:
    hidden, weight, targets = case(5, 12)
    found = token_statistics(hidden, targets, Head(weight), Blocks(2, 5), top=64)
    check(found.top_k, hidden @ weight.t(), 12)


def test_finished_logits_give_the_same() -> None:
    hidden, weight, targets = case(9, 200)
    logits = hidden @ weight.t()
    check(logit_statistics(logits.clone(), targets, top=16).top_k, logits, 16)


def test_the_statistics_are_the_same_with_and_without() -> None:
    hidden, weight, targets = case(40, 5000)
    plain = token_statistics(hidden, targets, Head(weight), Blocks(16, 700))
    more = token_statistics(hidden, targets, Head(weight), Blocks(16, 700), top=64)
    assert plain.top_k is None
    for name in ("logprob", "mean", "std", "max_logprob", "rank"):
        assert torch.equal(getattr(plain, name), getattr(more, name))


def test_the_first_is_the_target_where_its_rank_is_zero() -> None:
    hidden, weight, targets = case(300, 40)
    found = token_statistics(hidden, targets, Head(weight), Blocks(64, 16), top=4)
    assert found.top_k is not None
    assert torch.equal(found.rank == 0, found.top_k.ids[:, 0].long() == targets)
    assert int((found.rank == 0).sum()) > 0
    torch.testing.assert_close(found.top_k.logprobs[:, 0][found.rank == 0], found.logprob[found.rank == 0])


def test_no_tensor_grows_with_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    empty = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda *shape, **named: sizes.append(shape[0] * shape[1]) or empty(*shape, **named)
    )
    hidden, weight, targets = case(64, 150_000, width=4)
    token_statistics(hidden, targets, Head(weight), Blocks(32, 2048), top=64)
    assert sizes
    assert max(sizes) <= 32 * top_k._COLUMNS
