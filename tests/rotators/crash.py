#!/usr/bin/env python3
"""Kills Sesame during rotations of real accounts, again and again: after the restart the current value must log in.

    tests/rotators/crash.py [--binary PATH] [--engine postgres|mysql|redis] [--rounds N] [--seed S]

Each round starts RotateSecret for every secret, kills the server with -9 at a random moment, and starts it again. When nothing runs any
more, the current value of each secret must log in, and with two accounts the previous one as well. Every third round the database is restarted
while Sesame is down. At the end each secret must still rotate. Only loopback is used; rounds and time are bounded.
"""
import argparse, collections, http.client, json, pathlib, random, shutil, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.databases import ENGINES  # noqa: E402
from support.process import PATIENCE, Failed, until  # noqa: E402
from support.server import Connection, Server  # noqa: E402


def answered(client, action, **parameters):
    status, answer = client.call(action, **parameters)
    if status != 200:
        raise Failed('%s: %d %s' % (action, status, answer))
    return answer


def account(client, name, stage='ACSCurrent'):
    got = json.loads(answered(client, 'GetSecretValue', SecretName=name, VersionStage=stage)['SecretData'])
    return got['AccountName'], got['AccountPassword']


def create(engine, client, number):
    """Three secrets; at Redis all have two accounts."""
    names = []
    for part, sub_type in enumerate(('SingleUser', 'DoubleUsers', 'DoubleUsers')):
        name, user = 'crash/%d-%d' % (number, part), 'app%d%d' % (number, part)
        config = dict(engine.config, SecretSubType=sub_type)
        if engine.single:
            engine.create(user, 'First-Password-1')
            data = json.dumps({'Accounts': [{'AccountName': user, 'AccountPassword': 'First-Password-1'}]})
        else:
            config.update(SecretSubType='DoubleUsers', AccountName=user, CloneAccountName=user + '_clone', InstanceId='r-%d%d' % (number, part))
            data = '$Auto'
        answered(client, 'CreateSecret', SecretName=name, VersionId='v1', SecretType=engine.secret_type, ExtendedConfig=json.dumps(config), SecretData=data)
        names.append((name, config['SecretSubType']))
    return names


def rotate(server, name, version, killed, problems):
    try:
        answered(Connection(server.port), 'RotateSecret', SecretName=name, VersionId=version)
    except Exception as error:
        if not killed.is_set():
            problems.append('RotateSecret: %r' % error)


def settled(server):
    rows = json.loads(server.admin('GET', 'rotations'))['rotations']
    return all(row.get('result') not in (None, 'running') for row in rows)


def verify(engine, client, names, what, problems):
    """A rotation that goes on may be between its change and its commit just now, so the one account that it changes is waited for."""
    for name, sub_type in names:
        good = lambda stage: engine.logs_in(*account(client, name, stage))
        if sub_type == 'DoubleUsers' and not good('ACSCurrent'):
            problems.append('%s: the current value of %s does not log in, although it has two accounts' % (what, name))
        if not until(lambda: good('ACSCurrent'), PATIENCE):
            problems.append('%s: the current value of %s does not log in' % (what, name))
        status, _ = client.call('GetSecretValue', SecretName=name, VersionStage='ACSPrevious')
        if sub_type == 'DoubleUsers' and status == 200 and not until(lambda: good('ACSPrevious'), PATIENCE):
            problems.append('%s: the previous value of %s does not log in' % (what, name))


def one_round(number, engine, command, rng, names, longest, problems, counts):
    server = Server(*command)
    client = Connection(server.port)
    if not names:
        names += create(engine, client, 0)
    if number % 5 == 0:
        # The first rotation of two accounts creates the second one.
        names[2:] = create(engine, client, number)[1:2]
    before = {name: account(client, name) for name, _ in names}
    killed = threading.Event()
    threads = [threading.Thread(target=rotate, args=(server, name, 'r%d' % number, killed, problems), daemon=True) for name, _ in names]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0, longest))
    killed.set()
    server.kill()
    for thread in threads:
        thread.join(PATIENCE)
    changed = {name: engine.logs_in(*before[name]) for name, _ in names}
    if number % 3 == 0:
        engine.restart()
    server = Server(*command)
    try:
        client = Connection(server.port)
        first = {name: account(client, name) for name, _ in names}
        if not until(lambda: settled(server), PATIENCE):
            problems.append('round %d: rotations do not end' % number)
        verify(engine, client, names, 'round %d' % number, problems)
        for name, sub_type in names:
            now = account(client, name)
            counts['rotated'] += now != before[name]
            counts['finished after the restart'] += now != first[name]
            # The database had the new password, the secret did not yet.
            counts['killed between change and commit'] += sub_type == 'SingleUser' and first[name] == before[name] and not changed[name]
    finally:
        server.stop()


def measure(engine, command, names):
    """How long a rotation takes here, in seconds."""
    with Server(*command) as server:
        client = Connection(server.port)
        names += create(engine, client, 0)
        began = time.monotonic()
        for name, _ in names:
            answered(client, 'RotateSecret', SecretName=name, VersionId='first')
        return (time.monotonic() - began) / len(names)


def crash(kind, given, seed, problems):
    counts, names, found = collections.Counter(), [], []
    place = pathlib.Path(tempfile.mkdtemp(prefix='sesame-rotators-'))
    rounds = 0
    with ENGINES[kind]() as engine:
        try:
            (place / 'password').write_text(engine.admin_password)
            (place / 'sesame.toml').write_text('[[rotators]]\nname = "main"\nsecrets = ["crash/*"]\nkind = "%s"\nurl = "%s"\npassword_file = "password"\n'
                                               % (engine.kind, engine.url))
            command = [given.binary, '--config', place / 'sesame.toml', '--data-dir', place / 'data', '--log', 'error']
            rng = random.Random(seed)
            longest = measure(engine, command, names) * 3
            while rounds < given.rounds and not found:
                one_round(rounds + 1, engine, command, rng, names, longest, found, counts)
                rounds += 1
            with Server(*command) as server:
                client = Connection(server.port)
                for name, _ in names:
                    old = account(client, name)
                    answered(client, 'RotateSecret', SecretName=name, VersionId='last')
                    if not until(lambda: account(client, name) != old, 60):
                        found.append('%s does not rotate any more' % name)
                verify(engine, client, names, 'at the end', found)
        except (Failed, OSError, http.client.HTTPException, ValueError) as error:
            found.append('round %d: %r' % (rounds + 1, error))
        if rounds >= 20 and not counts['finished after the restart']:
            found.append('nothing was tested: no kill came between two steps')
        for line in found[:20]:
            print('%s: %s' % (engine.title, line))
        print('%s: seed %d: %d rounds within %.0f ms, %s, %d problems' % (
            engine.title, seed, rounds, longest * 1000, ', '.join('%s %d' % item for item in sorted(counts.items())), len(found)), flush=True)
    if found:
        print('the data directory stays: %s' % place)
    else:
        shutil.rmtree(place)
    problems += found


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--engine', choices=sorted(ENGINES), action='append', help='only this one')
    arguments.add_argument('--rounds', type=int, default=20)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='decides the moments of the kills')
    given = arguments.parse_args()
    given.binary, problems = str(pathlib.Path(given.binary).resolve()), []
    for kind in given.engine or ENGINES:
        crash(kind, given, given.seed, problems)
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
