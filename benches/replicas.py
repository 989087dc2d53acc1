#!/usr/bin/env python3
"""Throughput of several processes on one PostgreSQL, beside one on SQLite, and of reads with and without the cache. Prints
only; nothing is asserted. It wants wrk.

    benches/replicas.py [path of the sesame binary] [seconds of each run]

A throwaway PostgreSQL with fsync (tests/postgres/cluster --durable) and the servers share the machine with wrk, which keeps
16 connections to each server. Reads are of 100 secrets by chance, puts of fresh versions of them; unsigned. Each figure is the median of
three runs; where there are several servers, rates are added up and the slowest server's percentiles are shown.
"""
import contextlib, json, os, pathlib, re, statistics, subprocess, sys, tempfile, urllib.parse, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'target/release/sesame').resolve())
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
SECRETS, CONNECTIONS, ROUNDS = 100, 16, 3  # the scripts below know the first
GET = """
request = function()
  return wrk.format('GET', '/?Action=GetSecretValue&Version=2016-01-20&SecretName=s' .. math.random(0, 99))
end
"""
PUT = """
local count = 0
request = function()
  count = count + 1
  local where = '/?Action=PutSecretValue&Version=2016-01-20&SecretData=x&SecretName=s' .. math.random(0, 99)
  return wrk.format('POST', where .. '&VersionId=%s-' .. count)
end
"""


class Server:
    def __init__(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
        environment['SESAME_ROOT_KEY'] = '1' * 64
        command = [BINARY, 'serve', '--listen', '127.0.0.1:0', '--log', 'error', *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stdout:
            found = re.search(r'http://127\.0\.0\.1:\d+', line)
            self.url = found.group(0) if found else self.url
            if line == 'Ready.\n':
                return
        sys.exit('the server does not start')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def call(self, action, **parameters):
        body = urllib.parse.urlencode({'Action': action, 'Version': '2016-01-20', **parameters}).encode()
        return json.load(urllib.request.urlopen(self.url, body))

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def milliseconds(text):
    number, unit = re.fullmatch(r'([\d.]+)(us|ms|s|m)', text).groups()
    return float(number) * {'us': 0.001, 'ms': 1, 's': 1000, 'm': 60000}[unit]


def load(servers, script):
    """Calls in a second of all servers together, and median and 99th percentile in milliseconds."""
    rounds = []
    for turn in range(ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            running = []
            for number, server in enumerate(servers):
                file = pathlib.Path(place, '%d.lua' % number)
                file.write_text(script.replace('%s', 'v%s-%d' % (os.urandom(4).hex(), number)))
                command = ['wrk', '--latency', '-t1', '-c%d' % CONNECTIONS, '-d%d' % SECONDS, '-s', str(file), server.url]
                running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            printed = [process.communicate()[0] for process in running]
        if any('Non-2xx' in text for text in printed):
            print('  refused:', *re.findall(r'Non-2xx.*', ' '.join(printed)))
        rate = sum(float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1)) for text in printed)
        slowest = [max(milliseconds(re.search(r'(?m)^ +' + share + r'%\s+(\S+)', text).group(1)) for text in printed) for share in ('50', '99')]
        rounds.append((rate, *slowest))
    return [statistics.median(column) for column in zip(*rounds)]


def row(name, servers, puts=True):
    reads = load(servers, GET)
    writes = load(servers, PUT) if puts else None
    cells = ['%s/s %.1f ms %.1f ms' % (format(int(rate), ','), half, most) for rate, half, most in filter(None, [reads, writes])]
    print('| %s | %s |' % (name, ' | '.join(cells)), flush=True)


def filled(server):
    for number in range(SECRETS):
        server.call('CreateSecret', SecretName='s%d' % number, VersionId='v1', SecretData='x' * 64)


print('| servers | reads: rate, median, p99 | puts: rate, median, p99 |')
with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
    uncached = pathlib.Path(place, 'uncached.toml')
    uncached.write_text('[limits]\ncache_bytes = 0\n')
    for name, more in [('one on SQLite', []), ('the same, without a cache', ['--config', str(uncached)])]:
        with Server('--data-dir', str(pathlib.Path(place, 'data%d' % len(more))), *more) as server:
            filled(server)
            row(name, [server], puts=not more)
    cluster = subprocess.Popen([str(ROOT / 'tests/postgres/cluster'), '--durable'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.callback(cluster.wait, 60)
    stack.callback(cluster.stdin.close)
    url = cluster.stdout.readline().strip()
    servers = [stack.enter_context(Server('--database', url))]
    filled(servers[0])
    # First, while the tables hold no rows that were replaced: how many there are is PostgreSQL's own affair.
    with Server('--database', url, '--config', str(uncached)) as server:
        row('one on PostgreSQL, without a cache', [server], puts=False)
    row('one on PostgreSQL', servers)
    for name in ['two', 'three']:
        servers.append(stack.enter_context(Server('--database', url)))
        row(name, servers)
