"""The parts of the benchmark."""

import pathlib
import sys

# What the runners of the tests share.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests"))
