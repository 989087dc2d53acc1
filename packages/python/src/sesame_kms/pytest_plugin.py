"""Fixtures for pytest. A server is started when a test first asks for one, once for each process of pytest-xdist and each `auth`."""
import os
import pathlib
from typing import TYPE_CHECKING, Any, Dict, Generator, Iterator

import pytest

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

    from ._sesame import Sesame


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sesame", "Sesame, a local server for Alibaba Cloud Secrets Manager")
    group.addoption("--sesame-url", metavar="URL", help="use a server that runs, such as http://127.0.0.1:7070, with an account for each test "
                    "(also: SESAME_URL; its admin token: SESAME_ADMIN_TOKEN)")
    group.addoption("--sesame-program", metavar="FILE", help="start this program (also: SESAME_PROGRAM)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", 'sesame(seed=None, auth="open"): what the fixture `sesame` starts from: a seed (a file beside the test, or a dict), '
                            "and a server in the mode open, signed or enforced")


class Servers:
    """The servers of this process, by their mode."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started: Dict[str, "Sesame"] = {}

    def get(self, auth: str) -> "Sesame":
        from ._program import ProgramMissing
        from ._sesame import Sesame
        from ._server import StartFailed
        url = self._config.getoption("--sesame-url") or os.environ.get("SESAME_URL")
        if url:
            if auth != "open":
                pytest.skip(f"a server of its own is needed for auth={auth!r}, and this run uses {url}")
            return Sesame.at(url, os.environ.get("SESAME_ADMIN_TOKEN"))
        if auth not in self._started:
            try:
                self._started[auth] = Sesame.start(auth=auth, program=self._config.getoption("--sesame-program"))
            except (ProgramMissing, StartFailed, OSError) as failed:
                pytest.fail(str(failed), pytrace=False)
        return self._started[auth]

    def stop(self) -> None:
        for server in self._started.values():
            server.stop()


@pytest.fixture(scope="session")
def _sesame_servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    servers = Servers(request.config)
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def sesame_server(_sesame_servers: Servers) -> "Sesame":
    """The server in the mode `open`. What it holds is gone when a test asks for `sesame`."""
    return _sesame_servers.get("open")


_LOG = pytest.StashKey[Any]()


@pytest.fixture
def sesame(request: pytest.FixtureRequest, _sesame_servers: Servers) -> Iterator["Sesame"]:
    """An empty server with its clock at the machine's time and without faults; with --sesame-url an empty account of that server."""
    marks: Dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("sesame"))):
        if marker.args or not marker.kwargs.keys() <= {"seed", "auth"}:
            pytest.fail('the marker `sesame` takes seed= and auth=, such as @pytest.mark.sesame(seed="seed.yaml")', pytrace=False)
        marks.update(marker.kwargs)
    server = _sesame_servers.get(marks.get("auth", "open"))
    request.node.stash[_LOG] = (server, server.log_size())
    own = server.new_account() if server._shared else server
    try:
        if own is server:
            server.reset()
        seed = marks.get("seed")
        if seed is not None:
            own.seed(seed if isinstance(seed, dict) else pathlib.Path(request.path.parent, seed))
        yield own
    finally:
        if own is not server:
            own.reset()


@pytest.fixture
def kms(sesame: "Sesame") -> "Client":
    """The official client of alibabacloud-kms20160120, pointed at `sesame`."""
    return sesame.client()


@pytest.fixture
def sesame_env(sesame: "Sesame", monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    """Sets the variables that `sesame.env` lists, for programs that read the environment."""
    for name, value in sesame.env.items():
        monkeypatch.setenv(name, value)
    return sesame.env


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    kept = item.stash.get(_LOG, None)
    if kept and report.failed:
        server, start = kept
        said = server.log(start)
        if said:
            report.sections.append(("Sesame's log of this test", said))
