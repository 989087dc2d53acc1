#!/usr/bin/env python3
"""Start to first answer, memory and size of the release binary, beside the goals. Prints only; nothing is asserted.

    benches/startup.py [path of the sesame binary]
"""
import http.client, os, pathlib, platform, re, statistics, subprocess, sys, tempfile, time

BINARY = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'target/release/sesame').resolve())
ROUNDS = 20


def start(data):
    """Milliseconds from the start of the process to its first answer, and the process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
    began = time.perf_counter()
    process = subprocess.Popen([BINARY, 'serve', '--listen', '127.0.0.1:0', '--data-dir', data], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, env=environment)
    port = int(re.search(r'127\.0\.0\.1:(\d+)', process.stdout.readline()).group(1))
    connection = http.client.HTTPConnection('127.0.0.1', port)
    connection.request('GET', '/?Action=DescribeRegions&Version=2016-01-20')
    assert connection.getresponse().status == 200
    return (time.perf_counter() - began) * 1000, process


def stop(process):
    process.terminate()
    process.wait(timeout=20)


def resident(process):
    status = pathlib.Path('/proc/%d/status' % process.pid).read_text()
    return int(re.search(r'VmRSS:\s+(\d+)', status).group(1)) / 1024


def main():
    fresh, again = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            data = directory + '/data'
            for times in (fresh, again):
                took, process = start(data)
                times.append(took)
                memory = resident(process)
                stop(process)
    model = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    print('%d rounds on %d cores, %s' % (ROUNDS, os.cpu_count(), model.group(1) if model else platform.machine()))
    print('%-42s %10s %10s' % ('', 'measured', 'goal'))
    print('%-42s %7.1f ms %10s' % ('start to first answer, no data yet, median', statistics.median(fresh), '15 ms'))
    print('%-42s %7.1f ms %10s' % ('the same, started again, median', statistics.median(again), '15 ms'))
    print('%-42s %6.1f MiB %10s' % ('resident memory, idle', memory, '12 MiB'))
    print('%-42s %7.1f MB %10s' % ('release binary', os.path.getsize(BINARY) / 1e6, '15 MB'))


if __name__ == '__main__':
    main()
