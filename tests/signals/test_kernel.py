"""The kernel against a float64 reference, whatever the blocks."""

from __future__ import annotations

import itertools

import pytest
import torch

from auditor.signals import kernel
from auditor.signals.kernel import Blocks, Head, TokenStatistics, concatenate, logit_statistics, token_statistics


def reference(hidden: torch.Tensor, targets: torch.Tensor, head: Head) -> TokenStatistics:
    """The definitions, in float64 with the whole matrix."""
    logits = hidden.double() @ head.weight.double().t()
    if head.bias is not None:
        logits = logits + head.bias.double()
    if head.transform is not None:
        logits = head.transform(logits)
    logp = torch.log_softmax(logits, dim=1)
    p = logp.exp()
    mean = (p * logp).sum(1)
    std = ((p * (logp - mean[:, None]) ** 2).sum(1)).sqrt()
    own = logp.gather(1, targets[:, None])
    return TokenStatistics(own[:, 0], mean, std, logp.max(1).values, (logp > own).sum(1))


def check(found: TokenStatistics, truth: TokenStatistics, *, ranks_off: int = 0) -> None:
    for name in ("logprob", "mean", "std", "max_logprob"):
        torch.testing.assert_close(getattr(found, name).double(), getattr(truth, name), atol=1e-4, rtol=1e-5)
    assert int((found.rank - truth.rank).abs().max()) <= ranks_off


def case(n: int, vocabulary: int, width: int = 48, scale: float = 1.0, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, width, generator=generator) * scale
    weight = torch.randn(vocabulary, width, generator=generator)
    return hidden, weight, torch.randint(0, vocabulary, (n,), generator=generator)


@pytest.mark.parametrize("blocks", [Blocks(), Blocks(7, 64), Blocks(1, 1), Blocks(1000, 5000)])
@pytest.mark.parametrize("bias", [False, True])
def test_matches_float64_for_any_blocks(blocks: Blocks, bias: bool) -> None:
    hidden, weight, targets = case(19, 333)
    head = Head(weight, torch.linspace(-3, 3, 333) if bias else None)
    check(token_statistics(hidden, targets, head, blocks), reference(hidden, targets, head))


@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 20.0])
def test_flat_and_peaked_distributions(scale: float) -> None:
    hidden, weight, targets = case(40, 5000, scale=scale)
    head = Head(weight)
    found = token_statistics(hidden, targets, head, Blocks())
    truth = reference(hidden, targets, head)
    # At scale 20 log-probabilities reach -1500, where float32 itself resolves 1e-4 only relatively.
    check(found, truth, ranks_off=1)
    assert bool((found.logprob <= 0).all())
    assert bool((found.std >= 0).all())


def test_one_token_and_a_large_vocabulary() -> None:
    hidden, weight, targets = case(1, 150_000, width=16)
    check(
        token_statistics(hidden, targets, Head(weight), Blocks()), reference(hidden, targets, Head(weight)), ranks_off=1
    )


def test_certain_prediction_has_no_spread() -> None:
    weight = torch.eye(8) * 100
    found = token_statistics(torch.eye(8) * 100, torch.arange(8), Head(weight), Blocks(4, 3))
    assert found.logprob.tolist() == [0.0] * 8
    assert found.std.tolist() == [0.0] * 8
    assert found.max_logprob.tolist() == [0.0] * 8
    assert found.rank.tolist() == [0] * 8


@pytest.mark.parametrize("columns", [64, 100, 2048])
def test_ties_are_not_strictly_greater(columns: int) -> None:
    hidden, weight, _ = case(50, 512)
    weight[256:] = weight[:256]
    targets = torch.arange(50) * 10
    found = token_statistics(hidden, targets, Head(weight), Blocks(16, columns))
    unique = reference(hidden, targets % 256, Head(weight[:256]))
    # Every entry is there twice, so twice as many are greater, and the twin of the target is not one of them.
    assert (found.rank == 2 * unique.rank).all()


def test_all_tied() -> None:
    found = token_statistics(torch.ones(3, 4), torch.tensor([0, 5, 9]), Head(torch.ones(10, 4)), Blocks(2, 3))
    assert found.rank.tolist() == [0, 0, 0]
    torch.testing.assert_close(found.logprob, torch.full((3,), -float(torch.tensor(10.0).log())))


def test_soft_capping_is_part_of_the_logits() -> None:
    hidden, weight, targets = case(11, 700)
    head = Head(weight, transform=lambda logits: torch.tanh(logits / 5) * 5)
    check(token_statistics(hidden, targets, head, Blocks(4, 100)), reference(hidden, targets, head), ranks_off=1)


def test_half_precision_weights_give_float32_statistics() -> None:
    hidden, weight, targets = case(11, 700)
    head = Head(weight.bfloat16())
    found = token_statistics(hidden.bfloat16(), targets, head, Blocks(4, 100))
    check(found, reference(hidden.bfloat16(), targets, head))
    assert found.logprob.dtype == torch.float32


def test_finished_logits_give_the_same() -> None:
    hidden, weight, targets = case(9, 600)
    check(logit_statistics(hidden @ weight.t(), targets), reference(hidden, targets, Head(weight)))


def test_no_tensor_is_larger_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns, vocabulary = 16, 128, 4096
    hidden, weight, targets = case(200, vocabulary, width=8)
    seen: list[int] = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):  # type: ignore[name-defined]
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            if (
                isinstance(out, torch.Tensor)
                and out.untyped_storage().data_ptr() != weight.untyped_storage().data_ptr()
            ):
                seen.append(out.numel())
            return out

    with Watch():
        token_statistics(hidden, targets, Head(weight), Blocks(rows, columns))
    assert max(seen) <= max(rows * columns, hidden.numel())
    assert max(seen) < 200 * vocabulary / 100


def test_nan_is_not_hidden() -> None:
    hidden, weight, targets = case(4, 50)
    hidden[2, 0] = float("nan")
    found = token_statistics(hidden, targets, Head(weight), Blocks(2, 20))
    assert torch.isnan(found.logprob).tolist() == [False, False, True, False]


def test_concatenate_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="no statistics"):
        concatenate([])


def test_rows_do_not_influence_each_other() -> None:
    hidden, weight, targets = case(64, 3000, scale=3)
    whole = token_statistics(hidden, targets, Head(weight), Blocks())
    for size, at in itertools.product((1, 5), (0, 17)):
        part = token_statistics(hidden[at : at + size], targets[at : at + size], Head(weight), Blocks())
        torch.testing.assert_close(part.logprob, whole.logprob[at : at + size], atol=1e-4, rtol=0)


def test_module_needs_no_model() -> None:
    assert "transformers" not in vars(kernel)
