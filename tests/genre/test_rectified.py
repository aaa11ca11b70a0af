"""The hidden layer's own passes beside torch's."""

import pytest
import torch

from filmlens.genre.rectified import RectifiedDense


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_rectified_layer_and_its_gradients_are_torchs(dtype):
    draw = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(*shape, generator=draw, dtype=dtype)

    x, weight = random(3, 11, 5), random(3, 5, 7)
    bias = random(3, 2, 7)[:, :1]  # its rows do not follow each other, as in a slice of all parameters
    ours = [t.clone().requires_grad_() for t in (bias, x, weight)]
    theirs = [t.clone().requires_grad_() for t in (bias, x, weight)]
    hidden, reference = RectifiedDense.apply(*ours), torch.relu(torch.baddbmm(*theirs))
    seen = random(3, 11, 7)
    hidden.backward(seen.clone())
    reference.backward(seen)
    close = {"rtol": 0, "atol": 1e-12 if dtype == torch.float64 else 1e-5}
    torch.testing.assert_close(hidden, reference, **close)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, **close)


def test_a_gradient_that_repeats_one_row_is_not_written_through():
    one = torch.ones(1, 1, 4, dtype=torch.float64, requires_grad=True)
    hidden = RectifiedDense.apply(one, torch.eye(3, dtype=torch.float64)[None], -2 * torch.eye(3, 4).double()[None])
    hidden.sum().backward()
    torch.testing.assert_close(one.grad, torch.tensor([[[2.0, 2.0, 2.0, 3.0]]], dtype=torch.float64))


def test_what_is_not_a_number_stays_so():
    x = torch.full((1, 2, 1), torch.nan)
    assert RectifiedDense.apply(torch.zeros(1, 1, 3), x, torch.ones(1, 1, 3)).isnan().all()
