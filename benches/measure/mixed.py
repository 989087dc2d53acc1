"""Reads and writes together for a minute: errors, latency, and whether the memory stays flat."""

from __future__ import annotations

import contextlib
import statistics
import threading

from . import client, report, servers
from .bench import Bench
from .machine import workplace

CONNECTIONS = 64
PAUSE = 0.25


class Watch:
    """Looks at a server's memory again and again."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server
        self.samples: list[float] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.over.wait(PAUSE):
            self.samples.append(self.server.resident_mib())

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def run(bench: Bench) -> str:
    seconds = bench.mixed_seconds
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(workplace())
        server = servers.sesame(bench.binary, directory / "data")
        stack.enter_context(servers.running(server))
        client.load(server, "create", 16, 60, secret="bench-put", count=CONNECTIONS)
        # Until every secret has its ten versions and every connection its buffers.
        warm = client.load(server, "mixed", CONNECTIONS, 1 if bench.quick else 5, run="warm", expect='"SecretData":"')
        bench.judge("mixed, before the time begins", warm)
        with Watch(server) as watch:
            figures = client.load(server, "mixed", CONNECTIONS, seconds, run="mixed", expect='"SecretData":"')
    bench.judge("mixed", figures)
    ends = max(1, round(min(10, seconds / 3) / PAUSE))
    first, last = statistics.mean(watch.samples[:ends]), statistics.mean(watch.samples[-ends:])
    bench.measured |= {"mixed_memory": last / first - 1, "mixed_errors": figures.errors}
    rows = [
        ["time, connections", f"{seconds} s, {CONNECTIONS}"],
        ["answered", f"{figures.requests:,}, {report.number(figures.rate)}/s"],
        ["errors", str(figures.errors)],
        ["p50, p99, longest", ", ".join(map(report.ms, (figures.p50_us, figures.p99_us, figures.max_us)))],
        [
            "memory of the first and the last ten seconds",
            f"{first:.1f} MiB, {last:.1f} MiB ({(last / first - 1) * 100:+.1f} %)",
        ],
    ]
    return report.table(["one put for nine gets, signed", "measured"], rows)
