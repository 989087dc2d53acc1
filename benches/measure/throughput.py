"""Reads and writes beside the floor and the peers, all of them running at once and loaded in turn, round by round."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import statistics
from collections.abc import Callable

from . import api, client, peers, report, servers
from .bench import Bench
from .figures import Figures
from .machine import workplace

CONNECTIONS = (1, 16, 64)
SESAME = "Sesame"
READ_FLOOR = "floor: the same bytes by a bare handler"
WRITE_FLOOR = "floor: one-row SQLite commits, one by one"

#: Of so many connections in this round.
Load = Callable[[int, int], Figures]


@dataclasses.dataclass
class Contest:
    """Who is loaded with one kind of request, and what came out: a figure for each round."""

    floor: str
    loads: dict[str, Load]
    seen: dict[tuple[str, int], list[Figures]] = dataclasses.field(default_factory=dict)

    def round(self, bench: Bench, connections: int, number: int) -> None:
        """Everybody takes a turn."""
        for name, load in self.loads.items():
            figures = load(connections, number)
            self.seen.setdefault((name, connections), []).append(figures)
            if name in (SESAME, self.floor):
                bench.judge(f"{name} at {connections} connections", figures)

    def ratio(self, name: str, connections: int, what: Callable[[Figures], float]) -> float:
        """The median of each round's ratio to the floor."""
        pairs = zip(self.seen[name, connections], self.seen[self.floor, connections], strict=True)
        return statistics.median(what(ours) / max(what(floor), 1e-3) for ours, floor in pairs)

    def row(self, name: str, connections: int) -> list[str]:
        middle = client.median(self.seen[name, connections])
        return [
            name,
            str(connections),
            report.number(middle.rate),
            report.share(self.ratio(name, connections, rate)),
            report.ms(middle.p50_us),
            report.ms(middle.p99_us),
            report.share(self.ratio(name, connections, p99)),
            f"{report.number(middle.processor_us)} µs" if middle.processor_us else "",
            str(middle.errors),
        ]

    def table(self) -> str:
        rows = [self.row(name, connections) for connections in CONNECTIONS for name in self.loads]
        return report.table([*HEAD, "errors"], rows)


HEAD = ["who", "connections", "per second", "of the floor", "p50", "p99", "of the floor's", "processor time each"]


def rate(figures: Figures) -> float:
    return figures.rate


def p99(figures: Figures) -> float:
    return figures.p99_us


def processor(figures: Figures) -> float:
    return figures.processor_us


def prepare(server: servers.Server, directory: pathlib.Path) -> pathlib.Path:
    """Makes the secrets; the file with the bytes of the answer that is measured."""
    client.load(server, "create", 1, 60, secret="bench", count=1)
    client.load(server, "create", 16, 60, secret="bench-put", count=max(CONNECTIONS))
    answer = directory / "answer.json"
    answer.write_bytes(api.call_raw(server.address, "GetSecretValue", SecretName="bench/0"))
    return answer


def get(bench: Bench, server: servers.Server) -> Load:
    """The signed read, of Sesame or of the floor: the same requests."""

    def load(connections: int, _: int) -> Figures:
        ready = client.prepared(connections, bench.seconds)
        return client.load(server, "get", connections, bench.seconds, secrets=1, prepare=ready)

    return load


def put(bench: Bench, server: servers.Server) -> Load:
    def load(connections: int, number: int) -> Figures:
        return client.load(server, "put", connections, bench.seconds, run=f"{connections}-{number}")

    return load


def commit(bench: Bench, directory: pathlib.Path) -> Load:
    """One connection commits, however many the others have."""

    def load(_connections: int, _: int) -> Figures:
        return client.commits(directory, bench.seconds)

    return load


def of_peer(bench: Bench, peer: peers.Peer, write: str) -> Load:
    def load(connections: int, _: int) -> Figures:
        return client.load(peer.server, peer.kind, connections, bench.seconds, write=write, **peer.options)

    return load


def note(bench: Bench, reads: Contest, writes: Contest) -> None:
    """Keeps what the goals are about."""
    bench.measured |= {
        "get_64": reads.ratio(SESAME, 64, rate),
        "get_64_processor": reads.ratio(SESAME, 64, processor),
        "get_64_p99": reads.ratio(SESAME, 64, p99),
        "put_64": writes.ratio(SESAME, 64, rate),
        "put_1": writes.ratio(SESAME, 1, rate),
    }


def run(bench: Bench) -> str:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(workplace())
        server = stack.enter_context(servers.running(servers.sesame(bench.binary, directory / "sesame")))
        floor = stack.enter_context(servers.running(servers.floor(prepare(server, directory))))
        reads = Contest(READ_FLOOR, {READ_FLOOR: get(bench, floor), SESAME: get(bench, server)})
        writes = Contest(WRITE_FLOOR, {WRITE_FLOOR: commit(bench, directory), SESAME: put(bench, server)})
        running, absent = {READ_FLOOR: floor, SESAME: server}, []
        for name, opened in peers.ALL.items() if bench.peers else ():
            peer = stack.enter_context(opened(directory))
            if peer is None:
                absent.append(name)
                continue
            running[name] = peer.server
            reads.loads[name], writes.loads[name] = (of_peer(bench, peer, write) for write in ("no", "yes"))
        idle = {name: of.resident_mib() for name, of in running.items()}
        for number in range(bench.rounds):
            for connections in CONNECTIONS:
                reads.round(bench, connections, number)
                writes.round(bench, connections, number)
        processes = [
            [name, report.ms(of.start_ms * 1000), f"{idle[name]:.1f} MiB", f"{of.resident_mib():.1f} MiB"]
            for name, of in running.items()
        ]
    note(bench, reads, writes)
    processes += [[name, "not installed here", "", ""] for name in absent]
    head = ["process", "start to first answer", "memory before the load", "and after"]
    return (
        f"GetSecretValue, signed, or the peer's own read of a secret:\n\n{reads.table()}\n\n"
        "PutSecretValue, signed, each connection a secret of its own, or the peer's own write:\n\n"
        f"{writes.table()}\n\n{report.table(head, processes)}"
    )
