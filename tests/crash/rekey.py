#!/usr/bin/env python3
"""Kills `sesame backup` under write load and `sesame rekey` in its middle, again and again.

    tests/crash/rekey.py [--binary PATH] [--rounds N] [--seed S]

Each round starts the server on the same data directory and lets writers work. Meanwhile one backup is killed with -9 at a
random moment, which must leave no file under its name, and one runs to its end. The server is killed with -9, then
`sesame rekey` at a random moment of its work. Whatever the moment, `sesame check` must open everything afterwards, with
the old root key or with the next; every acknowledged write must be there; and the whole backup must open with the root key
it was made under and hold what was acknowledged before it began. Loopback only; bounded in rounds and time.
"""
import argparse, http.client, pathlib, random, shutil, signal, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from run import PATIENCE, Broken, Server, verify, write  # noqa: E402


class Old:
    """What was acknowledged of a secret when a backup began."""

    def __init__(self, secret):
        self.name, self.versions, self.current, self.asked = secret.name, dict(secret.versions), None, None


def started(binary, *arguments):
    return subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_after(process, seconds):
    """Kills a process after a while; true when it had not ended by itself."""
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def checked(binary, data, what, problems):
    done = subprocess.run([binary, 'check', '--data-dir', str(data)], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        problems.append('%s: check ends with %d: %s%s' % (what, done.returncode, done.stdout, done.stderr))


def back_up(binary, data, secrets, rng, copies, problems):
    """A backup that is killed, and one that is not, with what it must hold."""
    cut = copies / 'cut.db'
    for left in copies.glob('cut.db*'):
        left.unlink()
    was_cut = killed_after(started(binary, 'backup', str(cut), '--data-dir', data), rng.uniform(0.001, 0.03))
    if was_cut and cut.exists():
        problems.append('a backup that was killed left a file under its name')
    # What is acknowledged now must be in the next one.
    known = [Old(secret) for of_writer in secrets for secret in list(of_writer) if secret.acknowledged]
    whole = copies / 'sesame.db'
    done = subprocess.run([binary, 'backup', str(whole), '--data-dir', data], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        problems.append('backup ends with %d: %s' % (done.returncode, done.stderr))
    shutil.copy(pathlib.Path(data, 'root.key'), copies / 'root.key')
    return was_cut, known


def versions_only(lost):
    """A backup is older than the last label moves: only its versions are compared."""
    return [line for line in lost if 'ACSCurrent' not in line]


def round_of(number, given, data, rng, written, lost, problems):
    binary, killed = given.binary, threading.Event()
    server, secrets = Server(binary, data), [[] for _ in range(4)]
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
            server.end(signal.SIGKILL)
        for thread in threads:
            thread.join(PATIENCE)
        rekey_cut = killed_after(started(binary, 'rekey', '--data-dir', data), rng.uniform(0.001, 0.08))
        checked(binary, data, 'round %d, after rekey' % number, problems)
        checked(binary, copies, 'round %d, backup' % number, problems)
        copy = Server(binary, str(copies))
        try:
            lost += versions_only(verify(copy.port, known))
        finally:
            copy.end(signal.SIGTERM)
    of_round = [secret for of_writer in secrets for secret in of_writer]
    written += of_round
    server = Server(binary, data)
    try:
        lost += verify(server.port, written if number == given.rounds else of_round)
    finally:
        server.end(signal.SIGTERM)
    return was_cut, rekey_cut


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--binary', default='target/release/sesame')
    arguments.add_argument('--rounds', type=int, default=20)
    arguments.add_argument('--seed', type=int, default=int(time.time()), help='of the values and the moments of the kills')
    given = arguments.parse_args()
    given.binary = str(pathlib.Path(given.binary).resolve())
    rng = random.Random(given.seed)
    written, lost, problems, backups, rekeys, keys = [], [], [], 0, 0, set()
    data = tempfile.mkdtemp(prefix='sesame-rekey-')
    try:
        for number in range(1, given.rounds + 1):
            was_cut, rekey_cut = round_of(number, given, data, rng, written, lost, problems)
            backups, rekeys = backups + was_cut, rekeys + rekey_cut
            keys.add(pathlib.Path(data, 'root.key').read_text())
            if lost or problems:
                break
    except (Broken, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
        problems.append(repr(error))
    for line in (lost + problems)[:40]:
        print(line)
    if lost or problems:
        print('the data directory stays: %s' % data)
    else:
        shutil.rmtree(data)
    print('seed %d: %d rounds, %d backups and %d rekeys killed, %d root keys, %d acknowledged writes, lost %d' % (
        given.seed, given.rounds, backups, rekeys, len(keys), sum(s.acknowledged for s in written), len(lost)))
    sys.exit(1 if lost or problems else 0)


if __name__ == '__main__':
    main()
