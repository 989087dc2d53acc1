#!/usr/bin/env python3
"""What a cache client does over time: behaviour.py BINARY http|https RETRIES COMMAND …

COMMAND starts the client under test (v1.py, v2.py, main.go, Driver.java). It reads `get NAME` and `refresh NAME` from its input and
answers each with one line, `= value` or `! code`. It talks to a server of its own, with an own data directory. Rules of faults on that
server make the errors, and its request log shows what the client asked for, and when.
RETRIES says which errors the client retries: `codes` means the error codes that call for it, `none` no answer of the service. `racy` is
`codes` with a bug of the Java client: it asks whether its task is done just before the task is done, and then drops the value. It shows
that as SDK.ReadTimeout, or as `false` when told to refresh.
"""
import json, os, pathlib, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))
from support.process import clean_environment, kill  # noqa: E402
from support.report import Report  # noqa: E402
from support.server import DIRECT, Server  # noqa: E402

REPORT = Report()


def check(what, got, want=True):
    REPORT.check(what, got == want, 'got %r, want %r' % (got, want))


def call(server, action, **parameters):
    status, answer = server.call(action, **parameters)
    assert status == 200, answer
    return answer


class Requests:
    """The reads of values that the server's request log shows, and the errors that the server makes for them."""

    def __init__(self, server):
        self.server, self.moments = server, []
        self.follow()

    def follow(self):
        """To be called after each start of the server."""
        lines = DIRECT.open(self.server.url + '/_sesame/requests?follow&action=GetSecretValue', timeout=120)
        threading.Thread(target=self.note, args=(lines,), daemon=True).start()

    def note(self, lines):
        try:
            for _ in lines:
                self.moments.append(time.monotonic())
        except OSError:
            pass  # the server was stopped

    def expect(self, secret=None, code=None, times=0):
        """Starts counting at 0. The next `times` reads of the secret get the code."""
        rules = [{'action': 'GetSecretValue', 'secret': secret, 'code': code, 'times': times}] if code else []
        self.server.admin('PUT', 'faults', json.dumps(rules).encode())
        self.moments = []

    def count(self, wanted):
        """How many reads there were. The request log may show one a moment after its answer."""
        return until(wanted, lambda: len(self.moments), 2)

    def pauses(self):
        return [round(later - earlier) for earlier, later in zip(self.moments, self.moments[1:])]


