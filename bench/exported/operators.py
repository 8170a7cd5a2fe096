"""The operators that a program may use: arithmetic on its own tensors, nothing that names a file or trusts its caller.

Torch's operators include some that map or write files and some that trust their caller about memory, so only those
named here are looked up, each with every overload that returns new values and, where torch has one, the same in place.
"""

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import torch

from bench.errors import BenchError

NAME = re.compile(r"torch\.ops\.aten\.(_?[a-z][a-z0-9_]*)\.([A-Za-z][A-Za-z0-9_]*)")

_NAMES = {
    "layers": """
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution linear bilinear
        addmm mm bmm baddbmm matmul dot mv einsum embedding scaled_dot_product_attention
    """,
    "pooling, padding, resampling": """
        avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d max_pool2d_with_indices
        adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d
        max_unpool2d pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d
        replication_pad2d upsample_nearest1d upsample_nearest2d _upsample_nearest_exact2d upsample_linear1d
        upsample_bilinear2d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa pixel_shuffle
        pixel_unshuffle channel_shuffle grid_sampler grid_sampler_2d affine_grid_generator im2col col2im
    """,
    "normalisation and dropout, the latter at rest": """
        batch_norm _native_batch_norm_legit_no_training _batch_norm_no_update native_batch_norm instance_norm
        group_norm native_group_norm layer_norm native_layer_norm rms_norm dropout
        feature_dropout alpha_dropout feature_alpha_dropout
    """,
    "activations": """
        relu relu6 leaky_relu prelu _prelu_kernel rrelu elu celu selu gelu silu mish sigmoid log_sigmoid tanh
        hardtanh hardsigmoid hardswish hardshrink softshrink softplus softmax _softmax log_softmax _log_softmax
        threshold glu
    """,
    "arithmetic": """
        add sub rsub mul div neg abs sign reciprocal sqrt rsqrt square pow exp exp2 expm1 log log2 log10 log1p
        sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh erf erfc floor ceil round trunc frac fmod
        remainder floor_divide true_divide divide multiply subtract addcmul addcdiv lerp clamp clamp_min
        clamp_max clip maximum minimum fmax fmin where masked_fill nan_to_num logical_and logical_or logical_not
        logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor eq ne lt le gt ge isnan isinf isfinite
        absolute negative positive
    """,
    "reductions": """
        sum mean var std var_mean std_mean amax amin max min argmax argmin prod all any norm linalg_vector_norm
        cumsum cumprod logsumexp median sort topk argsort
    """,
    "shapes": """
        view _unsafe_view view_as reshape reshape_as flatten unflatten squeeze unsqueeze permute transpose t
        movedim numpy_T swapaxes expand expand_as broadcast_to repeat repeat_interleave tile cat concat
        concatenate stack split split_with_sizes chunk unbind tensor_split select slice narrow index_select
        index gather scatter masked_select take_along_dim select_scatter slice_scatter flip roll rot90 tril triu
        unfold meshgrid diagonal
    """,
    "making and copying": """
        zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full arange linspace eye
        scalar_tensor lift_fresh_copy lift_fresh clone contiguous detach alias to _to_copy type_as copy fill
        zero
    """,
    "checks that a program makes of itself": """
        _assert_scalar _assert_async sym_size sym_stride sym_numel sym_storage_offset
        sym_constrain_range_for_size sym_constrain_range item
    """,
}

TENSORS = frozenset(name for names in _NAMES.values() for name in names.split())
"""Names in the `aten` namespace, without overload."""

PASSED = frozenset({"torch.ops.aten._assert_tensor_metadata.default"})
"""Notes on devices that hold only where the program was written."""

NUMBERS: dict[str, Callable[..., Any]] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv,
    "_operator.truediv": operator.truediv,
    "_operator.mod": operator.mod,
    "_operator.neg": operator.neg,
    "_operator.pos": operator.pos,
    "_operator.eq": operator.eq,
    "_operator.ne": operator.ne,
    "_operator.lt": operator.lt,
    "_operator.le": operator.le,
    "_operator.gt": operator.gt,
    "_operator.ge": operator.ge,
    "_operator.and_": operator.and_,
    "_operator.or_": operator.or_,
    "math.trunc": math.trunc,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_not": operator.not_,
    "torch._sym_sqrt": math.sqrt,
}
"""Arithmetic on sizes."""


def find(target: str) -> tuple[Callable[..., Any], bool]:
    """The operator of a name.

    Returns:
        It, and whether it takes its arguments by name.

    Raises:
        BenchError: for a name that is not known to be harmless.
    """
    if target in NUMBERS:
        return NUMBERS[target], False
    match = NAME.fullmatch(target)
    if match and (match[1] in TENSORS or match[1].removesuffix("_") in TENSORS) and not match[2].endswith("out"):
        packet = getattr(torch.ops.aten, match[1], None)
        if packet is not None and match[2] in packet.overloads():
            return getattr(packet, match[2]), True
    raise BenchError(
        f"uses {target}, which is not among the operators known to be harmless; export without it, or as ONNX"
    )
