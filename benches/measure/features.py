"""What each feature costs: the same read with one thing changed, round by round."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable

from . import api, client, report, servers
from .bench import Bench
from .figures import Figures
from .machine import workplace

CONNECTIONS = 64
BASE = "`signed`, HTTP, JSON"
WRK = "`open`, unsigned, loaded by wrk"
WRK_FLOOR = "the floor, loaded by wrk"
PATH = "/?Action=GetSecretValue&SecretName=bench%2F0&Version=2016-01-20"

#: A user who may read by a policy, so that policies decide.
ACCOUNTS = """
[[accounts]]
id = "1000000000000001"
[[accounts.access_keys]]
id = "test"
secret = "test"
[[accounts.policies]]
name = "read-bench"
document = '''{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:GetSecretValue",
"Resource":"acs:kms:*:*:secret/bench/*"}]}'''
[[accounts.users]]
name = "reader"
policies = ["read-bench"]
access_keys = [{ id = "reader", secret = "reader-secret" }]
"""


def loads(bench: Bench, running: dict[str, servers.Server], ca: str) -> dict[str, Callable[[], Figures]]:
    """What is compared."""

    def get(of: str, address: str | None = None, **options: object) -> Callable[[], Figures]:
        ready = client.prepared(CONNECTIONS, bench.seconds)
        every: dict[str, object] = {"secrets": 1, "prepare": ready} | options
        return lambda: client.load(running[of], "get", CONNECTIONS, bench.seconds, address, **every)

    by_name = f"localhost:{running['signed'].port}"
    compared = {
        BASE: get("signed"),
        "`signed`, HTTP, XML": get("signed", xml="yes"),
        "`signed`, HTTPS, JSON": get("signed", address=by_name, ca=ca),
        "`open`, signed all the same": get("open"),
        "`open`, unsigned": get("open", signed="no"),
        "`enforced`, by the root of the account": get("enforced"),
        "`enforced`, by a user whom a policy allows it": get("enforced", key="reader", key_secret="reader-secret"),
    }
    if client.have_wrk():
        compared[WRK] = lambda: client.wrk(running["open"], PATH, CONNECTIONS, bench.seconds)
        compared[WRK_FLOOR] = lambda: client.wrk(running["floor"], PATH, CONNECTIONS, bench.seconds)
    return compared


def row(name: str, rounds: list[Figures], base: list[Figures]) -> list[str]:
    middle = client.median(rounds)
    rate = statistics.median(figures.rate / other.rate for figures, other in zip(rounds, base, strict=True))
    cost = statistics.median(
        figures.processor_us / max(other.processor_us, 0.1) for figures, other in zip(rounds, base, strict=True)
    )
    return [
        name,
        report.number(middle.rate),
        report.share(rate),
        f"{report.number(middle.processor_us)} µs",
        report.share(cost),
        report.ms(middle.p99_us),
        str(middle.errors),
    ]


def run(bench: Bench) -> str:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(workplace())
        running = {}
        for auth in ("open", "signed", "enforced"):
            server = servers.sesame(bench.binary, directory / auth, auth=auth, config=servers.LIMITS + ACCOUNTS)
            running[auth] = stack.enter_context(servers.running(server))
            client.load(server, "create", 1, 60, secret="bench", count=1)
        answer = directory / "answer.json"
        answer.write_bytes(api.call_raw(running["signed"].address, "GetSecretValue", SecretName="bench/0"))
        running["floor"] = stack.enter_context(servers.running(servers.floor(answer)))
        ca = directory / "ca.pem"
        ca.write_bytes(api.get(running["signed"].address, "/_sesame/ca.pem"))
        seen: dict[str, list[Figures]] = {}
        for _ in range(bench.rounds):
            for name, load in loads(bench, running, str(ca)).items():
                seen.setdefault(name, []).append(load())
                bench.judge(name, seen[name][-1])
    rows = [row(name, rounds, seen[BASE]) for name, rounds in seen.items()]
    if WRK in seen:
        pairs = zip(seen[WRK], seen[WRK_FLOOR], strict=True)
        bench.measured["wrk_64"] = statistics.median(ours.rate / floor.rate for ours, floor in pairs)
    head = [
        "GetSecretValue, 64 connections",
        "per second",
        "of the first row",
        "processor time each",
        "of the first row",
        "p99",
        "errors",
    ]
    return report.table(head, rows)
