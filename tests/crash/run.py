#!/usr/bin/env python3
"""Kills the server during writes, again and again, and looks for acknowledged writes that are lost.

    tests/crash/run.py [--binary PATH] [--rounds N] [--seed S] [--writers N]

Each round starts the server on the same data directory, lets several writers create secrets, put versions and move
labels over keep-alive connections, kills the server with -9 at a random moment, runs `sesame check`, starts the server again, and
reads back every acknowledged version of the round by its id, and the current version of every secret. The last round reads back
those of all rounds. Only loopback is used; rounds and time are bounded. After a failure the data directory stays.
"""
import argparse, http.client, pathlib, random, shutil, subprocess, sys, tempfile, threading, time

from writers import verify, write  # this adds the folder tests to the path
from support.process import PATIENCE, Failed
from support.server import Server


def serve(binary, data):
    return Server(binary, '--data-dir', data, '--log', 'warn')


def crash(number, given, data, rng, written, lost, problems):
    """One round. Adds to the secrets that were written, to the writes that were lost, and to the other problems."""
    server, killed = serve(given.binary, data), threading.Event()
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
        server.kill()
    for thread in threads:
        thread.join(PATIENCE)
    check = subprocess.run([given.binary, 'check', '--data-dir', data], capture_output=True, text=True, timeout=PATIENCE)
    if check.returncode:
        problems.append('round %d: check ends with %d: %s%s' % (number, check.returncode, check.stdout, check.stderr))
    of_round = [secret for of_writer in secrets for secret in of_writer]
    if not any(secret.acknowledged for secret in of_round):
        problems.append('round %d: nothing was acknowledged, so nothing was tested' % number)
    written += of_round
    server = serve(given.binary, data)
    try:
        lost += verify(server.port, written if number == given.rounds else of_round)
    finally:
        code = server.stop()
    if code:
        problems.append('round %d: asked to stop, the server ended with %d' % (number, code))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=50)
    arguments.add_argument('--writers', type=int, default=6)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='decides the values and the moments of the kills')
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
    except (Failed, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
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
