#!/usr/bin/env python3
"""Several servers on one PostgreSQL, killed and restarted under load, and the history of every call checked afterwards.

    tests/replicas/run.py [--binary PATH] [--seconds N] [--replicas N] [--clients N] [--secrets N] [--calm] [--seed S]

A throwaway PostgreSQL (tests/postgres/cluster) is started, and the replicas on it. Clients on keep-alive connections,
each call at a replica chosen by chance, put versions, move ACSCurrent to older ones, and read the current version and
older ones by id. Meanwhile one replica after the other is killed with -9 and started again, and the database crashes
and recovers twice. A call that was not answered with 200 may have happened or not; a put is then sent again elsewhere,
as clients do. Afterwards:

- every acknowledged version is read from each replica, with its value;
- each secret has one version with ACSCurrent and at most one with ACSPrevious, and all replicas show the same;
- the calls on each secret's current version are linearizable: there is an order of them that explains every answer, and
  in which no call comes after one that began when it had been answered;
- `sesame check` finds no damage.

--calm leaves the killing out: then every call must succeed, and the figures tell what the replicas can do.
Loopback only; bounded in time. After a failure the history stays in a file.
"""
import argparse, collections, hashlib, http.client, json, os, pathlib, random, re, select, signal, subprocess, sys, tempfile, threading, time
from urllib.parse import urlencode

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSIONS = 1000  # of a secret: the most that can be configured
PATIENCE = 60  # seconds for a start and a stop each
INFINITY = float('inf')


