"""A server as a process that ends with its caller."""
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from typing import Dict, List, Optional

from ._program import find_program

READY_WITHIN = 15.0
STOPPED_WITHIN = 10.0

# The shell holds the other end of a pipe to this process. When this process ends, even by SIGKILL, `cat` ends and the server is stopped.
# When the server ends by itself, its standard output is closed, because the shell does not keep it.
WATCH = '"$@" </dev/null & exec >/dev/null 2>&1; cat; kill $!; wait $!'


class StartFailed(Exception):
    """The server did not start. The text has its exit code and its last lines."""


class Server:
    """A process `sesame serve`. `url` is its address, such as http://127.0.0.1:40123."""

    def __init__(self, arguments: List[str], environment: Optional[Dict[str, str]] = None, program: Optional[str] = None) -> None:
        program = program or find_program()
        self._log = tempfile.TemporaryFile()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SESAME_")}
        # A session of its own: Ctrl-C in the terminal reaches the tests, which may still need the server while they end.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sesame", program, "serve", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, env={**clean, **(environment or {})}, start_new_session=True)
        self.url = self._ready(program)

    def _ready(self, program: str) -> str:
        assert self._process.stdout is not None
        printed, deadline = b"", time.monotonic() + READY_WITHIN
        while True:
            found = re.search(rb"^Sesame .* at (http://\S+).*^Ready\.$", printed, re.S | re.M)
            if found:
                return found.group(1).decode()
            left = max(0.0, deadline - time.monotonic())
            piece = b""
            if select.select([self._process.stdout], [], [], left)[0]:
                piece = os.read(self._process.stdout.fileno(), 4096)
            if not piece:
                in_time = time.monotonic() < deadline
                code = self.stop()
                said = printed.decode(errors="replace") + self._last_log
                raise StartFailed(_explained(program, code if in_time else None, said))
            printed += piece

    def log(self, start: int = 0) -> str:
        """The log from a place that `log_size` gave."""
        if self._log.closed:
            return self._last_log
        # At an offset of its own: the server writes at the offset of the shared file.
        return os.pread(self._log.fileno(), max(0, self.log_size() - start), start).decode(errors="replace")

    def log_size(self) -> int:
        return 0 if self._log.closed else os.fstat(self._log.fileno()).st_size

    _last_log = ""

    def stop(self) -> int:
        """Stops the server and returns its exit code. A second call changes nothing."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()
        if not self._log.closed:
            self._last_log = self.log()
            self._log.close()
        code = self._process.returncode
        return code - 128 if code > 128 else code


def _explained(program: str, code: Optional[int], said: str) -> str:
    how = f"was not ready within {READY_WITHIN:.0f} s" if code is None else f"ended with code {code}"
    lines = said.strip().splitlines()[-30:]
    advice = ""
    if "ddress already in use" in said:
        advice = "\nAnother program listens there. Leave `listen` out to take a free port, or stop that program."
    elif code in (126, 127) or not any("sesame" in line.lower() for line in lines):
        advice = f"\nIs {program} the program Sesame, for this machine? `{program} --version` must print `sesame` and a number."
    return f"{program} serve {how}; its last lines:\n" + ("\n".join(lines) or "(it printed nothing)") + advice
