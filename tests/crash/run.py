#!/usr/bin/env python3
"""Kills the server in the middle of writes, again and again, and looks for what was acknowledged.

    tests/crash/run.py [--binary PATH] [--rounds N] [--seed S] [--writers N]

Each round starts the server on the same data directory, lets several writers create secrets, put versions and move
labels over keep-alive connections, kills it with -9 at a random moment, runs `sesame check`, starts it again, and reads
back every acknowledged version of the round by id, and the current version of every secret. The last start reads back
those of all rounds. One secret takes at most eight versions, because the eleventh would evict one. Loopback only; bounded
in rounds and time. After a failure the data directory stays.
"""
import argparse, hashlib, http.client, json, os, pathlib, random, re, select, shutil, signal, subprocess, sys, tempfile, threading, time
from urllib.parse import urlencode

PUTS = 8
PATIENCE = 60  # seconds for a start, a stop and a check each


class Server:
    def __init__(self, binary, data):
        environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
        command = [binary, 'serve', '--listen', '127.0.0.1:0', '--data-dir', data, '--log', 'warn']
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        printed, deadline = b'', time.monotonic() + PATIENCE
        while b'Ready.\n' not in printed and select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                break
            printed += piece
        port = re.search(rb'http://127\.0\.0\.1:(\d+)', printed)
        if b'Ready.\n' not in printed or not port:
            self.end(signal.SIGKILL)
            raise Broken('the server did not start: %r' % printed)
        self.port = int(port.group(1))

    def end(self, how):
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Broken(Exception):
    """Something that makes it pointless to go on."""


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)

    def call(self, action, **parameters):
        body = urlencode(dict(parameters, Action=action, Version='2016-01-20'))
        self.connection.request('POST', '/', body, {'Content-Type': 'application/x-www-form-urlencoded'})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Secret:
    """What a writer knows of one secret: acknowledged versions with the hashes of their values, where an acknowledged call
    left ACSCurrent, and `asked`: the version, and for a put the hash, of the call that was sent and not answered."""

    def __init__(self, name):
        self.name, self.versions, self.current, self.asked, self.acknowledged = name, {}, None, None, 0


def digest(data):
    return hashlib.sha256(data.encode()).hexdigest()


def value(rng, name, version):
    return '%s %s %s' % (name, version, hashlib.sha256(rng.randbytes(16)).hexdigest() * rng.choice((1, 4, 100)))


def write(port, rng, prefix, secrets, killed, problems):
    """Writes until the server is gone. Whatever else ends it is a problem: nobody hears an exception in a thread."""
    try:
        client = Client(port)
        while not killed.is_set():
            secret = Secret('%s/%d' % (prefix, len(secrets)))
            secrets.append(secret)

            def send(action, version, data=None, **parameters):
                secret.asked = (version, data and digest(data))
                status, answer = client.call(action, SecretName=secret.name, **parameters)
                if status != 200:
                    raise Broken('%s %s %s: %d %s' % (action, secret.name, version, status, answer))
                if data:
                    secret.versions[version] = digest(data)
                secret.current, secret.asked, secret.acknowledged = version, None, secret.acknowledged + 1

            for v in range(1, PUTS + 1):
                version, data = 'v%d' % v, value(rng, secret.name, 'v%d' % v)
                send('CreateSecret' if v == 1 else 'PutSecretValue', version, data, VersionId=version, SecretData=data)
                if v > 2 and rng.random() < 0.3:
                    back = 'v%d' % rng.randrange(1, v)
                    send('UpdateSecretVersionStage', back, VersionStage='ACSCurrent', MoveToVersion=back)
    except (OSError, http.client.HTTPException) as gone:
        if not killed.is_set():
            problems.append('%s: the connection broke before the kill: %r' % (prefix, gone))
    except Exception as error:
        problems.append('%s: %r' % (prefix, error))


def verify(port, secrets):
    """Lines that say what was lost."""
    client, lost = Client(port), []
    for secret in secrets:
        for version, known in secret.versions.items():
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=version)
            if status != 200 or digest(answer['SecretData']) != known:
                lost.append('%s %s: %d %s' % (secret.name, version, status, answer.get('Code', 'other value')))
        if secret.current:
            _, answer = client.call('GetSecretValue', SecretName=secret.name)
            allowed = {secret.current} | ({secret.asked[0]} if secret.asked else set())
            if answer.get('VersionId') not in allowed:
                lost.append('%s: ACSCurrent is on %s, not on %s' % (secret.name, answer.get('VersionId'), ' or '.join(sorted(allowed))))
        if secret.asked and secret.asked[1]:
            # Not acknowledged: there or not, but never something else.
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=secret.asked[0])
            if status == 200 and digest(answer['SecretData']) != secret.asked[1]:
                lost.append('%s %s: half a write' % (secret.name, secret.asked[0]))
    return lost


def crash(number, given, data, rng, written, lost, problems):
    """One round; adds the secrets it wrote, what was lost of them, and what else went wrong."""
    server, killed = Server(given.binary, data), threading.Event()
    secrets = [[] for _ in range(given.writers)]
    threads = [threading.Thread(target=write, daemon=True,
                                args=(server.port, random.Random(rng.random()), 'r%d/w%d' % (number, w), s, killed, problems))
               for w, s in enumerate(secrets)]
    try:
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.1, 1.0))
    finally:
        killed.set()
        server.end(signal.SIGKILL)
    for thread in threads:
        thread.join(PATIENCE)
    check = subprocess.run([given.binary, 'check', '--data-dir', data], capture_output=True, text=True, timeout=PATIENCE)
    if check.returncode:
        problems.append('round %d: check ends with %d: %s%s' % (number, check.returncode, check.stdout, check.stderr))
    of_round = [secret for of_writer in secrets for secret in of_writer]
    if not any(secret.acknowledged for secret in of_round):
        problems.append('round %d: nothing was acknowledged, so nothing was tried' % number)
    written += of_round
    server = Server(given.binary, data)
    try:
        lost += verify(server.port, written if number == given.rounds else of_round)
    finally:
        code = server.end(signal.SIGTERM)
    if code:
        problems.append('round %d: asked to stop, the server ended with %d' % (number, code))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=50)
    arguments.add_argument('--writers', type=int, default=6)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='of the values and the moments of the kills')
    given = arguments.parse_args()
    if given.rounds < 1:
        arguments.error('--rounds must be at least 1')
    given.binary = str(pathlib.Path(given.binary).resolve())
    rng = random.Random(given.seed)
    written, lost, problems, rounds = [], [], [], 0
    data = tempfile.mkdtemp(prefix='sesame-crash-')
    try:
        while rounds < given.rounds and not lost and not problems:
            crash(rounds + 1, given, data, rng, written, lost, problems)
            rounds += 1
    except (Broken, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
        problems.append('round %d: %s' % (rounds + 1, error))
    for line in (lost + problems)[:40]:
        print(line)
    if lost or problems:
        print('the data directory stays: %s' % data)
    else:
        shutil.rmtree(data)
    acknowledged = sum(secret.acknowledged for secret in written)
    print('seed %d: %d rounds, %d acknowledged writes, lost %d%s' % (
        given.seed, rounds, acknowledged, len(lost), ', %d other problems' % len(problems) if problems else ''))
    sys.exit(1 if lost or problems else 0)


if __name__ == '__main__':
    main()
