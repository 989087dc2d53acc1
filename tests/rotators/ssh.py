#!/usr/bin/env python3
"""An ECS secret with an SSH key, whose command writes authorized_keys of a real sshd: after each rotation the old key is refused and the new
one logs in. tests/rotators/ssh.py --binary PATH

Needs sshd, ssh and ssh-keygen (Debian: openssh-server, openssh-client). Everything is in a directory of its own, on a free port of loopback.
"""
import argparse, getpass, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.process import Failed  # noqa: E402
from support.server import Server  # noqa: E402

ROTATE = '''#!/bin/sh
# Makes a key pair, lets only it log in, and writes the next value of the secret.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/current.json"
ssh-keygen -q -t ed25519 -N '' -C "$SESAME_VERSION_ID" -f "$folder/key"
python3 - "$folder" <<'END'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
value = json.loads((folder / 'current.json').read_text())
value['PublicKey'] = (folder / 'key.pub').read_text().strip()
value['PrivateKey'] = (folder / 'key').read_text()
print(json.dumps(value))
END
cp "$folder/key.pub" AUTHORIZED.new
chmod 600 AUTHORIZED.new
mv AUTHORIZED.new AUTHORIZED
'''


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def start_sshd(place, port):
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', place / 'host'], check=True)
    os.makedirs('/run/sshd', exist_ok=True)
    (place / 'sshd_config').write_text('\n'.join([
        'Port %d' % port, 'ListenAddress 127.0.0.1', 'HostKey %s' % (place / 'host'), 'PidFile none', 'UsePAM no', 'StrictModes no',
        'AuthorizedKeysFile %s' % (place / 'authorized_keys'), 'PasswordAuthentication no', 'PermitRootLogin prohibit-password', '']))
    sshd = subprocess.Popen([shutil.which('sshd') or '/usr/sbin/sshd', '-D', '-e', '-f', place / 'sshd_config'],
                            stderr=open(place / 'sshd.log', 'w'))
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return sshd
        time.sleep(0.05)
    raise Failed('sshd does not listen: %s' % (place / 'sshd.log').read_text())


def logs_in(place, port, private):
    key = place / 'login'
    key.unlink(missing_ok=True)
    key.write_text(private)
    key.chmod(0o600)
    done = subprocess.run(['ssh', '-F', 'none', '-i', key, '-p', str(port), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes',
                           '-o', 'IdentityAgent=none', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                           '%s@127.0.0.1' % getpass.getuser(), 'echo in'], capture_output=True, text=True, timeout=30)
    return done.stdout == 'in\n'


def value(server):
    status, answer = server.call('GetSecretValue', SecretName='acs/ecs/login')
    if status != 200:
        raise Failed(answer)
    return json.loads(answer['SecretData'])


def expect(what, is_so):
    if not is_so:
        raise Failed('not so: ' + what)
    print('ok', what, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--binary', required=True)
    binary = pathlib.Path(parser.parse_args().binary).resolve()
    with tempfile.TemporaryDirectory() as name:
        place, port = pathlib.Path(name), free_port()
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', place / 'first'], check=True)
        shutil.copy(place / 'first.pub', place / 'authorized_keys')
        script = place / 'rotate.sh'
        script.write_text(ROTATE.replace('AUTHORIZED', str(place / 'authorized_keys')))
        script.chmod(0o755)
        (place / 'sesame.toml').write_text('[[rotators]]\nname = "ssh"\ntype = "ECS"\nkind = "command"\nargv = ["./rotate.sh"]\ntrim = true\n')
        sshd = start_sshd(place, port)
        try:
            with Server(binary, '--in-memory', '--allow-commands', '--config', place / 'sesame.toml') as server:
                first = {'UserName': getpass.getuser(), 'PublicKey': (place / 'first.pub').read_text().strip(),
                         'PrivateKey': (place / 'first').read_text()}
                config = {'SecretSubType': 'SSHKey', 'RegionId': 'cn-hangzhou', 'InstanceId': 'i-local'}
                status, said = server.call('CreateSecret', SecretName='acs/ecs/login', VersionId='v1', SecretType='ECS',
                                           SecretData=json.dumps(first), ExtendedConfig=json.dumps(config))
                expect('the secret is created: %s' % status, status == 200)
                old = value(server)['PrivateKey']
                expect('the first key logs in', logs_in(place, port, old))
                for round in range(2, 5):
                    status, said = server.call('RotateSecret', SecretName='acs/ecs/login', VersionId='v%d' % round)
                    expect('rotation to v%d answers %s' % (round, status), status == 200)
                    new = value(server)['PrivateKey']
                    expect('v%d: the key is new' % round, new != old)
                    expect('v%d: the old key is refused' % round, not logs_in(place, port, old))
                    expect('v%d: the new key logs in' % round, logs_in(place, port, new))
                    old = new
                expect('the log of the server holds no key', 'PRIVATE KEY' not in server.logged())
        finally:
            sshd.terminate()
            sshd.wait()


if __name__ == '__main__':
    try:
        main()
    except Failed as failed:
        sys.exit('failed: %s' % failed)
