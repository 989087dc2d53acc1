#!/usr/bin/env python3
"""Kills the server in the middle of writes, again and again, and looks for what was acknowledged.

    tests/crash/run.py [--binary PATH] [--rounds N] [--seed S] [--writers N]

Each round starts the server on the same data directory, lets several writers create secrets, put versions and move
labels over keep-alive connections, kills it with -9 at a random moment, runs `sesame check`, starts it again, and reads
back every acknowledged version of the round by id, and the current version of every secret. One secret takes at most eight
versions, because the eleventh would evict one. Loopback only; bounded in rounds and time.
"""
import argparse, hashlib, http.client, json, os, pathlib, random, re, signal, subprocess, sys, tempfile, threading, time
from urllib.parse import urlencode

PUTS = 8


class Server:
    def __init__(self, binary, data):
        environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
        command = [binary, 'serve', '--listen', '127.0.0.1:0', '--data-dir', data, '--log', 'warn']
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        banner = self.process.stdout.readline()
        if self.process.stdout.readline() != 'Ready.\n':
            sys.exit('the server did not start: %r' % banner)
        self.port = int(re.search(r'http://127\.0\.0\.1:(\d+)', banner).group(1))

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)

    def call(self, action, **parameters):
        body = urlencode(dict(parameters, Action=action, Version='2016-01-20'))
        self.connection.request('POST', '/', body, {'Content-Type': 'application/x-www-form-urlencoded'})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Secret:
    """What a writer knows of one secret: acknowledged versions by id, and which label moves were acknowledged."""

    def __init__(self, name):
        self.name, self.values, self.current, self.asked = name, {}, None, None


def value(rng, name, version):
    return '%s %s %s' % (name, version, hashlib.sha256(rng.randbytes(16)).hexdigest() * rng.choice((1, 4, 100)))


def write(port, rng, prefix, secrets, stop):
    """Writes until told to stop or the server is gone. `asked` is what was sent and not answered."""
    client = Client(port)
    try:
        for n in range(10_000):
            secret = Secret('%s/%d' % (prefix, n))
            secrets.append(secret)
            for v in range(1, PUTS + 1):
                if stop.is_set():
                    return
                version = 'v%d' % v
                data = value(rng, secret.name, version)
                secret.asked = (version, data)
                status, answer = client.call('CreateSecret' if v == 1 else 'PutSecretValue', SecretName=secret.name,
                                             VersionId=version, SecretData=data)
                if status != 200:
                    raise SystemExit('unexpected answer %d %r' % (status, answer))
                secret.values[version], secret.current, secret.asked = data, version, None
                if v > 2 and rng.random() < 0.3:
                    back = 'v%d' % rng.randrange(1, v)
                    secret.asked = (back, None)
                    status, answer = client.call('UpdateSecretVersionStage', SecretName=secret.name, VersionStage='ACSCurrent',
                                                 MoveToVersion=back)
                    if status != 200:
                        raise SystemExit('unexpected answer %d %r' % (status, answer))
                    secret.current, secret.asked = back, None
    except (OSError, http.client.HTTPException):
        pass


def verify(port, secrets):
    """Lines that say what was lost."""
    client, lost = Client(port), []
    for secret in secrets:
        for version, data in secret.values.items():
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=version)
            if status != 200 or answer['SecretData'] != data:
                lost.append('%s %s: %d %s' % (secret.name, version, status, answer.get('Code', 'other value')))
        if secret.values:
            _, answer = client.call('GetSecretValue', SecretName=secret.name)
            allowed = {secret.current} | ({secret.asked[0]} if secret.asked else set())
            if answer.get('VersionId') not in allowed:
                lost.append('%s: ACSCurrent is on %s, not on %s' % (secret.name, answer.get('VersionId'), allowed))
        if secret.asked and secret.asked[1]:
            # Not acknowledged: there or not, but never something else.
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=secret.asked[0])
            if status == 200 and answer['SecretData'] != secret.asked[1]:
                lost.append('%s %s: half a write' % (secret.name, secret.asked[0]))
    return lost


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=50)
    arguments.add_argument('--writers', type=int, default=6)
    arguments.add_argument('--seed', type=int, default=int(time.time()))
    given = arguments.parse_args()
    binary = str(pathlib.Path(given.binary).resolve())
    rng = random.Random(given.seed)
    acknowledged, lost = 0, []
    with tempfile.TemporaryDirectory() as data:
        for n in range(1, given.rounds + 1):
            server, stop = Server(binary, data), threading.Event()
            secrets = [[] for _ in range(given.writers)]
            threads = [threading.Thread(target=write, args=(server.port, random.Random(rng.random()), 'r%d/w%d' % (n, w), s, stop))
                       for w, s in enumerate(secrets)]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.05, 0.6))
            server.end(signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join()
            check = subprocess.run([binary, 'check', '--data-dir', data], capture_output=True, text=True)
            if check.returncode:
                lost.append('round %d: check says %s%s' % (n, check.stdout, check.stderr))
            server = Server(binary, data)
            written = [secret for of_writer in secrets for secret in of_writer]
            lost += verify(server.port, written)
            acknowledged += sum(len(secret.values) for secret in written)
            if server.end(signal.SIGTERM):
                lost.append('round %d: the server did not stop well' % n)
    print('\n'.join(lost))
    print('seed %d: %d rounds, %d acknowledged versions, lost %d' % (given.seed, given.rounds, acknowledged, len(lost)))
    print('%d passed, %d failed' % (given.rounds - min(given.rounds, len(lost)), len(lost)))
    sys.exit(1 if lost or not acknowledged else 0)


if __name__ == '__main__':
    main()
