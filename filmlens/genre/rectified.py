"""A hidden layer, relu(x weight + bias), for a stack of folds: its products, and one pass over the rest each way.

Torch would read and write every hidden layer three times forward and three times back. On the CPU numba adds the bias
and rectifies in one pass, and masks and sums the gradient in another; elsewhere torch does.
"""

import numba
import numpy as np
import torch
from torch import Tensor


class RectifiedDense(torch.autograd.Function):
    """relu(bias + x weight) of (folds, 1, H), (folds, N, D) and (folds, D, H).

    The gradient that arrives is masked in place: in this network no other operation sees it.
    """

    @staticmethod
    def forward(ctx, bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        hidden = torch.bmm(x, weight)
        if hidden.is_cpu:
            _rectify(hidden.numpy(), bias.detach().contiguous().numpy())
        else:
            hidden.add_(bias).relu_()
        ctx.save_for_backward(x, weight, hidden)
        return hidden

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        x, weight, hidden = ctx.saved_tensors
        gradient = gradient.contiguous()
        if gradient.is_cpu:
            total = gradient.new_zeros(len(gradient), 1, gradient.shape[2])
            _mask(gradient.numpy(), hidden.numpy(), total.numpy())
        else:
            gradient = torch.ops.aten.threshold_backward.grad_input(gradient, hidden, 0, grad_input=gradient)
            total = gradient.sum(1, keepdim=True)
        down = torch.bmm(gradient, weight.transpose(1, 2)) if ctx.needs_input_grad[1] else None
        return total, down, torch.bmm(x.transpose(1, 2), gradient)


@numba.njit(cache=True, nogil=True)
def _rectify(z: np.ndarray, bias: np.ndarray) -> None:
    """z = max(z + bias, 0); what is not a number stays so."""
    for f in range(z.shape[0]):
        for i in range(z.shape[1]):
            for j in range(z.shape[2]):
                value = z[f, i, j] + bias[f, 0, j]
                z[f, i, j] = z.dtype.type(0) if value <= 0 else value


@numba.njit(cache=True, nogil=True)
def _mask(gradient: np.ndarray, hidden: np.ndarray, total: np.ndarray) -> None:
    """gradient = 0 where hidden is 0; total = its sum over rows."""
    for f in range(gradient.shape[0]):
        for i in range(gradient.shape[1]):
            for j in range(gradient.shape[2]):
                value = gradient.dtype.type(0) if hidden[f, i, j] <= 0 else gradient[f, i, j]
                gradient[f, i, j] = value
                total[f, 0, j] += value
