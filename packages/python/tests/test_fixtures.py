"""The fixtures against the real server, with the official client."""
import asyncio
import datetime
import os
import unittest
from typing import Any

import pytest
from alibabacloud_kms20160120 import models as m

from sesame_kms import Sesame


def put(kms: Any, name: str, version: str = "v1", value: str = "first") -> None:
    kms.create_secret(m.CreateSecretRequest(secret_name=name, version_id=version, secret_data=value))


def read(kms: Any, name: str) -> str:
    return kms.get_secret_value(m.GetSecretValueRequest(secret_name=name)).body.secret_data


def names(kms: Any) -> list:
    return [secret.secret_name for secret in kms.list_secrets(m.ListSecretsRequest()).body.secret_list.secret]


@pytest.mark.parametrize("round", range(3))
def test_each_test_starts_from_nothing(kms: Any, sesame: Sesame, round: int) -> None:
    assert names(kms) == [] and sesame.faults.rules() == []
    assert abs(sesame.clock.now() - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    put(kms, "db")
    sesame.faults.throttle("GetRandomPassword")
    sesame.clock.advance(days=7)


def test_a_throttled_call_is_refused_as_often_as_said(kms: Any, sesame: Sesame) -> None:
    put(kms, "db")
    sesame.faults.throttle("GetSecretValue", times=3)
    for _ in range(3):
        with pytest.raises(Exception) as refused:
            read(kms, "db")
        assert refused.value.code == "Rejected.Throttling"
    assert read(kms, "db") == "first"
    sesame.requests.verify("GetSecretValue", times=4)
    sesame.requests.verify("GetSecretValue", times=3, code="Rejected.Throttling")


def test_a_second_rule_does_not_start_the_first_one_anew(kms: Any, sesame: Sesame) -> None:
    put(kms, "db")
    sesame.faults.throttle("GetSecretValue", times=1)
    with pytest.raises(Exception):
        read(kms, "db")
    sesame.faults.fail("ListSecrets", "InternalFailure", times=1)
    assert read(kms, "db") == "first"
    with pytest.raises(Exception) as refused:
        names(kms)
    assert refused.value.code == "InternalFailure"


def test_an_answer_is_lost_and_the_write_is_there(kms: Any, sesame: Sesame) -> None:
    put(kms, "db")
    sesame.faults.lose_answer("PutSecretValue", times=1)
    with pytest.raises(Exception):
        kms.put_secret_value(m.PutSecretValueRequest(secret_name="db", version_id="v2", secret_data="second"))
    assert read(kms, "db") == "second"


def test_the_clock_ends_a_deletion_window(kms: Any, sesame: Sesame) -> None:
    put(kms, "db")
    kms.delete_secret(m.DeleteSecretRequest(secret_name="db", recovery_window_in_days="7"))
    sesame.clock.advance(days=7, seconds=1)
    put(kms, "db", value="again")
    assert read(kms, "db") == "again"
    assert sesame.clock.set("2030-01-01T00:00:00Z").year == 2030


def test_verify_tells_what_was_called_instead(kms: Any, sesame: Sesame) -> None:
    put(kms, "db")
    with pytest.raises(AssertionError, match=r"expected GetSecretValue at least 1 times.*saw 0\nThe nearest calls were:\n  CreateSecret db answered \(action is CreateSecret\)"):
        sesame.requests.verify("GetSecretValue")
    sesame.requests.verify("GetSecretValue", times=0)


def test_calls_are_counted_by_secret_and_in_order(kms: Any, sesame: Sesame) -> None:
    put(kms, "app/db")
    read(kms, "app/db")
    with pytest.raises(Exception):
        read(kms, "app/admin")
    assert sesame.requests.count("GetSecretValue", secret="app/*") == 2
    assert [call["answered_version"] for call in sesame.requests.all("GetSecretValue", status=200)] == ["v1"]
    sesame.requests.verify("GetSecretValue", secret="app/db", label="ACSCurrent", at_most=1)
    sesame.requests.verify_all([{"action": "CreateSecret"}, {"code": "Forbidden.*", "secret": "app/admin"}], in_order=True)
    with pytest.raises(AssertionError, match="not in this order"):
        sesame.requests.verify_all([{"action": "GetSecretValue"}, {"action": "CreateSecret"}], in_order=True)
    with pytest.raises(AssertionError, match=r"These calls were:\n  GetSecretValue app/admin Forbidden.ResourceNotFound"):
        sesame.requests.verify("GetSecretValue", secret="app/admin", times=0)


def test_a_new_account_has_faults_and_calls_of_its_own(kms: Any, sesame: Sesame) -> None:
    mine = sesame.new_account()
    mine.faults.throttle("ListSecrets", times=1)
    assert names(kms) == []
    with pytest.raises(Exception) as refused:
        names(mine.client())
    assert refused.value.code == "Rejected.Throttling"
    mine.requests.verify("ListSecrets", times=1)
    sesame.requests.verify("ListSecrets", times=2)
    assert len(sesame.faults.rules()) == 1
    mine.reset()
    assert mine.requests.all() == [] and sesame.faults.rules() == []


@pytest.mark.sesame(seed="seed.yaml")
def test_a_seed_lies_beside_the_test(kms: Any) -> None:
    assert read(kms, "app/mail") == "seeded"


@pytest.mark.sesame(seed={"secrets": [{"name": "app/dict", "versions": [{"id": "v1", "value": "x"}]}]})
def test_a_seed_is_a_dict(kms: Any) -> None:
    assert names(kms) == ["app/dict"]


@pytest.mark.sesame(auth="enforced")
def test_another_mode_has_a_server_of_its_own(kms: Any, sesame: Sesame, sesame_server: Sesame) -> None:
    assert sesame.url != sesame_server.url
    put(kms, "db")
    assert read(kms, "db") == "first"
    sesame.access_key_secret = "wrong"
    with pytest.raises(Exception) as refused:
        read(sesame.client(), "db")
    assert refused.value.code == "SignatureDoesNotMatch"


def test_the_client_is_async_too(kms: Any) -> None:
    put(kms, "db")
    answer = asyncio.run(kms.get_secret_value_async(m.GetSecretValueRequest(secret_name="db")))
    assert answer.body.secret_data == "first"


def test_a_program_reads_the_environment(sesame_env: Any, sesame: Sesame) -> None:
    assert os.environ["KMS_ENDPOINT"] == sesame.endpoint
    assert os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "test"


def test_a_proxy_in_the_environment_is_not_asked(sesame: Sesame, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    put(sesame.client(), "db")
    sesame.requests.verify("CreateSecret", times=1)


def test_settings_of_the_caller_do_not_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME_AUTH", "nonsense")
    with Sesame.start() as sesame:
        put(sesame.client(), "db")


class FromUnittest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.sesame = Sesame.start()
        cls.addClassCleanup(cls.sesame.stop)

    def setUp(self) -> None:
        self.sesame.reset()

    def test_unittest_has_the_same(self) -> None:
        put(self.sesame.client(), "db")
        self.sesame.requests.verify("CreateSecret", times=1)


def test_stop_ends_the_process_and_may_be_called_twice() -> None:
    sesame = Sesame.start()
    sesame.stop()
    sesame.stop()
    with pytest.raises(Exception, match="no server answers"):
        sesame.reset()
