"""A server as a test sees it."""
import json
import os
import pathlib
import secrets
from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from ._control import Admin, Clock, Faults, Refused, Requests
from ._server import Server

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

Seed = Union[str, "os.PathLike[str]", Dict[str, Any]]


class Sesame:
    """A server, and the access key that a test uses on it. Make one with `Sesame.start()` or `Sesame.at(url)`."""

    def __init__(self, admin: Admin, server: Optional[Server], access_key_id: str, access_key_secret: str, account: str, region: str, shared: bool, after: int = 0) -> None:
        self._admin, self._server, self._shared = admin, server, shared
        self.url = admin.url
        """The address, such as http://127.0.0.1:40123."""
        self.endpoint = admin.url.split("://")[-1]
        """Host and port, as the SDKs want it."""
        self.access_key_id, self.access_key_secret, self.account, self.region = access_key_id, access_key_secret, account, region
        mine = account if shared else None
        self.requests = Requests(admin, mine, after)
        self._faults, self._clock = Faults(admin, mine), Clock(admin)

    @classmethod
    def start(cls, *arguments: str, auth: str = "open", seed: Optional[Seed] = None, listen: str = "127.0.0.1:0",
              program: Optional[str] = None) -> "Sesame":
        """Starts a server in memory on a free port. It ends with `stop()`, with the `with` block, or with this process, however that ends.

        `arguments` are further flags of `sesame serve`. Raises `ProgramMissing`, or `StartFailed` with the server's last lines.
        """
        environment, token = {}, None
        if auth != "open":
            token = environment["SESAME_ADMIN_TOKEN"] = secrets.token_urlsafe(24)
        server = Server(["--in-memory", "--listen", listen, "--auth", auth, *arguments], environment, program)
        # These are what the server has built in; --region and --account-id change what is sent, not what works here.
        sesame = cls(Admin(server.url, token), server, "test", "test", "1000000000000001", "cn-hangzhou", shared=False)
        if seed is not None:
            try:
                sesame.seed(seed)
            except BaseException:
                sesame.stop()
                raise
        return sesame

    @classmethod
    def at(cls, url: str, admin_token: Optional[str] = None) -> "Sesame":
        """A server that runs already and that others use, too. `new_account()` makes an account of one's own in it."""
        return cls(Admin(url, admin_token), None, "test", "test", "1000000000000001", "cn-hangzhou", shared=True)

    def new_account(self) -> "Sesame":
        """The same server, seen from a new and empty account with an access key of its own."""
        account = str(2_000_000_000_000_000 + secrets.randbelow(10**15))
        key = {"id": "sesame-" + secrets.token_hex(8), "secret": secrets.token_hex(16)}
        self._admin.call("PUT", "accounts/" + account, {"access_keys": [key]})
        # What came before the account was there is not missed when it is dropped.
        last = self._admin.call("GET", "requests?limit=0")["last"]
        return Sesame(self._admin, self._server, key["id"], key["secret"], account, self.region, True, last)

    def reset(self) -> None:
        """Removes what is there. A server of one's own forgets everything, and its clock and faults are as at the start; on a shared one only this account is removed."""
        if not self._shared:
            self._admin.call("POST", "reset")
        elif self.account == "1000000000000001":
            raise Refused("this server is shared: nothing is removed from its default account. Use new_account()")
        else:
            self._admin.call("POST", "reset?account=" + self.account)

    def seed(self, seed: Seed) -> None:
        """Applies a seed: a file in YAML or JSON, or a dict. Raises `Refused` with the line that is wrong."""
        body = json.dumps(seed).encode() if isinstance(seed, dict) else pathlib.Path(seed).read_bytes()
        self._admin.call("POST", "seed", self._with_account(body) if self._shared else body)

    def _with_account(self, seed: bytes) -> bytes:
        """The seed with the account of this test in each entry that names none."""
        try:
            content: Dict[str, Any] = json.loads(seed)
        except ValueError:
            raise Refused("on a shared server a seed must be JSON or a dict, because the account of this test is added to it") from None
        for kind in ("keys", "secrets"):
            content[kind] = [{"account": self.account, **entry} for entry in content.get(kind, [])]
        return json.dumps(content).encode()

    @property
    def faults(self) -> Faults:
        """Rules of faults. On a shared server they change only calls of this account."""
        if self._shared and self.account == "1000000000000001":
            self._own("faults")
        return self._faults

    @property
    def clock(self) -> Clock:
        """The server's clock. It is of the whole server, so tests cannot move that of a shared one."""
        self._own("clock")
        return self._clock

    def _own(self, what: str) -> None:
        if self._shared:
            raise Refused(f"`{what}` would affect everybody who uses {self.url}. Run this test without --sesame-url and SESAME_URL, on a server of its own")

    @property
    def env(self) -> Dict[str, str]:
        """Variables for programs under test: the access key, the region, and the server's address as SESAME_URL and KMS_ENDPOINT."""
        return {"ALIBABA_CLOUD_ACCESS_KEY_ID": self.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.access_key_secret,
                "ALIBABA_CLOUD_REGION_ID": self.region, "SESAME_URL": self.url, "KMS_ENDPOINT": self.endpoint}

    def client(self) -> "Client":
        """The official client (alibabacloud-kms20160120). Its methods that end in `_async` work as well."""
        try:
            from alibabacloud_kms20160120.client import Client
            from alibabacloud_tea_openapi.models import Config
        except ModuleNotFoundError as missing:
            raise ModuleNotFoundError(f"{missing}; the official client is missing: pip install 'sesame-kms[sdk]'", name=missing.name) from None
        # The SDK sends even 127.0.0.1 to HTTP_PROXY. The server takes the request lines of proxies, so it is its own proxy here.
        return Client(Config(access_key_id=self.access_key_id, access_key_secret=self.access_key_secret, region_id=self.region,
                             endpoint=self.endpoint, protocol="http", http_proxy=self.url))

    def log(self, start: int = 0) -> str:
        """The log of a server that was started here, from a place that `log_size()` gave."""
        return self._server.log(start) if self._server else ""

    def log_size(self) -> int:
        return self._server.log_size() if self._server else 0

    def stop(self) -> None:
        """Stops a server that was started here."""
        if self._server:
            self._server.stop()

    def __enter__(self) -> "Sesame":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
