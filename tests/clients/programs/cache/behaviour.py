#!/usr/bin/env python3
"""What a cache client does over time: behaviour.py BINARY http|https RETRIES COMMAND …

COMMAND starts the client under test (v1.py, v2.py, main.go, Driver.java): it reads `get NAME` and `refresh NAME` from its input and answers
each with one line, `= value` or `! code`. It talks to a server of its own, on a data directory of its own, whose rules of faults make the errors,
and whose journal is followed to see what was asked, and when.
RETRIES is what the client repeats: `codes` the codes that ask for it, `none` no answer of the service. `racy` is `codes` with a bug of the
Java client: it asks its task whether it is done just before the task is, and then throws the value away: as SDK.ReadTimeout, or, told to
refresh, as `false`.
"""
import json, os, re, select, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

NUMBERS = [0, 0]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(what, got, want=True):
    good = got == want
    NUMBERS[0 if good else 1] += 1
    print(('ok   ' if good else 'FAIL ') + what + ('' if good else ': got %r, want %r' % (got, want)), flush=True)


class Server:
    def __init__(self, binary, directory):
        self.command = [binary, 'serve', '--data-dir', directory, '--listen']
        self.address = '127.0.0.1:0'
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command + [self.address], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        banner, deadline = b'', time.monotonic() + 20
        while b'Ready.\n' not in banner and select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                break
            banner += piece
        self.address = re.search(r'http://(\S+)', banner.decode()).group(1)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def call(self, action, **parameters):
        body = urllib.parse.urlencode(parameters).encode()
        return json.loads(DIRECT.open('http://%s/?Version=2016-01-20&Action=%s' % (self.address, action), body, 20).read())


class Requests:
    """What is asked for secrets' values, as the server's journal tells, and the errors that are made for it."""

    def __init__(self, server):
        self.server, self.moments = server, []
        self.follow()

    def follow(self):
        """To be called for each start of the server."""
        lines = DIRECT.open('http://%s/_sesame/requests?follow&action=GetSecretValue' % self.server.address, timeout=120)
        threading.Thread(target=self.note, args=(lines,), daemon=True).start()

    def note(self, lines):
        try:
            for _ in lines:
                self.moments.append(time.monotonic())
        except OSError:
            pass  # the server was stopped

    def expect(self, secret=None, code=None, times=0):
        """Begins to count anew; the next `times` reads of the secret get the code."""
        rules = [{'action': 'GetSecretValue', 'secret': secret, 'code': code, 'times': times}] if code else []
        request = urllib.request.Request('http://%s/_sesame/faults' % self.server.address, json.dumps(rules).encode(), method='PUT')
        DIRECT.open(request, timeout=20).read()
        self.moments = []

    def count(self, wanted):
        """How many there were. The journal may come a moment after the answer."""
        return until(wanted, lambda: len(self.moments), 2)

    def pauses(self):
        return [round(later - earlier) for earlier, later in zip(self.moments, self.moments[1:])]


class Client:
    def __init__(self, command, host):
        environment = {name: value for name, value in os.environ.items() if not re.match(r'credentials_|cache_client_|SESAME_|ALIBABA', name)}
        # It looks for secretsmanager.properties where it runs.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        cwd=tempfile.mkdtemp(), env=dict(environment, CACHE_HOST=host))

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


def main(binary, scheme, retries, *command):
    server = Server(binary, tempfile.mkdtemp())
    requests = Requests(server)
    # By name, which is what the server's certificate is for; these clients take any authority.
    port = server.address.rpartition(':')[2]
    client = Client(command, ('localhost:' if scheme == 'https' else '127.0.0.1:') + port)
    try:
        server.call('CreateSecret', SecretName='a', VersionId='v1', SecretData='first')
        check('reads', client.ask('get a'), '= first')
        server.call('PutSecretValue', SecretName='a', VersionId='v2', SecretData='second')
        requests.expect()
        check('a new version is not seen before its time', client.ask('get a'), '= first')
        check('and nothing is asked for', len(requests.moments), 0)
        check('refreshes when told', client.ask('refresh a'), '= true')
        check('then sees it', client.ask('get a'), '= second')

        server.stop()
        check('the value is there while the server is not', client.ask('get a'), '= second')
        server.start()
        requests.follow()
        server.call('PutSecretValue', SecretName='a', VersionId='v3', SecretData='third')
        # The connection that it kept is closed, so that a client may have to ask twice.
        got = client.ask('refresh a')
        if retries == 'racy' and got == '= false':
            got = client.ask('refresh a')
        check('refreshes after a restart', got, '= true')
        check('and sees what was put then', client.ask('get a'), '= third')
        check('what was put before is there', server.call('GetSecretValue', SecretName='a', VersionStage='ACSPrevious')['SecretData'], 'second')

        for name, code, times in (('b', 'Rejected.Throttling', 2), ('c', 'ServiceUnavailableTemporary', 1), ('d', 'Throttling.User', 1)):
            server.call('CreateSecret', SecretName=name, VersionId='v1', SecretData='value')
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

        # Last, as from here on the client asks by itself.
        requests.expect()
        short = lambda value: json.dumps({'value': value, 'ttl': 1000})
        server.call('CreateSecret', SecretName='t', VersionId='v1', SecretData=short(1))
        check('a value with a life of a second', client.ask('get t'), '= ' + short(1))
        server.call('PutSecretValue', SecretName='t', VersionId='v2', SecretData=short(2))
        check('is read again by itself', until('= ' + short(2), lambda: client.ask('get t'), 8), '= ' + short(2))
    finally:
        client.process.kill()
        client.process.wait()
        server.stop()
    print('%d passed, %d failed' % tuple(NUMBERS), flush=True)
    os._exit(1 if NUMBERS[1] else 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
