#!/usr/bin/env python3
"""STS without a client (standard library only): where parameters may stand, answers in XML, requests without a signature."""
import re
import xml.etree.ElementTree as tree
from _enforced import *
from raw_rpc import ApiError, rpc, send, urlencode

STS_VERSION = {'Version': '2015-04-01'}

def call(action, p, key=DEPLOYER, method='POST', **over):
    return rpc(action, p, method=method, sk=key[1], AccessKeyId=key[0], **dict(STS_VERSION, **over))
def unsigned(p, method='POST', **over):
    d = dict({'Action': 'AssumeRoleWithOIDC', 'Version': '2015-04-01', 'Format': 'JSON', 'Timestamp': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}, **over)
    if method == 'GET':
        return send('GET', EP + '/?' + urlencode(dict(d, **p)), {}, None)
    return send('POST', EP + '/?' + urlencode(d), {'Content-Type': 'application/x-www-form-urlencoded'}, urlencode(p).encode())
def refusal(fn):
    try:
        return 'answered %r' % (fn(),)
    except ApiError as error:
        return error.status, error.code
def children(element):
    return {child.tag: children(child) if len(child) else child.text for child in element}

ASKED = {'RoleArn': role('app'), 'RoleSessionName': 'raw-1', 'DurationSeconds': '900'}
WITH_OIDC = {'RoleArn': role('workload'), 'OIDCProviderArn': PROVIDER, 'OIDCToken': jwt('orders'), 'RoleSessionName': 'pod-1', 'DurationSeconds': '3600'}

def signed():
    for method in ('GET', 'POST'):
        check('assume by ' + method, call('AssumeRole', ASKED, method=method)['AssumedRoleUser']['Arn'], role('app') + '/raw-1')
    answer = call('AssumeRole', ASKED)
    check('members', sorted(answer), ['AssumedRoleUser', 'Credentials', 'RequestId'])
    check('credentials', sorted(answer['Credentials']), ['AccessKeyId', 'AccessKeySecret', 'Expiration', 'SecurityToken'])
    check('user', sorted(answer['AssumedRoleUser']), ['Arn', 'AssumedRoleId'])
    answer = call('GetCallerIdentity', {}, READER)
    check('members of a user', sorted(answer), ['AccountId', 'Arn', 'IdentityType', 'PrincipalId', 'RequestId', 'UserId'])
    status, body, headers = call('AssumeRole', ASKED, raw=True, Format='XML')
    check('xml type', headers['Content-Type'].split(';')[0], 'text/xml')
    root = tree.fromstring(body)
    got = children(root)
    check('xml root', root.tag, 'AssumeRoleResponse')
    check('xml arn', (got.get('AssumedRoleUser') or {}).get('Arn'), role('app') + '/raw-1')
    check('xml expiration', bool(re.fullmatch(EXPIRATION, (got.get('Credentials') or {}).get('Expiration') or '')))
    root = tree.fromstring(call('GetCallerIdentity', {}, READER, raw=True, Format='XML')[1])
    check('xml caller', (root.tag, children(root).get('IdentityType')), ('GetCallerIdentityResponse', 'RAMUser'))
    check('assume without a signature', refusal(lambda: unsigned(ASKED, Action='AssumeRole'))[0], 400)
    check('an action of Kms under this version', refusal(lambda: call('ListSecrets', {}, ROOT)), (404, 'InvalidAction.NotFound'))
    check('an action of STS under the other', refusal(lambda: call('AssumeRole', ASKED, Version='2016-01-20')), (404, 'InvalidAction.NotFound'))
    check('unknown action', refusal(lambda: call('AssumeEverything', {})), (404, 'InvalidAction.NotFound'))

def without_signature():
    for method in ('GET', 'POST'):
        answer = json.loads(unsigned(WITH_OIDC, method)[1])
        check('oidc by ' + method, answer['AssumedRoleUser']['Arn'], role('workload') + '/pod-1')
    check('oidc members', sorted(answer), ['AssumedRoleUser', 'Credentials', 'OIDCTokenInfo', 'RequestId'])
    check('oidc token info', sorted(answer['OIDCTokenInfo']), ['ClientIds', 'ExpirationTime', 'IssuanceTime', 'Issuer', 'Subject', 'VerificationInfo'])
    # As Java sends it: signature parameters there, no signature.
    check('oidc with a nonce', unsigned(WITH_OIDC, SignatureMethod='HMAC-SHA1', SignatureVersion='1.0', SignatureNonce='%s-oidc' % NAME)[0], 200)
    check('oidc with the header of V3', send('POST', EP + '/?' + urlencode(dict(WITH_OIDC, Action='AssumeRoleWithOIDC', Version='2015-04-01', Format='json')),
                                             {'x-acs-action': 'AssumeRoleWithOIDC', 'x-acs-version': '2015-04-01'}, b'')[0], 200)
    root = tree.fromstring(unsigned(WITH_OIDC, Format='XML')[1])
    check('oidc xml', (root.tag, (children(root).get('OIDCTokenInfo') or {}).get('Subject')), ('AssumeRoleWithOIDCResponse', 'system:serviceaccount:shop:orders'))
    check('oidc no token', refusal(lambda: unsigned(dict(WITH_OIDC, OIDCToken=''))), (401, 'AuthenticationFail.OIDCToken.Invalid'))
    for name in ('RoleArn', 'OIDCProviderArn', 'RoleSessionName'):
        check('oidc without ' + name, refusal(lambda: unsigned({k: v for k, v in WITH_OIDC.items() if k != name}))[0], 400)

attempt('signed', signed)
attempt('without a signature', without_signature)
done()
