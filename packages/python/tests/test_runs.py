"""Whole runs of pytest: what a report shows, and what stays behind."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Iterator, List

import pytest

from sesame_kms import ProgramMissing, Sesame, StartFailed, find_program

CREATE = """
    from alibabacloud_kms20160120 import models as m
    def put(kms):
        kms.create_secret(m.CreateSecretRequest(secret_name="db", version_id="v1", secret_data="first"))
"""


@pytest.fixture(autouse=True)
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def children(marker: str) -> List[int]:
    """The processes whose environment has the marker."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if ("SUITE=" + marker).encode() in (entry / "environ").read_bytes().split(b"\0") and (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def gone(marker: str, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while children(marker) and time.monotonic() < end:
        time.sleep(0.05)
    return not children(marker)


def test_a_failed_test_shows_the_log_of_this_test_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CREATE + """
    def ask(kms, name):
        return kms.get_secret_value(m.GetSecretValueRequest(secret_name=name))
    def test_first(kms):
        try: ask(kms, "earlier")
        except Exception: pass
    def test_second(kms):
        ask(kms, "absent")
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Sesame's log of this test*", "*GetSecretValue*Forbidden.ResourceNotFound*"])
    assert str(result.stdout).split("Sesame's log")[1].count("action=\"GetSecretValue\"") == 1


def test_a_missing_program_says_what_to_do(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME_PROGRAM", "/nowhere/sesame")
    pytester.makepyfile("def test_it(sesame): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*SESAME_PROGRAM names '/nowhere/sesame', which is no program; set it to*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_unsupported_platform_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESAME_PROGRAM", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sesame_kms._program._places", lambda: iter([]))
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    with pytest.raises(ProgramMissing, match="no program `sesame` for Plan9 .*set SESAME_PROGRAM to its path, or set SESAME_URL"):
        find_program()


def test_a_wrong_program_is_told_with_its_last_lines() -> None:
    with pytest.raises(StartFailed, match="(?s)true serve ended with code 0.*printed nothing.*Is .*true the program Sesame"):
        Sesame.start(program="/bin/true")
    with pytest.raises(StartFailed, match="(?s)ended with code 2.*No such file|cannot open|serve"):
        Sesame.start(program="/bin/sh")


def test_a_wrong_flag_shows_what_the_server_said() -> None:
    with pytest.raises(StartFailed, match="(?s)ended with code 2; its last lines:.*unexpected argument '--in-memori'"):
        Sesame.start("--in-memori")


def test_a_port_in_use_says_what_to_do() -> None:
    with Sesame.start() as first:
        with pytest.raises(StartFailed, match="(?s)Address already in use.*Leave `listen` out"):
            Sesame.start(listen=first.endpoint)


def test_each_worker_has_a_server_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CREATE + """
    import pytest
    @pytest.mark.parametrize("round", range(40))
    def test_it(kms, sesame, round):
        put(kms)
        assert len(sesame.requests.all()) == 1
        print("server", sesame.url)
    """)
    result = pytester.runpytest_subprocess("-n", "3", "-rP")
    result.assert_outcomes(passed=40)
    assert len({line for line in result.outlines if line.startswith("server http")}) == 3


def test_workers_share_a_server_by_accounts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CREATE + """
    import pytest
    @pytest.mark.sesame(seed={"secrets": [{"name": "seeded", "versions": [{"id": "v1", "value": "x"}]}]})
    @pytest.mark.parametrize("round", range(40))
    def test_it(kms, sesame, round):
        put(kms)
        assert kms.list_secrets(m.ListSecretsRequest()).body.total_count == 2
        sesame.requests.verify("CreateSecret", times=1)
    def test_faults(kms, sesame):
        sesame.faults.throttle("ListSecrets")
        with pytest.raises(Exception):
            kms.list_secrets(m.ListSecretsRequest())
        sesame.requests.verify("ListSecrets", times=1, code="Rejected.Throttling")
    def test_clock(sesame):
        sesame.clock.advance(days=1)
    """)
    with Sesame.start() as shared:
        result = pytester.runpytest_subprocess("-n", "3", "--sesame-url", shared.url)
        result.assert_outcomes(passed=41, failed=1)
        result.stdout.fnmatch_lines(["*`clock` would affect everybody who uses*"])
        assert not [a for a in shared._admin.call("GET", "accounts")["accounts"] if a["id"].startswith("2")], "each test removed its account"


SLOW = CREATE + """
    import time, pathlib, pytest
    @pytest.mark.parametrize("round", range(2))
    def test_it(kms, round):
        put(kms)
        pathlib.Path("started-%d" % round).touch()
        time.sleep(600)
"""


@pytest.fixture
def slow(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen]:
    """A run of pytest that is in the middle of a test."""
    marker = request.node.name
    pytester.makepyfile(SLOW)
    workers = ["-n", "2"] if "xdist" in marker else []
    started = ["started-0", "started-1"] if workers else ["started-0"]
    run = subprocess.Popen([sys.executable, "-m", "pytest", *workers], env={**os.environ, "SUITE": marker}, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not all(pathlib.Path(name).exists() for name in started) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(children(marker)) >= 3, "pytest, the watching shell and the server run"
    yield run
    run.kill()
    run.wait()


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_no_process_is_left_of_an_interrupted_run(slow: subprocess.Popen, signal_: signal.Signals, request: pytest.FixtureRequest) -> None:
    slow.send_signal(signal_)
    slow.wait(20)
    assert gone(request.node.name), children(request.node.name)


def test_no_server_is_left_of_killed_xdist_workers(slow: subprocess.Popen, request: pytest.FixtureRequest) -> None:
    for process in children(request.node.name):
        # One that ends because another one was killed is gone before its turn.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"python" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
    slow.wait(20)
    assert gone(request.node.name), children(request.node.name)


def test_the_plugin_loads_neither_the_client_nor_urllib() -> None:
    code = "import sys, sesame_kms.pytest_plugin; sys.exit(any(n in sys.modules for n in ('alibabacloud_kms20160120', 'sesame_kms._sesame')))"
    subprocess.run([sys.executable, "-c", code], check=True)
