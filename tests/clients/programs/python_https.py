#!/usr/bin/env python3
"""pip install requests    (also the ssl module of the standard library, and curl where it is installed)
HTTPS as an application meets it: names of the cloud, names of services, addresses, and names that must not be trusted."""
import os, shutil, socket, ssl, subprocess
import requests
from _common import *

AUTHORITY, PORT = os.environ['SSL_CERT_FILE'], int(HOST.rpartition(':')[2])
TARGET = '/?Action=DescribeRegions&Version=2016-01-20'
GOOD = ('localhost', '127.0.0.1', 'kms.cn-hangzhou.aliyuncs.com', 'kms-vpc.cn-hangzhou.aliyuncs.com', 'sts.aliyuncs.com', 'sts.cn-beijing.aliyuncs.com',
        'kst-abc.cryptoservice.kms.aliyuncs.com', 'sesame', 'sesame.default.svc.cluster.local')
FOREIGN = ('example.com', 'oss.cn-hangzhou.aliyuncs.com', '127.0.0.3')

def handshake(name, version):
    context = ssl.create_default_context(cafile=AUTHORITY)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(['h2', 'http/1.1'])
    with socket.create_connection(('127.0.0.1', PORT), timeout=20) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name) as secure:
                return secure.version(), secure.selected_alpn_protocol()
        except ssl.SSLCertVerificationError as refused:
            return 'mismatch' if refused.verify_code in (62, 64) else refused.verify_message  # of a host name, of an address

def curl(name, *more):
    command = ['curl', '-q', '-sS', '--noproxy', '*', '--cacert', AUTHORITY, '--connect-to', '%s:443:127.0.0.1:%d' % (name, PORT), *more, 'https://%s%s' % (name, TARGET)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.returncode, '"RegionId":"%s"' % REGION in done.stdout

for name in GOOD:
    check('TLS 1.2 ' + name, handshake(name, ssl.TLSVersion.TLSv1_2), ('TLSv1.2', 'http/1.1'))
    check('TLS 1.3 ' + name, handshake(name, ssl.TLSVersion.TLSv1_3), ('TLSv1.3', 'http/1.1'))
for name in FOREIGN:
    check('not trusted as ' + name, handshake(name, ssl.TLSVersion.TLSv1_3), 'mismatch')

session = requests.Session()                    # trusts what REQUESTS_CA_BUNDLE names, and nothing else
for _ in range(3):
    check('requests', session.get(EP + TARGET).status_code, 200)
check('requests, plain', session.get(EP.replace('https:', 'http:') + TARGET).status_code, 200)
check('the authority is handed out', session.get(EP + '/_sesame/ca.pem').text, open(AUTHORITY).read())
os.environ.pop('REQUESTS_CA_BUNDLE')
try:
    check('requests without the authority', requests.get(EP + TARGET).status_code, 'refused')
except requests.exceptions.SSLError:
    check('requests without the authority', True)

if shutil.which('curl'):
    for name in GOOD[2:]:
        check('curl ' + name, curl(name), (0, True))
        check('curl, TLS 1.2, HTTP/2 offered, ' + name, curl(name, '--http2', '--tls-max', '1.2'), (0, True))
    check('curl example.com', curl('example.com')[0], 60)
done()
