"""Many secrets: how long it takes to create them, what they weigh, and whether answers slow down."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import statistics

from . import client, report, servers
from .bench import Bench
from .figures import Figures
from .machine import workplace

CONNECTIONS = 64
PAGE = 100
READS = 1_000_000


@dataclasses.dataclass
class Scale:
    """What was measured with so many secrets."""

    count: int
    create: Figures
    created_mib: float
    file_bytes: float
    starts_ms: list[float]
    idle_mib: float
    one: Figures
    spread: Figures
    read_mib: float
    pages: list[Figures]


def create(bench: Bench, data: pathlib.Path, count: int) -> tuple[Figures, float]:
    with servers.running(servers.sesame(bench.binary, data)) as server:
        figures = client.load(server, "create", CONNECTIONS, 1800, count=count)
        bench.judge(f"creating {count} secrets", figures)
        return figures, server.resident_mib()


def read(bench: Bench, server: servers.Server, count: int) -> tuple[Figures, Figures]:
    """GetSecretValue of one secret, and of all of them without order; a million reads where that takes a minute."""
    seconds = 0.5 if bench.quick else 3
    one = client.load(server, "get", CONNECTIONS, seconds, secrets=1, prepare=client.prepared(CONNECTIONS, seconds))
    long = count >= 100_000 and not bench.quick
    each = READS // CONNECTIONS + 1
    spread = client.load(server, "get", CONNECTIONS, 90 if long else seconds, secrets=count, requests=each)
    for figures in (one, spread):
        bench.judge(f"reading of {count} secrets", figures)
    return one, spread


def pages(bench: Bench, server: servers.Server, count: int) -> list[Figures]:
    """ListSecrets, the first page, the one in the middle and the last."""
    last = (count + PAGE - 1) // PAGE
    listed = []
    for page in (1, (last + 1) // 2, last):
        seconds = 0.3 if bench.quick else 1
        options: dict[str, object] = {"page": page, "page_size": PAGE, "expect": f'"TotalCount":{count}'}
        listed.append(client.load(server, "list", 1, seconds, **options))
        bench.judge(f"page {page} of {count} secrets", listed[-1])
    return listed


def measure(bench: Bench, directory: pathlib.Path, count: int) -> Scale:
    data = directory / f"of-{count}"
    created, created_mib = create(bench, data, count)
    weight = sum(file.stat().st_size for file in data.glob("sesame.db*"))
    starts, idle = [], []
    for _ in range(1 if bench.quick else 5):
        with servers.running(servers.sesame(bench.binary, data)) as server:
            starts.append(server.start_ms)
            idle.append(server.resident_mib())
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.running(servers.sesame(bench.binary, data)))
        listed = pages(bench, server, count)
        one, spread = read(bench, server, count)
        read_mib = server.resident_mib()
    middle = statistics.median
    return Scale(count, created, created_mib, weight / count, starts, middle(idle), one, spread, read_mib, listed)


def column(scale: Scale) -> list[str]:
    return [
        f"{scale.create.seconds:.1f} s, {report.number(scale.create.rate)}/s",
        f"{scale.created_mib:.1f} MiB",
        f"{report.number(scale.file_bytes)} bytes",
        f"{statistics.median(scale.starts_ms):.1f} ms",
        f"{scale.idle_mib:.1f} MiB",
        f"{report.number(scale.one.rate)}/s",
        f"{report.number(scale.spread.rate)}/s, {report.ms(scale.spread.p99_us)}",
        f"{scale.spread.requests:,}",
        f"{scale.read_mib:.1f} MiB",
        *(report.ms(page.p50_us) for page in scale.pages),
    ]


LABELS = [
    "created by CreateSecret, 64 connections",
    "memory then",
    "database, for each secret",
    "started again: start to first answer",
    "memory then",
    "GetSecretValue of one secret",
    "GetSecretValue of all in turn, p99",
    "reads of them",
    "memory after these",
    f"ListSecrets, {PAGE} a page: first page, median",
    "page in the middle",
    "last page",
]


def note(bench: Bench, scales: list[Scale]) -> None:
    """Keeps what the goals are about."""
    smallest, by_count = scales[0], {scale.count: scale for scale in scales}
    if (many := by_count.get(100_000)) and not bench.quick:
        bench.measured |= {"start_100k_ms": statistics.median(many.starts_ms), "read_100k_mib": many.read_mib}
    if million := by_count.get(1_000_000):
        first = smallest.pages[0].p50_us
        bench.measured |= {
            "get_million": million.one.rate / smallest.one.rate,
            "get_million_spread": million.spread.rate / smallest.spread.rate,
            "list_million_first": million.pages[0].p50_us / first,
            "list_million_middle": million.pages[1].p50_us / first,
        }


def run(bench: Bench) -> str:
    counts = [100, 1_000] if bench.quick else [1_000, 100_000]
    scales = []
    for count in counts + [1_000_000] * bench.million:
        with workplace() as directory:
            scales.append(measure(bench, directory, count))
    note(bench, scales)
    columns = [column(scale) for scale in scales]
    rows = [[label, *cells] for label, *cells in zip(LABELS, *columns, strict=True)]
    return report.table(["secrets", *(f"{scale.count:,}" for scale in scales)], rows)
