"""What a test asks of the server beyond the API: faults, the clock, and what was called."""
import datetime
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional, Sequence, Union


class Refused(Exception):
    """A call below /_sesame was refused. The text is the server's."""


class Admin:
    """Calls below /_sesame. No proxy comes between."""

    def __init__(self, url: str, token: Optional[str]) -> None:
        self.url, self._token = url.rstrip("/"), token
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, decoded. `body` is bytes, or what JSON can hold."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sesame/{path}", method=method, data=b"" if method == "POST" and data is None else data)
        if self._token:
            request.add_header("Authorization", "Bearer " + self._token)
        try:
            with self._open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Refused(f"{method} /_sesame/{path} was refused with {error.code}: {said}") from None
        except urllib.error.URLError as error:
            raise Refused(f"no server answers at {self.url}: {error.reason}") from None
        return json.loads(text) if text else None


def of_account(path: str, account: Optional[str], **more: Optional[str]) -> str:
    """The path with a query: the account, if the part of one account is meant, and the members that are set."""
    query = {name: value for name, value in {"account": account, **more}.items() if value is not None}
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


class Faults:
    """Rules that make the server refuse, delay or not answer calls. The first rule that fires wins.

    On a shared server they are the rules of this account, and change only its calls.
    """

    def __init__(self, admin: Admin, account: Optional[str] = None) -> None:
        self._admin, self._path = admin, of_account("faults", account)

    def throttle(self, action: str = "*", times: Optional[int] = None, secret: Optional[str] = None, retry_after_ms: Optional[int] = None) -> None:
        """Calls of `action` get `Rejected.Throttling`, `times` of them or all."""
        self.fail(action, "Rejected.Throttling", times, secret, retry_after_ms=retry_after_ms)

    def fail(self, action: str, code: str, times: Optional[int] = None, secret: Optional[str] = None, **more: Any) -> None:
        """Calls of `action` get an error code of the cloud, such as `InternalFailure`. They are not carried out.

        `more` are further members of the rule, such as `probability=0.5`.
        """
        self.add(action=action, code=code, times=times, secret=secret, **more)

    def delay(self, action: str, milliseconds: int, times: Optional[int] = None, secret: Optional[str] = None) -> None:
        """Calls of `action` wait first, 1 to 60,000 ms."""
        self.add(action=action, delay_ms=milliseconds, times=times, secret=secret)

    def lose_answer(self, action: str, times: Optional[int] = None, secret: Optional[str] = None) -> None:
        """Calls of `action` are carried out, and the connection is closed without an answer."""
        self.add(action=action, drop="after", times=times, secret=secret)

    def add(self, **rule: Any) -> None:
        """Adds a rule with the members of the server's own rules. A member that is `None` is left out."""
        self._admin.call("POST", self._path, {name: value for name, value in rule.items() if value is not None})

    def rules(self) -> List[Dict[str, Any]]:
        """The rules, each with its `id` and the number of calls that it matched and that it changed (`fired`)."""
        rules: List[Dict[str, Any]] = self._admin.call("GET", self._path)["faults"]
        return rules

    def clear(self) -> None:
        """Removes all rules."""
        self._admin.call("DELETE", self._path)


