#!/usr/bin/env python3
"""Kills `sesame backup` during writes, and `sesame restore`, `import` and `rekey` while they work, again and again.

    tests/crash/rekey.py [--binary PATH] [--rounds N] [--seed S]

Each round starts the server on the same data directory and lets writers work. Meanwhile one backup is killed with -9 at a
random moment: a file under its name must be a complete copy. Another backup runs to its end. Then the server is killed with -9, and
`sesame rekey` at a random moment of its work. Afterwards `sesame check` must open everything, with the old root key or the new
one; every acknowledged write must be there; and the completed backup must open with the root key it was made under and contain
what was acknowledged before it began. On a copy of the data directory `sesame restore` and `sesame import --replace` are killed in the same
way: check must open everything, the next one must succeed, and no draft may stay. Only loopback is used; rounds and time are bounded.
"""
import argparse, http.client, pathlib, random, shutil, subprocess, sys, tempfile, threading, time

from writers import verify, write  # this adds the folder tests to the path
from support.process import PATIENCE, Failed, kill
from support.server import Server


class Old:
    """The versions of a secret that were acknowledged when a backup began. Its labels may have moved since."""

    def __init__(self, secret):
        self.name, self.versions, self.current, self.asked = secret.name, dict(secret.versions), None, None


def serve(binary, data):
    return Server(binary, '--data-dir', data, '--log', 'warn')


def started(binary, *arguments):
    return subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_after(process, seconds):
    """Kills a process after some seconds. True unless it ended by itself before."""
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        kill(process)
        return True


def checked(binary, data, what, problems):
    done = subprocess.run([binary, 'check', '--data-dir', str(data)], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        problems.append('%s: check ends with %d: %s%s' % (what, done.returncode, done.stdout, done.stderr))


def whole_or_not(binary, copy, key, problems):
    with tempfile.TemporaryDirectory() as alone:
        shutil.copy(copy, pathlib.Path(alone, 'sesame.db'))
        shutil.copy(key, pathlib.Path(alone, 'root.key'))
        checked(binary, alone, 'a file that a killed backup left', problems)


def back_up(binary, data, secrets, rng, copies, problems):
    """Makes a backup that is killed and one that completes. Returns whether the first was still at work, and what the second must contain."""
    cut = copies / 'cut.db'
    for left in copies.glob('cut.db*'):
        left.unlink()
    was_cut = killed_after(started(binary, 'backup', str(cut), '--data-dir', data), rng.uniform(0.001, 0.03))
    shutil.copy(pathlib.Path(data, 'root.key'), copies / 'root.key')
    if was_cut and cut.exists():
        # The kill came after the copy was complete and before the process ended.
        whole_or_not(binary, cut, copies / 'root.key', problems)
    # The next backup must contain what is acknowledged by now.
    known = [Old(secret) for of_writer in secrets for secret in list(of_writer) if secret.acknowledged]
    whole = copies / 'sesame.db'
    done = subprocess.run([binary, 'backup', str(whole), '--data-dir', data], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        problems.append('backup ends with %d: %s' % (done.returncode, done.stderr))
    return was_cut, known


def replaced(binary, data, copies, rng, number, problems):
    """Kills a restore and an import on a copy of the data, then lets both end. Returns how many were still at work."""
    with tempfile.TemporaryDirectory() as work:
        target, export = pathlib.Path(work, 'data'), pathlib.Path(work, 'export.json')
        shutil.copytree(data, target)
        at, cut = ('--data-dir', str(target)), 0
        restore, imported = ['restore', str(copies / 'sesame.db'), *at], ['import', str(export), '--replace', *at]
        done = subprocess.run([binary, 'export', str(export), *at], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            problems.append('round %d: export ends with %d: %s' % (number, done.returncode, done.stderr))
        for command, longest in ((restore, 0.25), (imported, 0.25)):
            cut += killed_after(started(binary, *command), rng.uniform(0.001, longest))
            checked(binary, target, 'round %d, after a killed %s' % (number, command[0]), problems)
            done = subprocess.run([binary, *command], capture_output=True, text=True, timeout=PATIENCE)
            if done.returncode:
                problems.append('round %d: %s ends with %d: %s' % (number, command[0], done.returncode, done.stderr))
            checked(binary, target, 'round %d, after %s' % (number, command[0]), problems)
        left = [path.name for path in target.iterdir() if '.new' in path.name]
        if left:
            problems.append('round %d: drafts stay: %s' % (number, left))
        return cut


def round_of(number, given, data, rng, written, lost, problems):
    binary, killed = given.binary, threading.Event()
    server, secrets = serve(binary, data), [[] for _ in range(4)]
    threads = [threading.Thread(target=write, daemon=True, args=(
        server.port, random.Random(rng.random()), 'r%d/w%d' % (number, w), s, killed, problems)) for w, s in enumerate(secrets)]
    with tempfile.TemporaryDirectory() as copies:
        copies = pathlib.Path(copies)
        try:
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.1, 0.4))
            was_cut, known = back_up(binary, data, secrets, rng, copies, problems)
        finally:
            killed.set()
            server.kill()
        for thread in threads:
            thread.join(PATIENCE)
        replaced_cut = replaced(binary, data, copies, rng, number, problems)
        rekey_cut = killed_after(started(binary, 'rekey', '--data-dir', data), rng.uniform(0.001, 0.08))
        checked(binary, data, 'round %d, after rekey' % number, problems)
        checked(binary, copies, 'round %d, backup' % number, problems)
        copy = serve(binary, copies)
        try:
            lost += verify(copy.port, known)
        finally:
            copy.stop()
    of_round = [secret for of_writer in secrets for secret in of_writer]
    written += of_round
    server = serve(binary, data)
    try:
        lost += verify(server.port, written if number == given.rounds else of_round)
    finally:
        server.stop()
    return was_cut, rekey_cut, replaced_cut


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=20)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='decides the values and the moments of the kills')
    given = arguments.parse_args()
    given.binary = str(pathlib.Path(given.binary).resolve())
    rng = random.Random(given.seed)
    written, lost, problems, backups, rekeys, replacements, keys = [], [], [], 0, 0, 0, set()
    data = tempfile.mkdtemp(prefix='sesame-rekey-')
    try:
        for number in range(1, given.rounds + 1):
            was_cut, rekey_cut, replaced_cut = round_of(number, given, data, rng, written, lost, problems)
            backups, rekeys, replacements = backups + was_cut, rekeys + rekey_cut, replacements + replaced_cut
            keys.add(pathlib.Path(data, 'root.key').read_text())
            if lost or problems:
                break
    except (Failed, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
        problems.append(repr(error))
    for line in (lost + problems)[:40]:
        print(line)
    if lost or problems:
        print('the data directory stays: %s' % data)
    else:
        shutil.rmtree(data)
    print('seed %d: %d rounds, %d backups, %d rekeys and %d restores and imports killed, %d root keys, %d acknowledged writes, lost %d' % (
        given.seed, given.rounds, backups, rekeys, replacements, len(keys), sum(s.acknowledged for s in written), len(lost)))
    sys.exit(1 if lost or problems else 0)


if __name__ == '__main__':
    main()
