#!/usr/bin/env python3
"""Two servers on one PostgreSQL with 100 secrets that are due; one server is killed in the middle. Each secret must rotate exactly once.

    tests/replicas/rotations.py [--binary PATH] [--secrets N] [--seed S]

A rule of faults makes each rotation take a moment, so that the kill comes between two of them. The other server goes on with what the killed
one had begun when its leases are over, after a minute of the machine's time. A list of the versions of each secret proves that there is one
new version, that ACSCurrent is on it, and that ACSPrevious is on what was current. Only loopback is used; the time is bounded.
"""
import argparse, contextlib, json, pathlib, random, subprocess, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.postgres import Cluster  # noqa: E402
from support.process import PATIENCE, Failed, clean_environment, until  # noqa: E402
from support.server import Connection, Server  # noqa: E402

ONE = '{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}'
TWO = '{"SecretSubType":"DoubleUsers","InstanceId":"r-%d","RegionId":"cn-hangzhou","AccountName":"app","CloneAccountName":"app_clone","AccountPrivilege":"RoleReadWrite"}'
ECS = '{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"cn-hangzhou"}'


def answered(client, action, **parameters):
    status, answer = client.call(action, **parameters)
    if status != 200:
        raise Failed('%s %s: %d %s' % (action, parameters.get('SecretName'), status, answer))
    return answer


def create(client, count):
    for number in range(count):
        name, kind, config, data = (
            ('rds/%d' % number, 'Rds', ONE, '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}'),
            ('redis/%d' % number, 'Redis', TWO % number, '$Auto'),
            ('acs/ecs/%d' % number, 'ECS', ECS, '{"UserName":"root","Password":"first-Secret1"}'))[number % 3]
        answered(client, 'CreateSecret', SecretName=name, VersionId='v1', SecretType=kind, ExtendedConfig=config, SecretData=data,
                 EnableAutomaticRotation='true', RotationInterval='7d')
        yield name


def versions(client, name):
    rows = answered(client, 'ListSecretVersionIds', SecretName=name, IncludeDeprecated='true', PageSize='100')['VersionIds']['VersionId']
    return {row['VersionId']: row['VersionStages']['VersionStage'] for row in rows}


def labelled(found, label):
    return [version for version, labels in found.items() if label in labels]


def rotated(client, names, before):
    return sum(len(versions(client, name)) > len(before[name]) for name in names)


def done_by(server):
    return sum(row['result'] == 'done' for row in json.loads(server.admin('GET', 'rotations'))['rotations'])


def move(server):
    """Moves the clock. The server may be killed before it answers."""
    with contextlib.suppress(Exception):
        server.admin('POST', 'clock', b'{"advance_seconds":604800}')


def scenario(given, servers, rng):
    first, second = servers
    client = Connection(second.port)
    names = list(create(client, given.secrets))
    before = {name: versions(client, name) for name in names}
    values = {name: answered(client, 'GetSecretValue', SecretName=name)['SecretData'] for name in names}
    for server in servers:
        server.admin('PUT', 'faults', json.dumps([{'action': 'RotateSecret', 'delay_ms': 400}]).encode())
    threading.Thread(target=move, args=(first,), daemon=True).start()
    # Both take part, so the other half or so is done by the first one.
    enough = rng.randint(given.secrets // 10, given.secrets // 4)
    if not until(lambda: done_by(second) >= enough, PATIENCE):
        raise Failed('the second server did not make %d rotations' % enough)
    first.kill()
    at_kill = rotated(client, names, before)
    # 60 s of the lease, and the work itself.
    until(lambda: rotated(client, names, before) == given.secrets, 150)
    time.sleep(3)  # a second rotation of the same secret would come now
    problems = [] if at_kill < given.secrets else ['nothing was tested: all rotations were done before the kill']
    for name in names:
        old, now = before[name], versions(client, name)
        new = set(now) - set(old)
        was = labelled(old, 'ACSCurrent')
        if len(new) != 1 or labelled(now, 'ACSCurrent') != list(new) or labelled(now, 'ACSPrevious') != was:
            problems.append('%s: %s became %s' % (name, old, now))
        plan = answered(client, 'DescribeSecret', SecretName=name)
        if plan['AutomaticRotation'] != 'Enabled' or not plan.get('LastRotationDate'):
            problems.append('%s: the plan is %s' % (name, plan))
        if answered(client, 'GetSecretValue', SecretName=name)['SecretData'] == values[name]:
            problems.append('%s: the value is the old one' % name)
    return at_kill, done_by(second), problems


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--secrets', type=int, default=100)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='decides the moment of the kill')
    given = arguments.parse_args()
    binary, rng, problems, at_kill, by_second = str(pathlib.Path(given.binary).resolve()), random.Random(given.seed), [], 0, 0
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        environment = clean_environment(SESAME_ROOT_KEY=rng.randbytes(32).hex())
        servers = []
        try:
            for _ in range(2):
                servers.append(stack.enter_context(Server(binary, '--database', cluster.url, '--log', 'error', environment=environment)))
            at_kill, by_second, problems = scenario(given, servers, rng)
        except (Failed, OSError, subprocess.TimeoutExpired, ValueError) as error:
            problems.append(repr(error))
    for line in problems[:40]:
        print(line)
    print('seed %d: %d secrets were due, one of two servers was killed after %d rotations, the other made %d; %d problems' % (
        given.seed, given.secrets, at_kill, by_second, len(problems)))
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
