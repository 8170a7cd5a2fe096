"""`python tests/fuzz --help`: see `fuzz.driver`."""

import sys
from pathlib import Path


def start() -> None:
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from fuzz.driver import main

    main()


if __name__ == "__main__":
    start()
