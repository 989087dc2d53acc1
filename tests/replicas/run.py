#!/usr/bin/env python3
"""Several servers on one PostgreSQL, killed and restarted under load; afterwards the history of every call is checked.

    tests/replicas/run.py [--binary PATH] [--seconds N] [--replicas N] [--clients N] [--secrets N] [--calm] [--durable] [--seed S]

The run starts a throwaway PostgreSQL (tests/postgres/cluster) and the replicas on it. Clients with kept connections choose a random
replica for each call. They put versions, move ACSCurrent to older versions, and read the current version and older ones by id.
Meanwhile one replica after the other is killed with -9 and started again, and the database crashes and recovers twice. A call that
was not answered with 200 may have happened or not; the client then repeats a put at another replica, as SDKs do. Afterwards:

- every acknowledged version can be read, with its value, and each replica is asked for a part of them;
- each secret has one version with ACSCurrent and at most one with ACSPrevious, and all replicas agree on it;
- the calls on the current version of each secret are linearizable: some order of them explains every answer, and in that order
  no call comes before one that had been answered when it began;
- `sesame check` finds no damage.

--calm kills nothing. Then every call must succeed, and the figures show the speed of the replicas.
--durable lets the database write to the disk (fsync).
Only loopback is used; the time is bounded. After a failure the history stays in a file.
"""
import argparse, collections, contextlib, hashlib, http.client, json, pathlib, random, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.postgres import Cluster  # noqa: E402
from support.process import PATIENCE, Failed, NotReady, clean_environment  # noqa: E402
from support.server import Connection, Server  # noqa: E402

VERSIONS = 1000  # of one secret: the most that can be configured
INFINITY = float('inf')


