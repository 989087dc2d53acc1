"""Servers on loopback: their start, memory, time on the processors, and end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence

from support.process import PATIENCE, NotReady, clean_environment, free_port, kill, stop

from .machine import FLOOR

TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    #: From the start of the process to its first answer, in milliseconds.
    start_ms: float

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _status(self, name: str) -> float:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+)", text)
        return int(found.group(1)) / 1024 if found else 0.0

    def resident_mib(self) -> float:
        return self._status("VmRSS")

    def processor_seconds(self) -> float:
        """How long all its threads ran."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self) -> None:
        """Asks it to stop, and kills it when it does not."""
        stop(self.process)


def first_answer(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Returns when the server answers with 200. Between two attempts only the core is given away: a pause would be
    part of what is measured."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall(request)
                if connection.recv(4096).split(b" ")[1:2] == [b"200"]:
                    return
        except ConnectionError:
            time.sleep(0)
    raise NotReady(f"{process.args} did not start (code {process.poll()})")


def start(
    command: Sequence[str | os.PathLike[str]], port: int, ready: str, environment: Mapping[str, str] | None = None
) -> Server:
    """Starts a server that listens on `port` and answers 200 at the path `ready`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean_environment(**(environment or {})),
    )
    try:
        first_answer(process, port, ready)
    except BaseException:
        kill(process)
        raise
    return Server(process, port, (time.perf_counter() - began) * 1000)


#: All requests are signed by one key, more of them than a server remembers of one by default.
LIMITS = "[limits]\nnonces_per_key = 1000000000\nnonces_total = 1000000000\n"


def sesame(
    binary: pathlib.Path,
    data: pathlib.Path,
    auth: str = "signed",
    under: Sequence[str] = (),
    config: str | None = LIMITS,
) -> Server:
    """Sesame on its own data directory, with this configuration file; as everybody starts it, without one."""
    port = free_port()
    options: list[str | os.PathLike[str]] = []
    if config is not None:
        file = data.with_name(f"{data.name}.toml")
        file.write_text(config)
        options = ["--config", file]
    listen = ["--listen", f"127.0.0.1:{port}", "--data-dir", str(data), "--auth", auth]
    return start([*under, binary, "serve", *listen, *options], port, "/_sesame/ready")


def floor(answer: pathlib.Path) -> Server:
    """A bare handler that answers the bytes of a file."""
    port = free_port()
    return start([FLOOR, "serve", f"127.0.0.1:{port}", answer], port, "/")


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Stops the server at the end, whatever ends it."""
    try:
        yield server
    finally:
        server.stop()
