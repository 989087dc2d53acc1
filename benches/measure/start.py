"""Start to first answer, memory, size."""

import statistics

from . import report, servers
from .bench import Bench
from .machine import workplace


def run(bench: Bench) -> str:
    fresh, again, memory = [], [], []
    for _ in range(1 if bench.quick else 20):
        with workplace() as directory:
            for times in (fresh, again):
                with servers.running(servers.sesame(bench.binary, directory / "data", config=None)) as server:
                    times.append(server.start_ms)
                    memory.append(server.resident_mib())
    size = bench.binary.stat().st_size / 1e6
    bench.measured |= {
        "start_ms": max(statistics.median(fresh), statistics.median(again)),
        "idle_mib": statistics.median(memory),
        "binary_mb": size,
    }

    def milliseconds(times: list[float]) -> list[str]:
        return [f"{statistics.median(times):.1f} ms", f"{min(times):.1f} to {max(times):.1f}"]

    rows = [
        ["start of the process to the first answer, no data yet", *milliseconds(fresh)],
        ["the same, started again on its data", *milliseconds(again)],
        ["resident memory, idle", f"{statistics.median(memory):.1f} MiB", f"{min(memory):.1f} to {max(memory):.1f}"],
        ["release binary", f"{size:.1f} MB", ""],
    ]
    return report.table(["what", f"median of {len(fresh)}", "all"], rows)
