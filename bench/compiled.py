"""How loops over pixels are compiled, and the types that the kernels of `bench.metrics` take.

Those are written so that LLVM turns every loop into vector code and yet the numbers are the same on every machine:

- single precision under strict IEEE rules: no contraction into fused multiply-adds (it would break the cross product of
  nearly opposite hues) and no reordering;
- sums run in double precision with one accumulator a lane, so that their order is fixed and no loop depends on itself;
- rows of one scratch array at constant offsets, because the compiler must see that they do not overlap.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

F = np.float32
"""Every constant is wrapped in it: one bare 0.5 would widen a whole loop to double precision."""


def compiled(*types: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile for these argument types at once, or, without types, for whatever comes when first called.

    The machine code is kept beside the source or, where that cannot be written, in the user's cache (numba's rule).
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if types:
        options["signature_or_function"] = types

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except (RuntimeError, OSError):  # neither place can be written: compile in every process
            return numba.njit(**options)(function)

    return decorate


# An array that may be written goes where one that may not is asked for, not the other way round.
IMAGE = numba.types.Array(numba.uint8, 1, "C", readonly=True)
IMAGE_ROWS = numba.types.Array(numba.uint8, 2, "C", readonly=True)
CONSTANTS = numba.types.Array(numba.float32, 1, "C", readonly=True)
MATRIX = numba.types.Array(numba.float32, 2, "C", readonly=True)
SINGLES, DOUBLES, BITS = numba.float32[::1], numba.float64[::1], numba.int32[::1]
