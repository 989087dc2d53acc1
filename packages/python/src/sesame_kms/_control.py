"""What a test asks of the server beyond the API: faults, the clock, and what was called."""
import datetime
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional, Union


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


class Faults:
    """Rules that make the server refuse, delay or not answer calls. The first rule that fires wins."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

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
        kept = []
        for old in self.rules():
            fired = old.pop("fired", 0)
            old.pop("matched", None)
            # Setting rules counts from nothing, so a rule keeps only what it has left.
            if "times" in old:
                old["times"] -= fired
            if old.get("times") != 0:
                kept.append(old)
        kept.append({name: value for name, value in rule.items() if value is not None})
        self._admin.call("PUT", "faults", kept)

    def rules(self) -> List[Dict[str, Any]]:
        """The rules, each with the number of calls that it matched and that it changed (`fired`)."""
        rules: List[Dict[str, Any]] = self._admin.call("GET", "faults")["faults"]
        return rules

    def clear(self) -> None:
        """Removes all rules."""
        self._admin.call("DELETE", "faults")


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

    def resume(self) -> None:
        """Sets the clock back to the machine's time."""
        self._admin.call("POST", "clock", {"resume": True})

    def now(self) -> datetime.datetime:
        """What the clock shows, in UTC."""
        shown: str = self._admin.call("GET", "clock")["now"]
        return datetime.datetime.strptime(shown, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


class Requests:
    """The calls that the server got, at most the last 1,000. Values are never in it."""

    def __init__(self, admin: Admin, account: Optional[str] = None) -> None:
        self._admin, self._account = admin, account

    def all(self, action: Optional[str] = None) -> List[Dict[str, Any]]:
        """The calls of an action, or all, in the order in which they came: `action`, `code`, `status`, `caller`, `reason` and more."""
        where = "requests?limit=1000" + ("&action=" + urllib.parse.quote(action) if action else "")
        calls: List[Dict[str, Any]] = self._admin.call("GET", where)["requests"]
        if self._account:
            calls = [call for call in calls if f"::{self._account}:" in (call.get("caller") or "")]
        return calls[::-1]

    def verify(self, action: str, times: Optional[int] = None, code: Optional[str] = None) -> None:
        """Fails unless `action` was called: exactly `times` times, or at least once. `code` counts only calls that were refused with it."""
        calls = [call for call in self.all(action) if code is None or call.get("code") == code]
        if (times is None and calls) or len(calls) == times:
            return
        wanted = "at least once" if times is None else f"{times} times"
        refused = f" refused with {code}" if code else ""
        lines = [f"  {call['action']} {call.get('code') or 'answered'}" for call in self.all()] or ["  nothing"]
        raise AssertionError(f"expected {action}{refused} {wanted}, and the server saw it {len(calls)} times. The calls were:\n" + "\n".join(lines[-30:]))
