"""The tests of training lend their tiny model."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
