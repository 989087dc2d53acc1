#!/usr/bin/env python3
"""Start to first answer, memory and size of the release binary, beside the goals. Prints only; nothing is asserted.

    benches/startup.py [path of the sesame binary]
"""
import os, pathlib, platform, re, socket, statistics, subprocess, sys, tempfile, time

BINARY = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'target/release/sesame').resolve())
ROUNDS = 20
REQUEST = b'GET /?Action=DescribeRegions&Version=2016-01-20 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def start(data):
    """Milliseconds from the start of the process to its first answer, and the process."""
    address = ('127.0.0.1', free_port())
    command = [BINARY, 'serve', '--listen', '%s:%d' % address, '--data-dir', data]
    environment = {k: v for k, v in os.environ.items() if not k.startswith('SESAME_')}
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    # No pause between two attempts, which would be part of what is measured; sleep(0) only lets the server have the core.
    while True:
        if process.poll() is not None or time.perf_counter() - began > 20:
            process.kill()
            sys.exit('%s does not start (code %s)' % (BINARY, process.poll()))
        try:
            connection = socket.create_connection(address, timeout=20)
            break
        except ConnectionRefusedError:
            time.sleep(0)
    with connection:
        connection.sendall(REQUEST)
        answer = connection.recv(4096)
    took = (time.perf_counter() - began) * 1000
    if not answer.startswith(b'HTTP/1.1 200 '):
        process.kill()
        sys.exit('the first answer is %r' % answer[:80])
    return took, process


def resident(process):
    status = pathlib.Path('/proc/%d/status' % process.pid).read_text()
    return int(re.search(r'VmRSS:\s+(\d+)', status).group(1)) / 1024


def main():
    fresh, again, memory = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            for times in (fresh, again):
                took, process = start(directory + '/data')
                times.append(took)
                memory.append(resident(process))
                process.terminate()
                process.wait(timeout=20)
    model = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    print('%d rounds on %d cores, %s' % (ROUNDS, os.cpu_count(), model.group(1) if model else platform.machine()))
    print('%-42s %10s %10s' % ('', 'measured', 'goal'))
    for label, times in (('start to first answer, no data yet, median', fresh), ('the same, started again, median', again)):
        print('%-42s %7.1f ms %10s   (%.1f to %.1f)' % (label, statistics.median(times), '15 ms', min(times), max(times)))
    print('%-42s %6.1f MiB %10s' % ('resident memory, idle, median', statistics.median(memory), '12 MiB'))
    print('%-42s %7.1f MB %10s' % ('release binary', os.path.getsize(BINARY) / 1e6, '15 MB'))


if __name__ == '__main__':
    main()
