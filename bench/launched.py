"""Whether a launcher, such as torchrun, started this process beside others: known before they are connected."""

import os


def follows() -> bool:
    """Whether this process is another than the first: it computes, and neither claims, nor writes results, nor speaks.

    See `bench.parallel.leads` for what holds once the processes are connected.
    """
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) != "0"
