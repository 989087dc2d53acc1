"""Where the benchmark runs, with what, and how its programs are built."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Figures

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "target/benches"
LOAD = TARGET / "release/load"
FLOOR = TARGET / "release/floor"


@dataclasses.dataclass
class Bench:
    """What was asked for, and what was found out so far."""

    binary: pathlib.Path
    rounds: int
    seconds: float
    mixed_seconds: int
    million: bool
    peers: bool
    quick: bool
    #: Wrong answers and errors: any of them fails the run.
    problems: list[str] = dataclasses.field(default_factory=list)
    #: Figures by name, for the table of goals.
    measured: dict[str, float] = dataclasses.field(default_factory=dict)

    def judge(self, what: str, figures: Figures) -> None:
        """Notes what must not happen."""
        if figures.errors or not figures.requests:
            self.problems.append(f"{what}: {figures.requests} right, {figures.errors} wrong: {figures.complaint}")

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Bench:
        quick = asked.quick
        return cls(
            binary=asked.binary.resolve(),
            rounds=1 if quick else asked.rounds,
            seconds=0.3 if quick else asked.seconds,
            mixed_seconds=3 if quick else asked.mixed_seconds,
            million=asked.million,
            peers=not (quick or asked.no_peers),
            quick=quick,
        )


def build(bench: Bench) -> None:
    """Builds what is missing; an older program is used as it is when it was named."""
    if bench.binary == ROOT / "target/release/sesame" and not bench.binary.exists():
        subprocess.run(["cargo", "build", "--locked", "--release"], cwd=ROOT, check=True)
    if not bench.binary.exists():
        sys.exit(f"there is no {bench.binary}")
    # Always: it takes no time when nothing changed.
    command = ["cargo", "build", "--locked", "--release", "--quiet", "--bins", "--target-dir", str(TARGET)]
    subprocess.run(command, cwd=ROOT / "benches", check=True)


@contextlib.contextmanager
def workplace() -> Iterator[pathlib.Path]:
    """A directory on the disk that holds the checkout, removed at the end."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=TARGET))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def describe() -> str:
    """The machine, in a line."""
    info = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    model = found.group(1) if found else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = os.getloadavg()[0]
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{day}: {os.cpu_count()} cores of {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}; "
        f"{busy:.1f} processes wanted to run when it began"
    )