class Clock:
    """The server's clock. What is due when it is moved is done before the method returns."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def advance(self, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime.datetime:
        """Moves the clock forward, and returns its time."""
        moved = datetime.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._admin.call("POST", "clock", {"advance_seconds": int(moved.total_seconds())})
        return self.now()

    def set(self, time: Union[str, datetime.datetime]) -> datetime.datetime:
        """Sets the clock to a time with a zone, such as 2027-01-01T00:00:00Z, and returns it."""
        if isinstance(time, datetime.datetime):
            if time.tzinfo is None:
                raise ValueError("the time has no zone; give one, such as datetime(2027, 1, 1, tzinfo=timezone.utc)")
            time = time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._admin.call("POST", "clock", {"set": time})
        return self.now()

    def freeze(self) -> None:
        """Stops the clock at its present time."""
        self._admin.call("POST", "clock", {"freeze": True})

    def resume(self) -> None:
        """Sets the clock back to the machine's time."""
        self._admin.call("POST", "clock", {"resume": True})

    def now(self) -> datetime.datetime:
        """What the clock shows, in UTC."""
        shown: str = self._admin.call("GET", "clock")["now"]
        return datetime.datetime.strptime(shown, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


class Requests:
    """The calls that the server got, the last 10,000. Values are never in it. On a shared server they are those of this account."""

    def __init__(self, admin: Admin, account: Optional[str] = None, after: int = 0) -> None:
        self._admin, self._account, self._after = admin, account, str(after) if after else None

    def all(self, action: Optional[str] = None, **members: Any) -> List[Dict[str, Any]]:
        """The calls in the order in which they came: `action`, `secret`, `code`, `status`, `caller`, `reason` and more.

        Each argument is a pattern for a member, such as `secret="app/*"`.
        """
        members = {name: str(value) for name, value in members.items() if value is not None}
        where = of_account("requests", self._account, after=self._after, limit="100000", action=action, **members)
        calls: List[Dict[str, Any]] = self._admin.call("GET", where)["requests"]
        return calls[::-1]

    def count(self, action: Optional[str] = None, **members: Any) -> int:
        """How many calls fit: `count("GetSecretValue", secret="app/*", code="Rejected.Throttling")`."""
        members = {name: str(value) for name, value in members.items() if value is not None}
        where = of_account("requests", self._account, after=self._after, limit="0", action=action, **members)
        answer: Dict[str, Any] = self._admin.call("GET", where)
        if answer["dropped"] and not self._after:
            raise Refused(f"the server has dropped {answer['dropped']} calls; raise [limits] request_log to count them")
        count: int = answer["count"]
        return count

    def verify(self, action: Optional[str] = None, times: Optional[int] = None, **members: Any) -> None:
        """Fails unless calls came that fit: exactly `times`, or `at_least` and `at_most`, or at least one.

        Each other argument is a pattern for a member: `secret="app/*"`, `version`, `label`, `caller`, `code`, `status`. The failure shows
        the nearest misses.
        """
        self.verify_all([{"action": action, "times": times, **members}])

    def verify_all(self, expectations: Sequence[Dict[str, Any]], in_order: bool = False) -> None:
        """Fails unless all expectations hold, each a dict of the arguments of `verify`; with `in_order` also in this order."""
        wanted = [{name: value for name, value in each.items() if value is not None} for each in expectations]
        answer = self._admin.call("POST", of_account("requests/verify", self._account, after=self._after), {"expectations": wanted, "in_order": in_order})
        if not answer["holds"]:
            rows = zip(wanted, answer["expectations"])
            raise AssertionError("\n".join(_failed(each, row) for each, row in rows if not row["holds"]))


def _failed(expectation: Dict[str, Any], row: Dict[str, Any]) -> str:
    counts = ("times", "at_least", "at_most")
    what = " ".join(str(value) if name == "action" else f"{name}={value}" for name, value in expectation.items() if name not in counts)
    lines = [f"expected {what or 'any call'} {row['expected']} times, and the server saw {row['found']}"]
    if row.get("incomplete"):
        lines[0] += "; it has dropped calls that could matter: raise [limits] request_log"
    if row.get("out_of_order"):
        lines[0] += "; not in this order"
    shown = [(miss["request"], miss["differences"]) for miss in row.get("nearest", ())] + [(call, {}) for call in row.get("requests", ())]
    if shown:
        lines.append("The nearest calls were:" if row.get("nearest") else "These calls were:")
    for call, differences in shown:
        differs = "; ".join(f"{name} is {', '.join(each['found']) or 'absent'}" for name, each in differences.items())
        words = [call["action"], call["secret"], call["code"] or "answered", f"({differs})" if differs else None]
        lines.append("  " + " ".join(word for word in words if word))
    return "\n".join(lines)
