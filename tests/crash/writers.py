"""Writers that remember what a server acknowledged, and the check that nothing of it is lost."""
import hashlib, http.client, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.process import Failed  # noqa: E402
from support.server import Connection  # noqa: E402

PUTS = 8  # versions of one secret at most, because the eleventh would evict one


class Secret:
    """What a writer knows about one secret: the hash of every acknowledged value by version, the version that the last acknowledged
    call made current, and `asked`: the version (and for a put the hash) of a call that was sent and has no answer."""

    def __init__(self, name):
        self.name, self.versions, self.current, self.asked, self.acknowledged = name, {}, None, None, 0


def digest(data):
    return hashlib.sha256(data.encode()).hexdigest()


def value(rng, name, version):
    return '%s %s %s' % (name, version, hashlib.sha256(rng.randbytes(16)).hexdigest() * rng.choice((1, 4, 100)))


def write(port, rng, prefix, secrets, killed, problems):
    """Writes until the server is killed. Any other end is noted in `problems`, because an exception in a thread is not seen."""
    try:
        client = Connection(port)
        while not killed.is_set():
            secret = Secret('%s/%d' % (prefix, len(secrets)))
            secrets.append(secret)

            def send(action, version, data=None, **parameters):
                secret.asked = (version, data and digest(data))
                status, answer = client.call(action, SecretName=secret.name, **parameters)
                if status != 200:
                    raise Failed('%s %s %s: %d %s' % (action, secret.name, version, status, answer))
                if data:
                    secret.versions[version] = digest(data)
                secret.current, secret.asked, secret.acknowledged = version, None, secret.acknowledged + 1

            for v in range(1, PUTS + 1):
                version, data = 'v%d' % v, value(rng, secret.name, 'v%d' % v)
                send('CreateSecret' if v == 1 else 'PutSecretValue', version, data, VersionId=version, SecretData=data)
                if v > 2 and rng.random() < 0.3:
                    back = 'v%d' % rng.randrange(1, v)
                    send('UpdateSecretVersionStage', back, VersionStage='ACSCurrent', MoveToVersion=back)
    except (OSError, http.client.HTTPException) as gone:
        if not killed.is_set():
            problems.append('%s: the connection broke before the kill: %r' % (prefix, gone))
    except Exception as error:
        problems.append('%s: %r' % (prefix, error))


def verify(port, secrets):
    """Reads back what was acknowledged. One line for each loss."""
    client, lost = Connection(port), []
    for secret in secrets:
        for version, known in secret.versions.items():
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=version)
            if status != 200 or digest(answer['SecretData']) != known:
                lost.append('%s %s: %d %s' % (secret.name, version, status, answer.get('Code', 'other value')))
        if secret.current:
            _, answer = client.call('GetSecretValue', SecretName=secret.name)
            allowed = {secret.current} | ({secret.asked[0]} if secret.asked else set())
            if answer.get('VersionId') not in allowed:
                lost.append('%s: ACSCurrent is on %s, not on %s' % (secret.name, answer.get('VersionId'), ' or '.join(sorted(allowed))))
        if secret.asked and secret.asked[1]:
            # Not acknowledged: the version may exist or not, but not with another value.
            status, answer = client.call('GetSecretValue', SecretName=secret.name, VersionId=secret.asked[0])
            if status == 200 and digest(answer['SecretData']) != secret.asked[1]:
                lost.append('%s %s: half a write' % (secret.name, secret.asked[0]))
    return lost
