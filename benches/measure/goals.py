"""The goals for speed and size, next to what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import report

Show = Callable[[float], str]


def percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def times(value: float) -> str:
    return f"{value:.2f} times"


def milliseconds(value: float) -> str:
    return f"{value:.1f} ms"


def mib(value: float) -> str:
    return f"{value:.1f} MiB"


#: Description, name of the figure, goal, whether more is better, how the figure is shown. The goal for the image is in tests/docker/run.
GOALS: list[tuple[str, str, float, bool, Show]] = [
    ("GetSecretValue, signed, 64 connections, of the floor's rate", "get_64", 0.7, True, percent),
    ("its processor time, of the floor's", "get_64_processor", 1.6, False, times),
    ("its p99, of the floor's", "get_64_p99", 1.5, False, times),
    ("PutSecretValue, 64 connections, of one-by-one commits", "put_64", 3.0, True, times),
    ("PutSecretValue, 1 connection, of one-by-one commits", "put_1", 0.5, True, times),
    ("start to first answer, little data", "start_ms", 15, False, milliseconds),
    ("start to first answer, 100,000 secrets", "start_100k_ms", 25, False, milliseconds),
    ("memory, idle", "idle_mib", 16, False, mib),
    ("memory after 1,000,000 reads over 100,000 secrets, or 90 s of them", "read_100k_mib", 100, False, mib),
    ("memory of the last ten seconds of the mixed run over the first", "mixed_memory", 0.1, False, percent),
    ("GetSecretValue of one secret, 1,000,000 stored, of the rate with 1,000", "get_million", 0.8, True, percent),
    ("the same, of all in turn", "get_million_spread", 0.8, True, percent),
    ("ListSecrets, page 1 of 1,000,000, of page 1 of 1,000", "list_million_first", 3, False, times),
    ("ListSecrets, page 5,000 of 1,000,000, of page 1 of 1,000", "list_million_middle", 3, False, times),
    ("release binary", "binary_mb", 20, False, lambda value: f"{value:.1f} MB"),
]


def table(measured: Mapping[str, float]) -> str:
    rows = []
    for what, name, goal, more, show in GOALS:
        bound = f"at {'least' if more else 'most'} {show(goal)}"
        value = measured.get(name)
        if value is None:
            rows.append([what, bound, "not measured in this run", ""])
            continue
        reached = value >= goal if more else value <= goal
        rows.append([what, bound, show(value), "yes" if reached else "no"])
    return report.table(["goal", "bound", "measured", "reached"], rows)
