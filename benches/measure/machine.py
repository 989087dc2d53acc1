"""The machine that the benchmark runs on, and the programs that it needs."""

from __future__ import annotations

import contextlib
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

from support.process import ROOT

TARGET = ROOT / "target/benches"
LOAD = TARGET / "release/load"
FLOOR = TARGET / "release/floor"


def build(binary: pathlib.Path) -> None:
    """Builds the programs of the benchmark, and the binary when it is the default one and does not exist."""
    if binary == ROOT / "target/release/sesame" and not binary.exists():
        subprocess.run(["cargo", "build", "--locked", "--release"], cwd=ROOT, check=True)
    if not binary.exists():
        sys.exit(f"there is no binary {binary}")
    # It takes no time when nothing changed.
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