class Replica:
    """A server that is started again, on another port, after it was killed."""

    def __init__(self, binary, arguments, environment):
        self.binary, self.arguments, self.environment = binary, arguments, environment
        self.server = None

    def start(self):
        """Starts the server. While the database is away, the program ends at once, and is started again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.server = Server(self.binary, *self.arguments, environment=self.environment)
                return
            except NotReady as failed:
                if time.monotonic() > deadline or 'the database' not in str(failed):
                    raise
            time.sleep(0.2)

    def kill(self):
        server, self.server = self.server, None
        if server:
            server.kill()

    def stop(self):
        """The exit code."""
        server, self.server = self.server, None
        return server.stop()


class Client:
    """Calls any replica over kept connections."""

    def __init__(self, replicas, rng):
        self.replicas, self.rng, self.connections = replicas, rng, {}

    def call(self, action, replica=None, **parameters):
        """Status and answer; None and the reason when there was no answer."""
        server = (replica or self.rng.choice(self.replicas)).server
        if server is None:
            return None, 'killed'
        connection = self.connections.get(server.port) or self.connections.setdefault(server.port, Connection(server.port))
        try:
            return connection.call(action, **parameters)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            del self.connections[server.port]
            return None, repr(error)


def digest(data):
    return hashlib.sha256(data.encode()).hexdigest()


# A call that writes or reads (`kind`) the current version of a secret; `version` is the one that was written or read.
Call = collections.namedtuple('Call', 'kind version began ended')


class Secret:
    def __init__(self, name):
        self.name, self.history, self.acknowledged, self.hashes = name, [], {}, {}


class Worker(threading.Thread):
    def __init__(self, number, replicas, secrets, stop, calm, seed):
        super().__init__(daemon=True)
        self.number, self.secrets, self.stop, self.calm = number, secrets, stop, calm
        self.rng = random.Random(seed)
        self.client = Client(replicas, self.rng)
        self.counts, self.problems, self.made, self.times = collections.Counter(), [], 0, collections.defaultdict(list)

    def run(self):
        try:
            while not self.stop.is_set():
                # A few secrets are used often, so that calls on one secret overlap.
                secret = self.rng.choice(self.secrets[:10] if self.rng.random() < 0.1 else self.secrets)
                dice = self.rng.random()
                if dice < 0.25 and len(secret.hashes) < VERSIONS:
                    self.put(secret)
                elif dice < 0.32 and secret.acknowledged:
                    self.move(secret)
                elif dice < 0.45 and secret.acknowledged:
                    self.read(secret, self.rng.choice(list(secret.acknowledged)))
                else:
                    self.read(secret)
        except Exception as error:
            self.problems.append('client %d: %r' % (self.number, error))

    def call(self, action, **parameters):
        began = time.monotonic()
        status, answer = self.client.call(action, **parameters)
        ended = time.monotonic()
        self.counts[action, status] += 1
        self.times[action].append(ended - began)
        if status is None or status == 503:
            if self.calm:
                self.problems.append('%s: %s %s' % (action, status, answer))
            time.sleep(0.01)
        return began, ended, status, answer

    def put(self, secret):
        self.made += 1
        version = 'c%d-%d' % (self.number, self.made)
        data = '%s %s %s' % (secret.name, version, self.rng.randbytes(16).hex())
        secret.hashes[version] = digest(data)
        first = None
        for _ in range(20):
            began, ended, status, answer = self.call('PutSecretValue', SecretName=secret.name, VersionId=version, SecretData=data)
            first = first or began
            if status == 200:
                secret.history.append(Call('write', version, first, ended))
                secret.acknowledged[version] = ended
                return
            if status not in (None, 503):
                self.problems.append('put %s %s: %s %s' % (secret.name, version, status, answer))
                return
        secret.history.append(Call('write', version, first, INFINITY))

    def move(self, secret):
        version = self.rng.choice(list(secret.acknowledged))
        began, ended, status, answer = self.call('UpdateSecretVersionStage', SecretName=secret.name, VersionStage='ACSCurrent', MoveToVersion=version)
        if status == 200:
            secret.history.append(Call('write', version, began, ended))
        elif status in (None, 503):
            secret.history.append(Call('write', version, began, INFINITY))
        else:
            self.problems.append('move %s %s: %s %s' % (secret.name, version, status, answer))

    def read(self, secret, version=None):
        which = {'VersionId': version} if version else {}
        began, ended, status, answer = self.call('GetSecretValue', SecretName=secret.name, **which)
        if status == 200:
            if digest(answer['SecretData']) != secret.hashes.get(answer['VersionId']) or version not in (None, answer['VersionId']):
                self.problems.append('%s: version %s has another value' % (secret.name, answer['VersionId']))
            if not version:
                secret.history.append(Call('read', answer['VersionId'], began, ended))
        elif status not in (None, 503):
            self.problems.append('read %s %s, which was acknowledged: %s %s' % (secret.name, version, status, answer))


def linearizable(history):
    """Checks the history of one register. Returns None when some order explains it, else the call that no order explains.

    The check follows all possible configurations from event to event. A configuration is the value of the register, the calls in
    progress that have taken effect, and the unanswered writes that have. A read takes effect as soon as it can, which is always
    safe. Of two configurations that differ only in unanswered writes, the one that needed fewer can do all that the other can,
    so the other is dropped."""
    seen = {call.version for call in history if call.kind == 'read'}
    # An unanswered write whose value nobody read explains no answer.
    calls = [call for call in history if call.ended != INFINITY or call.version in seen]
    events = sorted([(call.began, 0, n) for n, call in enumerate(calls)] + [(call.ended, 1, n) for n, call in enumerate(calls) if call.ended != INFINITY])
    reads, writes, unanswered, configurations = set(), set(), set(), {(None, frozenset(), frozenset())}

    def settled(value, done, used):
        return value, done | {n for n in reads if calls[n].version == value}, used

    for _, answered, n in events:
        call = calls[n]
        if not answered:
            (reads if call.kind == 'read' else writes if call.ended != INFINITY else unanswered).add(n)
            continue
        reached, visited = set(), {settled(*configuration) for configuration in configurations}
        todo = list(visited)
        while todo:
            value, done, used = todo.pop()
            if n in done:
                reached.add((value, done - {n}, used))
                continue
            steps = [settled(calls[other].version, done | {other}, used) for other in writes - done]
            # Unanswered writes of one version are interchangeable.
            spare = {calls[other].version: other for other in unanswered - used}
            steps += [settled(version, done, used | {other}) for version, other in spare.items() if version != value]
            for step in steps:
                if step not in visited:
                    visited.add(step)
                    todo.append(step)
        if not reached:
            return call
        reads.discard(n)
        writes.discard(n)
        alike = collections.defaultdict(list)
        for value, done, used in sorted(reached, key=lambda configuration: len(configuration[2])):
            if not any(fewer <= used for fewer in alike[value, done]):
                alike[value, done].append(used)
        configurations = {(value, done, used) for (value, done), sets in alike.items() for used in sets}
    return None


def try_checker():
    """Tests the checker itself: it must accept correct histories and reject stale ones."""
    w, r = (lambda *call: Call('write', *call)), (lambda *call: Call('read', *call))
    right = [[w('a', 0, 1), r('a', 2, 3)], [w('a', 0, 1), w('b', 0, 5), r('b', 2, 3), r('b', 4, 6)], [w('a', 0, 1), w('b', 2, INFINITY), r('a', 3, 4), r('b', 5, 6)],
             [w('a', 0, 1), w('b', 2, INFINITY), r('a', 3, 4)]]
    stale = [[w('a', 0, 1), w('b', 2, 3), r('a', 4, 5)], [w('a', 0, 1), w('b', 2, 9), r('b', 3, 4), r('a', 5, 6)], [w('a', 0, 1), r('b', 2, 3), w('b', 4, 5)],
             [w('a', 0, 1), w('b', 2, INFINITY), r('b', 3, 4), r('a', 5, 6)]]
    if any(map(linearizable, right)) or not all(map(linearizable, stale)):
        sys.exit('the checker of histories is wrong: it accepts a stale history or rejects a correct one')


def disturb(replicas, cluster, seconds, rng, stop, problems, events):
    """Kills a replica every few seconds, and crashes the database after one third and after two thirds of the time."""
    began, crashes, turn = time.monotonic(), 0, 0
    try:
        while not stop.wait(min(2.5, seconds / 8)):
            if (time.monotonic() - began) * 3 > (crashes + 1) * seconds and crashes < 2:
                crashes += 1
                cluster.tell('stop')
                stop.wait(rng.uniform(0.1, 0.5))
                cluster.tell('start')
                events['crashes of the database'] += 1
                continue
            victim = replicas[turn % len(replicas)]
            turn += 1
            victim.kill()
            events['replicas killed'] += 1
            stop.wait(rng.uniform(0, 0.5))
            victim.start()
    except Exception as error:
        problems.append('the thread that kills: %r' % error)


def verify(replicas, secrets, problems):
    """Reads back what was acknowledged."""
    checked = 0
    client = Client(replicas, random.Random(0))
    for secret in secrets:
        current = set()
        for number, replica in enumerate(replicas):
            # Each version is read from one replica. That the replicas agree is checked by the lists below.
            for version in list(secret.acknowledged)[number::len(replicas)]:
                status, answer = client.call('GetSecretValue', replica, SecretName=secret.name, VersionId=version)
                checked += 1
                if status != 200 or digest(answer['SecretData']) != secret.hashes[version]:
                    problems.append('LOST: %s %s: %s %s' % (secret.name, version, status, answer))
            began = time.monotonic()
            status, answer = client.call('GetSecretValue', replica, SecretName=secret.name)
            if status != 200:
                problems.append('%s: %s %s' % (secret.name, status, answer))
                continue
            secret.history.append(Call('read', answer['VersionId'], began, time.monotonic()))
            current.add(answer['VersionId'])
            labels, page, rows = [], 0, True
            while rows:
                page += 1
                status, answer = client.call('ListSecretVersionIds', replica, SecretName=secret.name, PageSize='100', PageNumber=str(page))
                rows = answer['VersionIds']['VersionId']
                labels += [label for row in rows for label in row['VersionStages']['VersionStage']]
            if labels.count('ACSCurrent') != 1 or labels.count('ACSPrevious') > 1:
                problems.append('%s: labels %s' % (secret.name, labels))
        if len(current) != 1:
            problems.append('%s: the replicas show %s' % (secret.name, current))
    return checked


def percentile(times, share):
    times = sorted(times)
    return 1000 * times[min(len(times) - 1, int(len(times) * share))] if times else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', default='target/release/sesame')
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--replicas', type=int, default=3)
    parser.add_argument('--clients', type=int, default=16)
    parser.add_argument('--secrets', type=int, default=200)
    parser.add_argument('--calm', action='store_true')
    parser.add_argument('--durable', action='store_true')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    return parser.parse_args()


def create(replicas, secrets, rng):
    """Creates every secret, at a random replica."""
    client = Client(replicas, rng)
    for secret in secrets:
        data = secret.name + ' v1'
        began = time.monotonic()
        status, answer = client.call('CreateSecret', SecretName=secret.name, VersionId='v1', SecretData=data)
        if status != 200:
            raise Failed('CreateSecret: %s %s' % (status, answer))
        secret.hashes['v1'], secret.acknowledged['v1'] = digest(data), time.monotonic()
        secret.history.append(Call('write', 'v1', began, time.monotonic()))


def work(given, replicas, secrets, cluster, rng, problems, events):
    """Runs the clients, and what disturbs them, for the given time. Returns the clients."""
    stop = threading.Event()
    workers = [Worker(n, replicas, secrets, stop, given.calm, rng.random()) for n in range(given.clients)]
    threads = list(workers)
    if not given.calm:
        threads.append(threading.Thread(target=disturb, args=(replicas, cluster, given.seconds, rng, stop, problems, events), daemon=True))
    for thread in threads:
        thread.start()
    time.sleep(given.seconds)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
        if thread.is_alive():
            raise Failed('a thread does not end')
    return workers


def recovered(replicas, rng):
    """Waits until every replica answers."""
    client, deadline = Client(replicas, rng), time.monotonic() + PATIENCE
    while any(client.call('ListSecrets', replica)[0] != 200 for replica in replicas):
        if time.monotonic() > deadline:
            raise Failed('the replicas do not recover')
        time.sleep(0.1)


def main():
    given = arguments()
    try_checker()
    rng = random.Random(given.seed)
    binary = str(pathlib.Path(given.binary).resolve())
    problems, events, workers, checked = [], collections.Counter(), [], 0
    secrets = [Secret('s/%d' % n) for n in range(given.secrets)]
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster(*(['--durable'] if given.durable else [])))
        config = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='sesame-replicas-')), 'config.toml')
        # No version is evicted, so that every acknowledged one can be read back.
        config.write_text('[limits]\nversions_per_secret = %d\n' % VERSIONS)
        environment = clean_environment(SESAME_ROOT_KEY=rng.randbytes(32).hex())
        database = ['--database', cluster.url]
        replicas = [Replica(binary, [*database, '--config', config, '--log', 'error'], environment) for _ in range(given.replicas)]
        try:
            for replica in replicas:
                replica.start()
                stack.callback(replica.kill)
            create(replicas, secrets, rng)
            workers = work(given, replicas, secrets, cluster, rng, problems, events)
            recovered(replicas, rng)
            checked = verify(replicas, secrets, problems)
            for secret in secrets:
                wrong = linearizable(secret.history)
                if wrong:
                    problems.append('NOT LINEARIZABLE: %s: no order explains %s' % (secret.name, wrong))
            for replica in replicas:
                code = replica.stop()
                if code:
                    problems.append('asked to stop, a replica ended with code %d' % code)
            check = subprocess.run([binary, 'check', *database], capture_output=True, text=True, timeout=PATIENCE, env=environment)
            if check.returncode:
                problems.append('check: %s%s' % (check.stdout, check.stderr))
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            problems.append(repr(error))
    report(given, workers, secrets, problems, events, checked)


def report(given, workers, secrets, problems, events, checked):
    problems += [problem for worker in workers for problem in worker.problems]
    counts = sum((worker.counts for worker in workers), collections.Counter())
    for action in sorted({action for action, _ in counts}):
        times = [t for worker in workers for t in worker.times[action]]
        ok = counts[action, 200]
        print('%-26s %7d answered 200, %5d 503, %5d not answered, %4d other; p50 %.1f ms, p99 %.1f ms' % (
            action, ok, counts[action, 503], counts[action, None], len(times) - ok - counts[action, 503] - counts[action, None],
            percentile(times, 0.5), percentile(times, 0.99)))
    for line in problems[:40]:
        print(line)
    if problems:
        with tempfile.NamedTemporaryFile('w', prefix='sesame-history-', suffix='.json', delete=False) as file:
            json.dump({secret.name: secret.history for secret in secrets}, file)
        print('the history is kept in %s' % file.name)
    total = sum(n for (_, status), n in counts.items() if status == 200)
    print('seed %d: %d replicas, %d clients, %.0f s, %s; %d calls answered (%.0f/s), %d acknowledged versions read back, %d calls ordered; %d problems' % (
        given.seed, given.replicas, given.clients, given.seconds, ', '.join('%s %d' % item for item in events.items()) or 'undisturbed', total,
        total / given.seconds, checked, sum(len(secret.history) for secret in secrets), len(problems)))
    if not given.calm and not given.seconds < 10 and not (events['replicas killed'] and events['crashes of the database'] == 2):
        sys.exit('nothing was tested: replicas must be killed and the database must crash twice')
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
