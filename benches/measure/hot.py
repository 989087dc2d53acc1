"""A hot secret: 64 writers on one secret. Nothing acknowledged is lost, and the labels are where some order of the puts
puts them that agrees with when each began and was acknowledged."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import pathlib

from . import api, client, report, servers
from .bench import Bench
from .machine import workplace

WRITERS = 64
#: Of each writer, where every version is kept: together fewer than the most that can be configured.
KEPT = 15
KEEP_ALL = "versions_per_secret = 1000\n"
NAME = "hot/0"
FIRST = "v1"


@dataclasses.dataclass(frozen=True)
class Put:
    """An acknowledged put: when it was sent and when it was acknowledged, in microseconds."""

    begun: int
    ended: int
    version: str


def read_history(file: pathlib.Path) -> list[Put]:
    words = (line.split() for line in file.read_text().splitlines())
    return [Put(int(begun), int(ended), version) for begun, ended, version in words]


def listed(address: str) -> dict[str, set[str]]:
    """Every version that is there, with its labels."""
    found: dict[str, set[str]] = {}
    page = 1
    while True:
        answer = api.call(
            address,
            "ListSecretVersionIds",
            SecretName=NAME,
            IncludeDeprecated="true",
            PageNumber=str(page),
            PageSize="100",
        )
        for version in answer["VersionIds"]["VersionId"]:
            found[version["VersionId"]] = set(version["VersionStages"]["VersionStage"])
        if page * 100 >= answer["TotalCount"]:
            return found
        page += 1


class Order:
    """What can be said about the order of puts that overlap."""

    def __init__(self, puts: list[Put]) -> None:
        self.puts = {put.version: put for put in puts}
        self.begun = sorted(put.begun for put in puts)
        self.ended = sorted(put.ended for put in puts)

    def surely_after(self, put: Put) -> int:
        """How many began when this one was acknowledged."""
        return len(self.begun) - bisect.bisect_right(self.begun, put.ended)

    def perhaps_after(self, put: Put) -> int:
        """How many were acknowledged when this one had begun; itself not counted."""
        return len(self.ended) - bisect.bisect_left(self.ended, put.begun) - 1


def wrong_labels(order: Order, versions: dict[str, set[str]]) -> list[str]:
    """What no order of the puts explains about ACSCurrent and ACSPrevious."""
    holders = {}
    for label in ("ACSCurrent", "ACSPrevious"):
        having = [version for version, labels in versions.items() if label in labels]
        if len(having) != 1 or having[0] not in order.puts:
            return [f"{label} is on {having}"]
        holders[label] = order.puts[having[0]]
    current, previous = holders["ACSCurrent"], holders["ACSPrevious"]
    wrong = []
    if order.surely_after(current):
        wrong.append(f"ACSCurrent is on {current.version}, after which others were put")
    later = order.surely_after(previous) - (current.begun > previous.ended)
    if later or current.ended < previous.begun:
        wrong.append(f"ACSPrevious is on {previous.version}, which cannot be the last but one")
    return wrong


def wrong_versions(order: Order, versions: dict[str, set[str]], limit: int) -> list[str]:
    """Which versions are missing, or should have been evicted: the service keeps the last `limit`."""
    missing = [
        put.version for put in order.puts.values() if put.version not in versions and order.perhaps_after(put) < limit
    ]
    stale = [
        version for version in versions if version in order.puts and order.surely_after(order.puts[version]) >= limit
    ]
    wrong = [f"{len(missing)} acknowledged versions are lost, {missing[0]} among them"] if missing else []
    return wrong + ([f"{stale[0]} was to be evicted"] if stale else [])


def contend(bench: Bench, directory: pathlib.Path, seconds: float, limit: int, **options: object) -> list[str]:
    """A server with one secret and all writers on it; a row of the table."""
    config = servers.LIMITS + (KEEP_ALL if limit > 10 else "")
    data = directory / f"data-{limit}"
    with contextlib.ExitStack() as stack:
        server = servers.sesame(bench.binary, data, config=config)
        stack.enter_context(servers.running(server))
        client.load(server, "create", 1, 60, secret="hot", count=1)
        file = directory / "history"
        figures = client.load(server, "put", WRITERS, seconds, shared=NAME, history=file, **options)
        bench.judge(f"{WRITERS} writers on one secret", figures)
        order, versions = Order(read_history(file)), listed(server.address)
        wrong = wrong_labels(order, versions) + wrong_versions(order, versions, limit)
        values = [
            api.call(server.address, "GetSecretValue", SecretName=NAME, VersionId=version) for version in versions
        ]
    wrong += [
        f"{value['VersionId']} has another value"
        for value in values
        if value["VersionId"] != FIRST and value["SecretData"] != f"value-{value['VersionId']}"
    ]
    bench.problems += [f"a hot secret: {problem}" for problem in wrong]
    return [
        f"{limit} versions kept",
        str(figures.requests),
        report.number(figures.rate),
        report.ms(figures.p50_us),
        report.ms(figures.p99_us),
        str(figures.errors),
        str(len(versions)),
        "; ".join(wrong) or "nothing lost, labels lawful",
    ]


def run(bench: Bench) -> str:
    with workplace() as directory:
        rows = [
            contend(bench, directory, 5 if not bench.quick else 1, 10),
            contend(bench, directory, 60, 1000, requests=KEPT),
        ]
    head = [
        "64 writers on one secret",
        "acknowledged",
        "per second",
        "p50",
        "p99",
        "errors",
        "versions read back",
        "checked",
    ]
    return report.table(head, rows)
