"""The load: our own client, wrk, and the loop of commits."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence

from .figures import Figures
from .machine import FLOOR, LOAD
from .servers import Server

#: Half of the cores for the client.
THREADS = max(1, (os.cpu_count() or 2) // 2)


def measured(server: Server, work: Callable[[], Figures]) -> Figures:
    """Runs the work, and adds how long the server's threads ran for it."""
    before = server.processor_seconds()
    figures = work()
    if figures.requests:
        figures.processor_us = (server.processor_seconds() - before) * 1e6 / figures.requests
    return figures


def load(
    server: Server, kind: str, connections: int, seconds: float, address: str | None = None, **options: object
) -> Figures:
    """Load by our own client."""
    pairs = [f"{name}={value}" for name, value in ({"threads": THREADS} | options).items()]
    command = [str(LOAD), address or server.address, kind, str(connections), str(seconds), *pairs]

    def work() -> Figures:
        limit = seconds * 3 + 300
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-300:]}")
        return Figures(**json.loads(done.stdout), complaint=done.stderr[:300].strip())

    return measured(server, work)


def prepared(connections: int, seconds: float) -> int:
    """How many requests to sign before the time begins, so that signing is no part of what is measured. When they are
    used up, the client signs as it goes."""
    return int(min(connections, 4) * 25_000 * seconds)


def have_wrk() -> bool:
    return shutil.which("wrk") is not None


def wrk(server: Server, path: str, connections: int, seconds: float) -> Figures:
    """Load by wrk, which repeats one request."""
    whole = max(1, round(seconds))
    url = f"http://{server.address}{path}"
    command = ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{whole}s", "--latency", url]

    def work() -> Figures:
        done = subprocess.run(command, capture_output=True, text=True, timeout=whole + 60, check=True)
        return wrk_figures(done.stdout)

    return measured(server, work)


def wrk_figures(text: str) -> Figures:
    """Reads what wrk prints."""

    def micros(share: str) -> float:
        found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", text)
        unit = {"us": 1.0, "ms": 1e3, "s": 1e6}
        return float(found.group(1)) * unit[found.group(2)] if found else 0.0

    total = re.search(r"(\d+) requests in ([\d.]+)s", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = int(refused.group(1)) if refused else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    if not total or not rate:
        raise RuntimeError(f"wrk printed {text[:300]!r}")
    return Figures(int(total.group(1)), errors, float(total.group(2)), float(rate.group(1)), micros("50"), micros("99"))


def commits(directory: pathlib.Path, seconds: float) -> Figures:
    """Durable SQLite commits of one row, one after another."""
    command = [str(FLOOR), "commits", str(directory / "floor.db"), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
    return Figures(**json.loads(done.stdout))


def median(rounds: Sequence[Figures]) -> Figures:
    """The medians of all rounds; errors are added up."""
    values = {
        field.name: statistics.median(getattr(figures, field.name) for figures in rounds)
        for field in dataclasses.fields(Figures)
        if field.name != "complaint"
    }
    complaints = [figures.complaint for figures in rounds if figures.complaint]
    errors = sum(figures.errors for figures in rounds)
    return Figures(**(values | {"errors": errors}), complaint=next(iter(complaints), ""))
