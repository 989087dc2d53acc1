"""Receives rotations from Sesame: checks the signature and answers with the next value. Python 3.9 or newer, nothing to install.

WEBHOOK_SECRET=… python3 receiver.py [port]
"""
import hashlib, hmac, json, os, secrets, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ['WEBHOOK_SECRET'].encode()
MOST_AGE = 300  # seconds
MADE = {}  # The value of each version: a request may come twice, and must get the same answer.


def is_genuine(header, body, now=None):
    parts = dict(part.split('=', 1) for part in (header or '').split(',') if '=' in part)
    at = parts.get('t', '')
    if not at.isascii() or not at.isdigit() or abs((now or time.time()) - int(at)) > MOST_AGE:
        return False
    wanted = hmac.new(SECRET, at.encode() + b'.' + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), parts.get('v1', '').encode())


def next_value(asked):
    """The next value of a secret. Change the system that the secret is for here, and answer when that is done."""
    account = json.loads(asked['CurrentSecretData'])
    account['password'] = secrets.token_urlsafe(24)
    return json.dumps(account)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if not is_genuine(self.headers.get('X-Sesame-Signature'), body):
            return self.answer(401, {'error': 'the signature is wrong or too old'})
        try:
            asked = json.loads(body)
            key = (asked['SecretArn'], asked['VersionId'])
            if key not in MADE:
                MADE[key] = next_value(asked)
        except (KeyError, TypeError, ValueError):
            # Never send the value back in an error, and never log the body.
            return self.answer(422, {'error': 'the current value is not what this receiver rotates'})
        self.answer(200, {'SecretData': MADE[key]})

    def answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == '__main__':
    server = ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Receiver)
    print('listening on http://127.0.0.1:%d' % server.server_port, flush=True)
    server.serve_forever()
