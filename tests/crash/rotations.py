#!/usr/bin/env python3
"""Kills the server during rotations, again and again, and looks for secrets that are unreadable or half rotated.

    tests/crash/rotations.py [--binary PATH] [--rounds N] [--seed S]

Secrets of the five managed types have plans of seven days. Each round makes all of them rotate, by the clock or by RotateSecret,
reads meanwhile, kills the server with -9 at a random moment, runs `sesame check`, and starts the server again. At once after that, and when
nothing runs any more, each secret must have a readable current value and be in one of two states:

- the old value is current, and the plan has its old dates;
- one new value is current, the old one is previous, and the plan counts from this rotation.

A value that was read before the kill must not be taken back, and its version must not get another value. A RotateSecret that
was answered after less than two seconds must be done. Then every secret must still rotate. Only loopback is used; rounds and time are bounded.
"""
import argparse, collections, datetime, http.client, json, pathlib, random, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.process import PATIENCE, Failed, until  # noqa: E402
from support.server import Connection, Server  # noqa: E402

EPOCH = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
DAY = 86400
ROUND = 12 * DAY  # of the clock. Calls come on day 3, when no plan is due and no window is open; on day 11 all plans are due
RDS = '{"SecretSubType":"%s","DBInstanceId":"rm-1"}'
TWO = '{"SecretSubType":"DoubleUsers","RegionId":"cn-hangzhou","AccountName":"app","CloneAccountName":"app_clone",'
ECS = '{"SecretSubType":"%s","InstanceId":"i-1","RegionId":"cn-hangzhou"}'
RAM = '{"SecretSubType":"RamUserAccessKey","UserName":"crash-%d"}'
# SecretType, name, ExtendedConfig, SecretData; several of each are made
TYPES = [
    ('Rds', 'rds/single-%d', RDS % 'SingleUser', '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}'),
    ('Rds', 'rds/double-%d', RDS % 'DoubleUsers', '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}'),
    ('Redis', 'redis/%d', TWO + '"InstanceId":"r-%d","AccountPrivilege":"RoleReadWrite"}', '$Auto'),
    ('PolarDB', 'polardb/%d', TWO + '"DBClusterId":"pc-%d","DBType":"MySQL","AccountType":"Normal"}', '$Auto'),
    ('ECS', 'acs/ecs/password-%d', ECS % 'Password', '{"UserName":"root","Password":"first-Secret1"}'),
    ('RAMCredentials', 'acs/ram/user/crash-%d', RAM, '{"AccessKeys":[{"AccessKeyId":"LTAI5tCrashExample%d","AccessKeySecret":"first-secret"}]}'),
]
State = collections.namedtuple('State', 'version value previous previous_value status last following')


def answered(client, action, **parameters):
    status, answer = client.call(action, **parameters)
    if status != 200:
        raise Failed('%s %s: %d %s' % (action, parameters.get('SecretName'), status, answer))
    return answer


def create(server, each):
    names, client = [], Connection(server.port)
    for number in range(each):
        for kind, name, config, data in TYPES:
            fill = (lambda text: text % number if '%d' in text else text)
            given = '$Auto' if kind == 'RAMCredentials' else fill(name)
            answered(client, 'CreateSecret', SecretName=given, VersionId='v1', SecretType=kind, ExtendedConfig=fill(config), SecretData=fill(data),
                     EnableAutomaticRotation='true', RotationInterval='7d')
            names.append(fill(name))
    return names


def state(client, name):
    """What a reader sees of a secret. It takes three calls, so it is read again when a rotation ended between them."""
    current = answered(client, 'GetSecretValue', SecretName=name)
    status, previous = client.call('GetSecretValue', SecretName=name, VersionStage='ACSPrevious')
    if status not in (200, 404):
        raise Failed('ACSPrevious of %s: %d %s' % (name, status, previous))
    plan = answered(client, 'DescribeSecret', SecretName=name)
    if answered(client, 'GetSecretValue', SecretName=name)['VersionId'] != current['VersionId']:
        return state(client, name)
    return State(current['VersionId'], current['SecretData'], previous.get('VersionId'), previous.get('SecretData'), plan['AutomaticRotation'],
                 plan.get('LastRotationDate'), plan.get('NextRotationDate'))


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def wrong(before, after):
    """What is neither the old plan nor the finished rotation."""
    if not json.loads(after.value):
        return 'an empty value'
    if after.status != 'Enabled':
        return 'the plan is %s' % after.status
    if after.version == before.version:
        # The window of two AccessKeys may end at any time, so its previous value may go.
        same = after._replace(previous=before.previous, previous_value=before.previous_value) if after.previous is None else after
        return None if same == before else 'half a rotation'
    if (after.previous, after.previous_value) != (before.version, before.value):
        return 'the previous value is not what was current, but version %s' % after.previous
    if after.value == before.value:
        return 'the new version has the old value'
    if after.last == before.last or moment(after.following) - moment(after.last) != datetime.timedelta(days=7):
        return 'the dates do not belong to the rotation: %s and %s' % (after.last, after.following)
    return None


def by_clock(server, now, _names, _number, _asked, killed, problems):
    try:
        server.admin('POST', 'clock', json.dumps({'set': now}).encode())
    except Exception as error:
        if not killed.is_set():
            problems.append('the clock: %r' % error)


def by_call(server, _now, names, number, asked, killed, problems):
    try:
        client = Connection(server.port)
        for name in names:
            began = time.monotonic()
            answered(client, 'RotateSecret', SecretName=name, VersionId='r%d' % number)
            if time.monotonic() - began < 1.9:
                asked.add(name)
    except Exception as error:
        if not killed.is_set():
            problems.append('RotateSecret: %r' % error)


