# shared helpers of the Python programs for `enforced` mode (standard library only): names out of ../enforced.toml
import json, os, pathlib, urllib.request
from _common import *
ACCOUNT, OTHER_ACCOUNT = '1000000000000001', '1000000000000002'
READER, DEPLOYER = ('LTAI5tReaderExample', 'reader-secret'), ('LTAI5tDeployerExample', 'deployer-secret')
VISITOR, ROOT = ('LTAI5tVisitorExample', 'visitor-secret'), (AK, SK)
PROVIDER = 'acs:ram::%s:oidc-provider/cluster' % ACCOUNT
# host:port behind TLS; the http one serves the clients that can be told to
STS_HOST, STS_CA = os.environ.get('STS_HOST', 'localhost:8443'), os.environ.get('STS_CA')
OIDC = pathlib.Path(os.environ.get('OIDC_DIR', '.'))
EXPIRATION = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'
GET, PUT = 'kms:GetSecretValue', 'kms:PutSecretValue'
def role(name, account=ACCOUNT):
    return 'acs:ram::%s:role/%s' % (account, name)
def session_policy(*statements):                # (effect, action, resource), …; no blanks, which one library signs as +
    return json.dumps({'Version': '1', 'Statement': [{'Effect': e, 'Action': a, 'Resource': r} for e, a, r in statements]}, separators=(',', ':'))
def secret(name):                               # the resource of a secret in a policy
    return 'acs:kms:*:*:secret/' + name
def jwt(name):
    return (OIDC / (name + '.jwt')).read_text().strip()
def code(fn):
    try:
        return 'answered %r' % (fn(),)
    except Exception as error:                  # noqa
        return getattr(error, 'code', None) or repr(error)
def status(fn):
    try:
        return 'answered %r' % (fn(),)
    except Exception as error:                  # noqa
        return getattr(error, 'status_code', None) or repr(error)
def denied(fn):                                 # AccessDeniedDetail of a refusal
    try:
        return {'answered': fn()}
    except Exception as error:                  # noqa
        return getattr(error, 'access_denied_detail', None) or {'none in': repr(error)}
def clock(**move):
    asked = urllib.request.Request(EP + '/_sesame/clock', data=json.dumps(move).encode(), method='POST',
                                   headers={'Authorization': 'Bearer ' + os.environ.get('ADMIN_TOKEN', ''), 'Content-Type': 'application/json'})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=20) as answer:
        return json.load(answer)
class moved:                                    # with moved(seconds): the server is that far ahead
    def __init__(self, seconds): self.seconds = seconds
    def __enter__(self): clock(advance_seconds=self.seconds)
    def __exit__(self, *_): clock(resume=True)
