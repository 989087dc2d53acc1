#!/usr/bin/env python3
"""What a cache client does over time: behaviour.py BINARY http|https RETRIES COMMAND …

COMMAND starts the client under test (v1.py, v2.py, main.go, Driver.java): it reads `get NAME` and `refresh NAME` from its input and answers
each with one line, `= value` or `! code`. Between it and a server of its own, on a data directory of its own, stands a small stub: it
hands requests on, counts those for secrets, and answers a code for as often as the test says, as the server makes no such errors by itself yet.
RETRIES is what the client repeats: `codes` the codes that ask for it, `none` no answer of the service. `racy` is `codes` with a bug of the
Java client: it asks its task whether it is done just before the task is, and then throws the value away as SDK.ReadTimeout.
"""
import json, os, pathlib, re, select, ssl, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NUMBERS = [0, 0]
STATUS = {'Rejected.Throttling': 429, 'ServiceUnavailableTemporary': 503, 'Throttling.User': 400}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(what, got, want=True):
    good = got == want
    NUMBERS[0 if good else 1] += 1
    print(('ok   ' if good else 'FAIL ') + what + ('' if good else ': got %r, want %r' % (got, want)), flush=True)


class Server:
    def __init__(self, binary, directory):
        self.command = [binary, 'serve', '--data-dir', directory, '--listen']
        self.address = '127.0.0.1:0'
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command + [self.address], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        banner, deadline = b'', time.monotonic() + 20
        while b'Ready.\n' not in banner and select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                break
            banner += piece
        self.address = re.search(r'http://(\S+)', banner.decode()).group(1)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def call(self, action, **parameters):
        body = urllib.parse.urlencode(parameters).encode()
        return json.loads(DIRECT.open('http://%s/?Version=2016-01-20&Action=%s' % (self.address, action), body, 20).read())


class Stub:
    """Hands requests on, but for `times` of them, which get `code`."""

    def __init__(self, server, tls):
        self.count, self.code, self.times, self.moments = 0, None, 0, []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                stub.count += 1
                stub.moments.append(time.monotonic())
                if stub.times:
                    stub.times -= 1
                    text = json.dumps({'Code': stub.code, 'Message': 'made by the test', 'RequestId': 'r', 'HostId': 'h'}).encode()
                    return self.send(STATUS[stub.code], {'Content-Type': 'application/json;charset=utf-8'}, text)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ('connection', 'accept-encoding')}
                request = urllib.request.Request('http://%s%s' % (server.address, self.path), body or None, headers, method=self.command)
                try:
                    answer = DIRECT.open(request, timeout=20)
                except urllib.error.HTTPError as refused:
                    answer = refused
                except OSError:
                    self.close_connection = True
                    return
                self.send(answer.status, {'Content-Type': answer.headers.get('Content-Type', '')}, answer.read())

            def send(self, status, headers, text):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.listening = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.listening.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / 'server.pem')
            self.listening.socket = context.wrap_socket(self.listening.socket, server_side=True)
        threading.Thread(target=self.listening.serve_forever, daemon=True).start()
        self.host = 'localhost:%d' % self.listening.server_port

    def expect(self, code=None, times=0):
        self.count, self.code, self.times, self.moments = 0, code, times, []

    def pauses(self):
        return [round(later - earlier) for earlier, later in zip(self.moments, self.moments[1:])]


class Client:
    def __init__(self, command, host):
        environment = {name: value for name, value in os.environ.items() if not re.match(r'credentials_|cache_client_|SESAME_|ALIBABA', name)}
        # It looks for secretsmanager.properties where it runs.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        cwd=tempfile.mkdtemp(), env=dict(environment, CACHE_HOST=host))

    def ask(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        for answer in self.process.stdout:
            if answer.startswith(('= ', '! ')):
                return answer.strip()
        return 'the client ended'


def certificate(directory):
    """A self-signed one for localhost: the clients that speak https only take any."""
    directory.mkdir()
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-keyout', directory / 'key.pem', '-out', directory / 'cert.pem'], check=True, capture_output=True)
    (directory / 'server.pem').write_bytes((directory / 'key.pem').read_bytes() + (directory / 'cert.pem').read_bytes())


def until(wanted, ask, seconds):
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return got


def main(binary, scheme, retries, *command):
    directory = pathlib.Path(tempfile.mkdtemp())
    if scheme == 'https':
        certificate(directory / 'tls')
    server = Server(binary, str(directory / 'data'))
    stub = Stub(server, directory / 'tls' if scheme == 'https' else None)
    client = Client(command, stub.host)
    try:
        server.call('CreateSecret', SecretName='a', VersionId='v1', SecretData='first')
        check('reads', client.ask('get a'), '= first')
        server.call('PutSecretValue', SecretName='a', VersionId='v2', SecretData='second')
        stub.expect()
        check('a new version is not seen before its time', client.ask('get a'), '= first')
        check('and nothing is asked for', stub.count, 0)
        check('refreshes when told', client.ask('refresh a'), '= true')
        check('then sees it', client.ask('get a'), '= second')

        server.stop()
        check('the value is there while the server is not', client.ask('get a'), '= second')
        server.start()
        server.call('PutSecretValue', SecretName='a', VersionId='v3', SecretData='third')
        check('refreshes after a restart', client.ask('refresh a'), '= true')
        check('and sees what was put then', client.ask('get a'), '= third')
        check('what was put before is there', server.call('GetSecretValue', SecretName='a', VersionStage='ACSPrevious')['SecretData'], 'second')

        for name, code, times in (('b', 'Rejected.Throttling', 2), ('c', 'ServiceUnavailableTemporary', 1), ('d', 'Throttling.User', 1)):
            server.call('CreateSecret', SecretName=name, VersionId='v1', SecretData='value')
            stub.expect(code, times)
            got = client.ask('get ' + name)
            if retries != 'none' and code != 'Throttling.User':
                count, pauses = stub.count, stub.pauses()
                if retries == 'racy' and got == '! SDK.ReadTimeout':
                    got = client.ask('get ' + name)
                check('%s %d times, then the value' % (code, times), got, '= value')
                check('requests', count, times + 1)
                check('pauses of two seconds, then four', pauses, [2, 4][:times])
            else:
                check('%s is an error at once' % code, got, '! ' + code)
                check('one request', stub.count, 1)
                stub.expect()
                check('and the next call succeeds', client.ask('get ' + name), '= value')

        # Last, as from here on the client asks by itself.
        stub.expect()
        short = lambda value: json.dumps({'value': value, 'ttl': 1000})
        server.call('CreateSecret', SecretName='t', VersionId='v1', SecretData=short(1))
        check('a value with a life of a second', client.ask('get t'), '= ' + short(1))
        server.call('PutSecretValue', SecretName='t', VersionId='v2', SecretData=short(2))
        check('is read again by itself', until('= ' + short(2), lambda: client.ask('get t'), 8), '= ' + short(2))
    finally:
        client.process.kill()
        client.process.wait()
        server.stop()
    print('%d passed, %d failed' % tuple(NUMBERS), flush=True)
    os._exit(1 if NUMBERS[1] else 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
