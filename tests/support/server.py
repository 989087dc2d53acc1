"""A Sesame server on a free port, and calls to it."""
import http.client, json, os, pathlib, tempfile, urllib.error, urllib.parse, urllib.request

from .process import Failed, NotReady, kill, start, stop

VERSION = '2016-01-20'
READY = rb'http://(\S+).*^Ready\.$'
# No proxy comes between a runner and a server on this machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url, method='GET', body=None, timeout=30, headers=None):
    """One request; status and bytes of the answer."""
    request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    try:
        with DIRECT.open(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def call(url, action, **parameters):
    """An unsigned call of an action, as curl makes it; status and decoded answer."""
    body = urllib.parse.urlencode(parameters).encode()
    status, answer = ask('%s/?Action=%s&Version=%s' % (url, action, VERSION), 'POST', body)
    return status, json.loads(answer)


class Connection:
    """Unsigned calls over one connection that is kept alive."""

    def __init__(self, port, timeout=30):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=timeout)

    def call(self, action, **parameters):
        """Status and decoded answer. A broken connection raises OSError or HTTPException."""
        body = urllib.parse.urlencode(dict(parameters, Action=action, Version=VERSION))
        self.connection.request('POST', '/', body, {'Content-Type': 'application/x-www-form-urlencoded'})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self):
        self.connection.close()


class Server:
    """`sesame serve`, ready to answer. Used in `with`, it is stopped at the end.

    `arguments` follow `--listen`; with neither `--in-memory` nor a place for data among them, the program chooses the place itself.
    `log` is the path that its log goes to; without one the log is kept only for the message of a failed start.
    `environment` replaces `clean_environment()`, and `under` is a command that runs the program, such as an emulator.
    """

    def __init__(self, binary, *arguments, listen='127.0.0.1:0', log=None, environment=None, under=()):
        self.binary = str(binary)
        self.log = open(log, 'w+b') if log else tempfile.TemporaryFile()
        command = [*under, self.binary, 'serve', *(['--listen', listen] if listen else []), *arguments]
        try:
            self.process, found = start(command, READY, self.log, environment)
        except NotReady as failed:
            raise NotReady('%s\n%s' % (failed, self.logged())) from None
        self.host = found.group(1).decode()
        self.port = int(self.host.rpartition(':')[2])
        self.url = 'http://' + self.host

    def logged(self):
        """The log up to now."""
        # At an offset of its own: the program writes at the offset of the shared file.
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode(errors='replace')

    def call(self, action, **parameters):
        """Status and decoded answer of an unsigned call."""
        return call(self.url, action, **parameters)

    def admin(self, method, path, body=None):
        """The bytes that a path below /_sesame/ answers; a refusal is `Failed`."""
        status, answer = ask('%s/_sesame/%s' % (self.url, path), method, b'' if method == 'POST' and body is None else body)
        if status >= 300:
            raise Failed('%s /_sesame/%s: %d %r' % (method, path, status, answer[:300]))
        return answer

    def authority(self, file):
        """Writes the certificate that clients must trust into a file, and returns host and port of HTTPS."""
        pathlib.Path(file).write_bytes(self.admin('GET', 'ca.pem'))
        return 'localhost:%d' % self.port

    def stop(self):
        """The exit code after SIGTERM."""
        try:
            return stop(self.process)
        finally:
            self.log.close()

    def kill(self):
        """Ends it by SIGKILL, as a crash would."""
        kill(self.process)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def trusting(authority, *more):
    """The variables that make clients trust the authority in this file."""
    return dict.fromkeys(('SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', *more), str(authority))
