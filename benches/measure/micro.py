"""The micro-benchmarks of benches/benches/micro.rs, as a table."""

from __future__ import annotations

import re
import subprocess

from . import report
from .bench import Bench
from .machine import ROOT, TARGET

UNITS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}


def median_ns(cell: str) -> float:
    value, unit = cell.split()
    return float(value) * UNITS[unit]


def parse(text: str) -> list[tuple[str, float]]:
    """Name and median of each benchmark, from the tree that divan prints."""
    found: list[tuple[str, float]] = []
    path: list[str] = []
    for line in text.splitlines():
        entry = re.match(r"([│ ]*)(?:├─|╰─) (\S+)\s*(.*)", line)
        if not entry:
            continue
        depth, name, rest = len(entry.group(1)) // 3, entry.group(2), entry.group(3)
        path[depth:] = [name]
        times = re.findall(r"[\d.]+ (?:ns|µs|ms|s)\b", rest)
        if len(times) >= 3:
            found.append((" ".join(path).replace("_", " "), median_ns(times[2])))
    return found


def shown(nanos: float) -> str:
    unit = "ns" if nanos < 1e3 else "µs" if nanos < 1e6 else "ms"
    return f"{report.number(nanos / UNITS[unit])} {unit}"


def run(bench: Bench) -> str:
    command = ["cargo", "bench", "--locked", "--quiet", "--bench", "micro", "--target-dir", str(TARGET)]
    options = ["--", "--max-time", "0.1"] if bench.quick else []
    done = subprocess.run(
        [*command, *options], cwd=ROOT / "benches", capture_output=True, text=True, timeout=3600, check=False
    )
    found = parse(done.stdout)
    if done.returncode or not found:
        bench.problems.append(f"micro: {done.stderr[-500:]}")
    return report.table(["part", "median"], [[name, shown(nanos)] for name, nanos in found])
