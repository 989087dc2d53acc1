#!/usr/bin/env python3
"""The example receivers in Python and Node rotate a Generic secret of a real server, with signed requests.
tests/rotators/webhooks.py --binary PATH"""
import argparse, json, os, pathlib, shutil, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.process import ROOT, Failed, clean_environment  # noqa: E402
from support.server import Server, ask  # noqa: E402

RECEIVERS = {
    'python': [sys.executable, '-B', str(ROOT / 'examples/rotation-webhook/python/receiver.py'), '0'],
    'node': ['node', str(ROOT / 'examples/rotation-webhook/node/receiver.mjs'), '0'],
}


def expect(what, is_so):
    if not is_so:
        raise Failed('not so: ' + what)
    print('ok', what, flush=True)


def rotated(binary, name, command):
    receiver = subprocess.Popen(command, env=clean_environment(WEBHOOK_SECRET='shared'), stdout=subprocess.PIPE, text=True)
    try:
        url = receiver.stdout.readline().split()[-1]
        status, _ = ask(url + '/rotate', 'POST', b'{}')
        expect('%s: an unsigned request is refused' % name, status == 401)
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / 'sesame.toml'
            config.write_text('[[rotators]]\nname = "hook"\nsecrets = ["app/*"]\nkind = "webhook"\nurl = "%s/rotate"\nsecret_env = "HOOK"\n'
                              'interval = "1d"\n' % url)
            with Server(binary, '--in-memory', '--config', config, environment=clean_environment(HOOK='shared')) as server:
                data = {'user': 'app', 'password': 'old'}
                server.call('CreateSecret', SecretName='app/db', VersionId='v1', SecretData=json.dumps(data))
                server.admin('POST', 'clock', b'{"advance_seconds": 86400}')
                made = json.loads(server.call('GetSecretValue', SecretName='app/db')[1]['SecretData'])
                expect('%s: the password is new and the user is not' % name, made['user'] == 'app' and made['password'] != 'old')
                expect('%s: the log holds no value' % name, made['password'] not in server.logged())
    finally:
        receiver.terminate()
        receiver.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--binary', required=True)
    binary = pathlib.Path(parser.parse_args().binary).resolve()
    for name, command in RECEIVERS.items():
        if shutil.which(command[0]) or os.path.exists(command[0]):
            rotated(binary, name, command)
        else:
            print('skipped', name, 'is not installed')


if __name__ == '__main__':
    try:
        main()
    except Failed as failed:
        sys.exit('failed: %s' % failed)
