"""How many instructions a request takes, counted by valgrind: a figure that no other load on the machine moves. The
server runs twice, with N and with 2N requests; what the second took more is the requests' own."""

from __future__ import annotations

import pathlib
import re
import shutil

from . import client, report, servers
from .bench import Bench
from .machine import workplace

REQUESTS = 500
KINDS = {
    "GetSecretValue, `signed`": ("get", {"secrets": 1}),
    "PutSecretValue, `signed`": ("put", {"shared": "bench/0"}),
    "GetSecretValue, `signed`, XML": ("get", {"secrets": 1, "xml": "yes"}),
}


def counted(bench: Bench, directory: pathlib.Path, kind: str, requests: int, options: dict[str, object]) -> int:
    """Instructions of a server from start to end that answers so many requests."""
    out = directory / f"callgrind-{requests}"
    data = directory / f"data-{requests}"
    under = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
    with servers.running(servers.sesame(bench.binary, data, under=under)) as server:
        client.load(server, "create", 1, 60, count=1)
        figures = client.load(server, kind, 1, 300, requests=requests, **options)
        bench.judge(f"{kind} under callgrind", figures)
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"callgrind wrote no summary into {out}")
    return int(found.group(1))


def run(bench: Bench) -> str:
    if not shutil.which("valgrind"):
        return "valgrind is not installed here."
    requests = 100 if bench.quick else REQUESTS
    kinds = dict(list(KINDS.items())[:1]) if bench.quick else KINDS
    rows = []
    for name, (kind, options) in kinds.items():
        with workplace() as directory:
            once = counted(bench, directory, kind, requests, options)
        with workplace() as directory:
            twice = counted(bench, directory, kind, 2 * requests, options)
        each = (twice - once) / requests
        bench.measured[f"instructions {name}"] = each
        rows.append([name, report.number(each)])
    return report.table(["one request at a time", f"instructions each (from {requests} and {2 * requests})"], rows)