class Cluster:
    def __init__(self, *options):
        command = [str(ROOT / 'postgres/cluster'), '--commands', *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith('postgres://'):
            sys.exit('no PostgreSQL; what is printed above tells why')

    def tell(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        if self.process.stdout.readline() != 'done\n':
            raise Broken('the database did not %s' % command)

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)


class Broken(Exception):
    """Something that makes it pointless to go on."""


class Replica:
    """A server that is started again on another port whenever it was killed."""

    def __init__(self, binary, arguments, environment):
        self.binary, self.arguments, self.environment = binary, arguments, environment
        self.process, self.port, self.starts = None, None, 0

    def start(self):
        """Starts it; while the database is away it ends at once, and is started again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.starts += 1
            self.process = subprocess.Popen([self.binary, 'serve', '--listen', '127.0.0.1:0', *self.arguments], stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, env=self.environment)
            printed = b''
            while b'Ready.\n' not in printed and select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                piece = os.read(self.process.stdout.fileno(), 4096)
                if not piece:
                    break
                printed += piece
            port = re.search(rb'http://127\.0\.0\.1:(\d+)', printed)
            # Its log must not fill the pipe.
            log = self.process.stderr
            if b'Ready.\n' in printed and port:
                threading.Thread(target=log.read, daemon=True).start()
                self.port = int(port.group(1))
                return
            self.process.kill()
            self.process.wait()
            said = log.read()
            if time.monotonic() > deadline or b'the database' not in said:
                raise Broken('a replica did not start: %r %r' % (printed, said))
            time.sleep(0.2)

    def kill(self):
        self.port = None
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Client:
    """Calls any replica over connections that are kept."""

    def __init__(self, replicas, rng):
        self.replicas, self.rng, self.connections = replicas, rng, {}

    def call(self, action, replica=None, **parameters):
        """Status and answer; none and the reason when there was no answer."""
        replica = replica or self.rng.choice(self.replicas)
        port = replica.port
        if port is None:
            return None, 'killed'
        connection = self.connections.get(port) or http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        self.connections[port] = connection
        body = urlencode(dict(parameters, Action=action, Version='2016-01-20'))
        try:
            connection.request('POST', '/', body, {'Content-Type': 'application/x-www-form-urlencoded'})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            self.connections.pop(port, None)
            return None, repr(error)


def digest(data):
    return hashlib.sha256(data.encode()).hexdigest()


# A call on a secret's current version: kind is 'write' or 'read', version what was written or read.
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
                # A few secrets are in demand, so that calls meet.
                secret = self.rng.choice(self.secrets[:10] if self.rng.random() < 0.1 else self.secrets)
                chance = self.rng.random()
                if chance < 0.25 and len(secret.hashes) < VERSIONS:
                    self.put(secret)
                elif chance < 0.32 and secret.acknowledged:
                    self.move(secret)
                elif chance < 0.45 and secret.acknowledged:
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
    """None when an order explains a history of one register, else the call that none explains. Configurations are followed
    from event to event: the register's value, the calls under way that have taken effect, and the unanswered writes that have.
    A read takes effect as soon as it can, which never harms; and where two configurations differ only in unanswered writes, the
    one that needed fewer can do all that the other can."""
    seen = {call.version for call in history if call.kind == 'read'}
    # A write that nobody knows to have happened, and whose value nobody read, explains nothing.
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
            # Of unanswered writes of one version any one will do.
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
    """A checker that finds nothing wrong with anything would be worth nothing."""
    w, r = (lambda *call: Call('write', *call)), (lambda *call: Call('read', *call))
    right = [[w('a', 0, 1), r('a', 2, 3)], [w('a', 0, 1), w('b', 0, 5), r('b', 2, 3), r('b', 4, 6)], [w('a', 0, 1), w('b', 2, INFINITY), r('a', 3, 4), r('b', 5, 6)],
             [w('a', 0, 1), w('b', 2, INFINITY), r('a', 3, 4)]]
    stale = [[w('a', 0, 1), w('b', 2, 3), r('a', 4, 5)], [w('a', 0, 1), w('b', 2, 9), r('b', 3, 4), r('a', 5, 6)], [w('a', 0, 1), r('b', 2, 3), w('b', 4, 5)],
             [w('a', 0, 1), w('b', 2, INFINITY), r('b', 3, 4), r('a', 5, 6)]]
    if any(map(linearizable, right)) or not all(map(linearizable, stale)):
        sys.exit('the checker of histories is wrong')


def disturb(replicas, cluster, seconds, rng, stop, problems, events):
    """Kills a replica every few seconds, and lets the database crash after a third and after two thirds of the time."""
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
        problems.append('disturbing: %r' % error)


def verify(replicas, secrets, problems):
    """Reads everything acknowledged from every replica."""
    checked = 0
    client = Client(replicas, random.Random(0))
    for secret in secrets:
        current = set()
        for number, replica in enumerate(replicas):
            # Which versions are read where is spread, and each is read somewhere; the replicas' agreement is in the lists.
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


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--seconds', type=float, default=20)
    arguments.add_argument('--replicas', type=int, default=3)
    arguments.add_argument('--clients', type=int, default=16)
    arguments.add_argument('--secrets', type=int, default=200)
    arguments.add_argument('--calm', action='store_true')
    arguments.add_argument('--durable', action='store_true', help='the database flushes to the disk')
    arguments.add_argument('--seed', type=int, default=int(time.time()))
    given = arguments.parse_args()
    try_checker()
    rng = random.Random(given.seed)
    binary = str(pathlib.Path(given.binary).resolve())
    problems, events, workers = [], collections.Counter(), []
    cluster = Cluster(*(['--durable'] if given.durable else []))
    work = tempfile.TemporaryDirectory(prefix='sesame-replicas-')
    config = pathlib.Path(work.name, 'config.toml')
    # No version is evicted, so that each that was acknowledged can be asked for.
    config.write_text('[limits]\nversions_per_secret = %d\n' % VERSIONS)
    environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
    environment['SESAME_ROOT_KEY'] = rng.randbytes(32).hex()
    place = ['--database', cluster.url]
    replicas = [Replica(binary, [*place, '--config', str(config), '--log', 'error'], environment) for _ in range(given.replicas)]
    secrets = [Secret('s/%d' % n) for n in range(given.secrets)]
    checked = 0
    try:
        for replica in replicas:
            replica.start()
        client = Client(replicas, rng)
        for secret in secrets:
            data = secret.name + ' v1'
            began = time.monotonic()
            status, answer = client.call('CreateSecret', SecretName=secret.name, VersionId='v1', SecretData=data)
            if status != 200:
                raise Broken('CreateSecret: %s %s' % (status, answer))
            secret.hashes['v1'], secret.acknowledged['v1'] = digest(data), time.monotonic()
            secret.history.append(Call('write', 'v1', began, time.monotonic()))
        stop = threading.Event()
        workers = [Worker(n, replicas, secrets, stop, given.calm, rng.random()) for n in range(given.clients)]
        for worker in workers:
            worker.start()
        disturber = threading.Thread(target=disturb, args=(replicas, cluster, given.seconds, rng, stop, problems, events), daemon=True)
        if not given.calm:
            disturber.start()
        time.sleep(given.seconds)
        stop.set()
        for thread in [*workers, *([] if given.calm else [disturber])]:
            thread.join(PATIENCE)
            if thread.is_alive():
                raise Broken('a thread does not end')
        deadline = time.monotonic() + PATIENCE
        while any(client.call('ListSecrets', replica)[0] != 200 for replica in replicas):
            if time.monotonic() > deadline:
                raise Broken('the replicas do not recover')
            time.sleep(0.1)
        checked = verify(replicas, secrets, problems)
        for secret in secrets:
            wrong = linearizable(secret.history)
            if wrong:
                problems.append('NOT LINEARIZABLE: %s: no order explains %s' % (secret.name, wrong))
        for replica in replicas:
            if replica.stop() != 0:
                problems.append('asked to stop, a replica ended with %s' % replica.process.returncode)
        check = subprocess.run([binary, 'check', *place], capture_output=True, text=True, timeout=PATIENCE, env=environment)
        if check.returncode:
            problems.append('check: %s%s' % (check.stdout, check.stderr))
    except (Broken, OSError, subprocess.TimeoutExpired) as error:
        problems.append(repr(error))
    finally:
        for replica in replicas:
            if replica.process and replica.process.poll() is None:
                replica.kill()
        cluster.end()
        work.cleanup()
    report(given, workers, secrets, problems, events, checked)


def report(given, workers, secrets, problems, events, checked):
    problems += [problem for worker in workers for problem in worker.problems]
    counts = sum((worker.counts for worker in workers), collections.Counter())
    for action in sorted({action for action, _ in counts}):
        times = [t for worker in workers for t in worker.times[action]]
        ok = counts[action, 200]
        print('%-26s %7d answered 200, %5d 503, %5d not answered, %4d else; p50 %.1f ms, p99 %.1f ms' % (
            action, ok, counts[action, 503], counts[action, None], len(times) - ok - counts[action, 503] - counts[action, None],
            percentile(times, 0.5), percentile(times, 0.99)))
    for line in problems[:40]:
        print(line)
    if problems:
        with tempfile.NamedTemporaryFile('w', prefix='sesame-history-', suffix='.json', delete=False) as file:
            json.dump({secret.name: secret.history for secret in secrets}, file)
        print('the history stays: %s' % file.name)
    total = sum(n for (_, status), n in counts.items() if status == 200)
    print('seed %d: %d replicas, %d clients, %.0f s, %s; %d calls answered (%.0f/s), %d acknowledged versions read back, %d calls ordered; %d problems' % (
        given.seed, given.replicas, given.clients, given.seconds, ', '.join('%s %d' % item for item in events.items()) or 'undisturbed', total,
        total / given.seconds, checked, sum(len(secret.history) for secret in secrets), len(problems)))
    if not given.calm and not given.seconds < 10 and not (events['replicas killed'] and events['crashes of the database'] == 2):
        sys.exit('nothing was tried: replicas must be killed and the database must crash twice')
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