class Client:
    def __init__(self, command, host):
        # In an empty directory, because the client looks for secretsmanager.properties where it runs.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        cwd=tempfile.mkdtemp(), env=clean_environment(CACHE_HOST=host))

    def ask(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        for answer in self.process.stdout:
            if answer.startswith(('= ', '! ')):
                return answer.strip()
        return 'the client ended'


def until(wanted, ask, seconds):
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return got


TWO = '{"SecretSubType":"DoubleUsers","%s":"i-1","RegionId":"cn-hangzhou","AccountName":"app","CloneAccountName":"app_clone",%s}'
# SecretType, name, ExtendedConfig, SecretData
MANAGED = [
    ('Rds', 'm/rds', '{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}', '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}'),
    ('Redis', 'm/redis', TWO % ('InstanceId', '"AccountPrivilege":"RoleReadWrite"'), '$Auto'),
    ('PolarDB', 'm/polardb', TWO % ('DBClusterId', '"DBType":"MySQL","AccountType":"Normal"'), '$Auto'),
    ('ECS', 'acs/ecs/m', '{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"cn-hangzhou"}', '{"UserName":"root","Password":"first-Secret1"}'),
    ('RAMCredentials', '$Auto', '{"SecretSubType":"RamUserAccessKey","UserName":"cached"}',
     '{"AccessKeys":[{"AccessKeyId":"LTAI5tCachedExample","AccessKeySecret":"first-secret"}]}'),
]


def rotation(server, client, requests, retries):
    """A rotated value is not seen before its time, and the old one stays in use until then; a refresh sees the new one."""
    for kind, name, config, data in MANAGED:
        requests.expect()
        name = call(server, 'CreateSecret', SecretName=name, VersionId='v1', SecretType=kind, ExtendedConfig=config, SecretData=data)['SecretName']
        old = call(server, 'GetSecretValue', SecretName=name)['SecretData']
        check('%s: reads' % kind, client.ask('get ' + name), '= ' + old)
        call(server, 'RotateSecret', SecretName=name, VersionId='v2')
        new = call(server, 'GetSecretValue', SecretName=name)['SecretData']
        check('%s: the rotation made another value' % kind, new != old)
        check('%s: the cached one is not replaced before its time' % kind, client.ask('get ' + name), '= ' + old)
        check('%s: and is still the previous value' % kind, call(server, 'GetSecretValue', SecretName=name, VersionStage='ACSPrevious')['SecretData'], old)
        got = client.ask('refresh ' + name)
        if retries == 'racy' and got == '= false':
            got = client.ask('refresh ' + name)
        check('%s: refreshes when told' % kind, got, '= true')
        check('%s: then sees the new value' % kind, client.ask('get ' + name), '= ' + new)


def main(binary, scheme, retries, *command):
    data = tempfile.mkdtemp()
    server = Server(binary, '--data-dir', data)
    requests = Requests(server)
    # By name, as the certificate has it. These clients do not check the authority.
    client = Client(command, '%s:%d' % ('localhost' if scheme == 'https' else '127.0.0.1', server.port))
    try:
        call(server, 'CreateSecret', SecretName='a', VersionId='v1', SecretData='first')
        check('reads', client.ask('get a'), '= first')
        call(server, 'PutSecretValue', SecretName='a', VersionId='v2', SecretData='second')
        requests.expect()
        check('a new version is not seen before its time', client.ask('get a'), '= first')
        check('and nothing is asked for', len(requests.moments), 0)
        check('refreshes when told', client.ask('refresh a'), '= true')
        check('then sees it', client.ask('get a'), '= second')

        server.kill()
        check('the value is there while the server is not', client.ask('get a'), '= second')
        server = requests.server = Server(binary, '--data-dir', data, listen=server.host)
        requests.follow()
        call(server, 'PutSecretValue', SecretName='a', VersionId='v3', SecretData='third')
        # Its kept connection is closed, so a client may have to ask twice.
        got = client.ask('refresh a')
        if retries == 'racy' and got == '= false':
            got = client.ask('refresh a')
        check('refreshes after a restart', got, '= true')
        check('and sees what was put then', client.ask('get a'), '= third')
        check('what was put before is there', call(server, 'GetSecretValue', SecretName='a', VersionStage='ACSPrevious')['SecretData'], 'second')

        for name, code, times in (('b', 'Rejected.Throttling', 2), ('c', 'ServiceUnavailableTemporary', 1), ('d', 'Throttling.User', 1)):
            call(server, 'CreateSecret', SecretName=name, VersionId='v1', SecretData='value')
            requests.expect(name, code, times)
            got = client.ask('get ' + name)
            if retries != 'none' and code != 'Throttling.User':
                count, pauses = requests.count(times + 1), requests.pauses()
                if retries == 'racy' and got == '! SDK.ReadTimeout':
                    got = client.ask('get ' + name)
                check('%s %d times, then the value' % (code, times), got, '= value')
                check('requests', count, times + 1)
                check('pauses of two seconds, then four', pauses, [2, 4][:times])
            else:
                check('%s is an error at once' % code, got, '! ' + code)
                check('one request', requests.count(1), 1)
                requests.expect()
                check('and the next call succeeds', client.ask('get ' + name), '= value')

        rotation(server, client, requests, retries)

        # Last, because from here on the client reads on its own.
        requests.expect()
        short = lambda value: json.dumps({'value': value, 'ttl': 1000})
        call(server, 'CreateSecret', SecretName='t', VersionId='v1', SecretData=short(1))
        check('a value with a life of a second', client.ask('get t'), '= ' + short(1))
        call(server, 'PutSecretValue', SecretName='t', VersionId='v2', SecretData=short(2))
        check('is read again by itself', until('= ' + short(2), lambda: client.ask('get t'), 8), '= ' + short(2))
    finally:
        kill(client.process)
        server.kill()
    os._exit(REPORT.close())


if __name__ == '__main__':
    main(*sys.argv[1:])
