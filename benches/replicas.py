#!/usr/bin/env python3
"""Throughput of several processes on one PostgreSQL, next to one on SQLite, and of reads with and without the cache. It prints
figures and asserts nothing. It needs wrk.

    benches/replicas.py [path of the sesame binary] [seconds of each run]

A throwaway PostgreSQL with fsync (tests/postgres/cluster --durable) and the servers share the machine with wrk, which keeps
16 connections to each server. The calls are unsigned: reads of 100 random secrets, and puts of new versions of them. Each figure is
the median of three runs. Where there are several servers, their rates are added up and the percentiles of the slowest are shown.
"""
import contextlib, os, pathlib, re, statistics, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests'))
from support.postgres import Cluster  # noqa: E402
from support.process import clean_environment  # noqa: E402
from support.server import Server  # noqa: E402

BINARY = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'target/release/sesame').resolve())
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
SECRETS, CONNECTIONS, ROUNDS = 100, 16, 3  # the scripts below contain the number of secrets
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


def serve(*arguments):
    return Server(BINARY, '--log', 'error', *arguments, environment=clean_environment(SESAME_ROOT_KEY='1' * 64))


def milliseconds(text):
    number, unit = re.fullmatch(r'([\d.]+)(us|ms|s|m)', text).groups()
    return float(number) * {'us': 0.001, 'ms': 1, 's': 1000, 'm': 60000}[unit]


def load(servers, script):
    """Calls per second of all servers together, and their median and 99th percentile in milliseconds."""
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
        with serve('--data-dir', str(pathlib.Path(place, 'data%d' % len(more))), *more) as server:
            filled(server)
            row(name, [server], puts=not more)
    url = stack.enter_context(Cluster('--durable')).url
    servers = [stack.enter_context(serve('--database', url))]
    filled(servers[0])
    # First, before the tables contain replaced rows, whose removal PostgreSQL times itself.
    with serve('--database', url, '--config', str(uncached)) as server:
        row('one on PostgreSQL, without a cache', [server], puts=False)
    row('one on PostgreSQL', servers)
    for name in ['two', 'three']:
        servers.append(stack.enter_context(serve('--database', url)))
        row(name, servers)