def read(server, names, seen, killed, problems):
    """Notes each value that was current, until the server is killed."""
    client = Connection(server.port)
    try:
        while not killed.is_set():
            for name in names:
                got = answered(client, 'GetSecretValue', SecretName=name)
                seen[name] = got['VersionId'], got['SecretData']
    except Exception as error:
        if not killed.is_set():
            problems.append('a reader: %r' % error)


def compare(server, names, before, seen, asked, what, problems):
    """The states of all secrets, after a comparison with those before the kill."""
    client, after = Connection(server.port), {}
    for name in names:
        now = after[name] = state(client, name)
        why = wrong(before[name], now)
        if not why and name in seen and seen[name][0] != before[name].version and seen[name] != (now.version, now.value):
            why = 'a value that was read is not there any more'
        if not why and name in asked and now.version == before[name].version:
            why = 'a rotation that was answered is not there any more'
        if why:
            problems.append('%s, %s: %s\n  before %s\n  after  %s' % (what, name, why, before[name], now))
    return after


def one_round(number, given, rng, data, names, problems, counts):
    began = EPOCH + datetime.timedelta(seconds=ROUND * number)
    set_to = lambda more: (began + datetime.timedelta(seconds=more)).strftime('%Y-%m-%dT%H:%M:%SZ')
    server = Server(given.binary, '--data-dir', data, '--log', 'error')
    killed, seen, asked = threading.Event(), {}, set()
    if not names:
        server.admin('POST', 'clock', json.dumps({'set': set_to(0)}).encode())
        names += create(server, given.each)
    client = Connection(server.port)
    # After a start the clock is the machine's, long before the dates of the plans.
    before = {name: state(client, name) for name in names}
    clock = rng.random() < 0.5
    threads = [threading.Thread(target=read, args=(server, names, seen, killed, problems), daemon=True)]
    if clock:
        threads.append(threading.Thread(target=by_clock, args=(server, set_to(11 * DAY), names, number, asked, killed, problems), daemon=True))
    else:
        # The windows of AccessKeys must be over, and no plan due.
        server.admin('POST', 'clock', json.dumps({'set': set_to(3 * DAY)}).encode())
        before = {name: state(client, name) for name in names}
        mixed = rng.sample(names, len(names))
        threads += [threading.Thread(target=by_call, args=(server, None, mixed[part::4], number, asked, killed, problems), daemon=True) for part in range(4)]
    for thread in threads:
        thread.start()
    # Early moments are more likely, because all rotations together take a few hundredths of a second on a fast machine.
    time.sleep(given.longest * rng.random() ** 3)
    killed.set()
    server.kill()
    for thread in threads:
        thread.join(PATIENCE)
    done = subprocess.run([given.binary, 'check', '--data-dir', data], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        problems.append('round %d: check ends with %d: %s%s' % (number, done.returncode, done.stdout, done.stderr))
    server = Server(given.binary, '--data-dir', data, '--log', 'error')
    try:
        first = compare(server, names, before, seen, asked, 'round %d, at once' % number, problems)
        # What was claimed goes on; the rest is not due, because the clock is the machine's.
        running = lambda: all(row.get('result') not in (None, 'running') for row in json.loads(server.admin('GET', 'rotations'))['rotations'])
        if not until(running, 30):
            problems.append('round %d: rotations do not end' % number)
        later = compare(server, names, before, seen, asked, 'round %d, later' % number, problems)
        rotated = sum(later[name].version != before[name].version for name in names)
        counts['rotated'] += rotated
        counts['finished after the start'] += sum(later[name].version != first[name].version for name in names)
        counts['rounds killed in the middle'] += 0 < rotated < len(names)
        # Every secret can still rotate: all that the kill prevented is due now.
        server.admin('POST', 'clock', json.dumps({'set': set_to(11 * DAY)}).encode())
        client = Connection(server.port)
        for name in names:
            last = state(client, name)
            if last.version == before[name].version and moment(before[name].following) <= began + datetime.timedelta(days=11):
                problems.append('round %d: %s is due and did not rotate: %s' % (number, name, last))
    finally:
        code = server.stop()
    if code:
        problems.append('round %d: asked to stop, the server ended with %d' % (number, code))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=20)
    arguments.add_argument('--each', type=int, default=12, help='secrets of each type')
    arguments.add_argument('--longest', type=float, default=0.4, help='the kill comes after at most this many seconds')
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='decides the moments of the kills')
    given = arguments.parse_args()
    given.binary = str(pathlib.Path(given.binary).resolve())
    rng, names, problems, counts, rounds = random.Random(given.seed), [], [], collections.Counter(), 0
    data = tempfile.mkdtemp(prefix='sesame-rotations-')
    try:
        while rounds < given.rounds and not problems:
            one_round(rounds + 1, given, rng, data, names, problems, counts)
            rounds += 1
    except (Failed, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
        problems.append('round %d: %r' % (rounds + 1, error))
    if rounds >= 10 and not counts['rounds killed in the middle']:
        problems.append('nothing was tested: no kill came between two rotations')
    for line in problems[:40]:
        print(line)
    if problems:
        print('the data directory stays: %s' % data)
    else:
        shutil.rmtree(data)
    print('seed %d: %d rounds, %d secrets, %s, %d problems' % (
        given.seed, rounds, len(names), ', '.join('%s %d' % item for item in sorted(counts.items())), len(problems)))
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
