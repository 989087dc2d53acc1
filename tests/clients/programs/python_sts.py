#!/usr/bin/env python3
"""pip install alibabacloud-sts20150401 alibabacloud-kms20160120
The official STS SDK, then the KMS SDK with what it got: users, sessions, narrowed sessions, tokens that do not hold."""
import datetime, re
from alibabacloud_kms20160120 import models as m
from alibabacloud_kms20160120.client import Client as Kms
from alibabacloud_sts20150401 import models as s
from alibabacloud_sts20150401.client import Client as Sts
from alibabacloud_tea_openapi.models import Config
from _enforced import *

OPEN, OTHER, SEALED = 'team-a/' + NAME, 'team-b/' + NAME, 'team-a/sealed-' + NAME
# V3 and RPC v1
SIGNATURES = (None, 'v2')

def sts(key=None, token=None):
    ak, sk = key or (None, None)
    return Sts(Config(access_key_id=ak, access_key_secret=sk, security_token=token, region_id=REGION, endpoint=HOST, protocol=SCHEME))
def kms(key, token=None, signature=None):
    return Kms(Config(access_key_id=key[0], access_key_secret=key[1], security_token=token, region_id=REGION, endpoint=HOST,
                      protocol=SCHEME, signature_algorithm=signature))
def assume(name, key=DEPLOYER, token=None, session='session-1', arn=None, **more):
    return sts(key, token).assume_role(s.AssumeRoleRequest(role_arn=arn or role(name), role_session_name=session, **more)).body
def with_oidc(token, name='workload', provider=PROVIDER, **more):
    return sts().assume_role_with_oidc(s.AssumeRoleWithOIDCRequest(
        role_arn=role(name), oidcprovider_arn=provider, oidctoken=token, role_session_name='pod-1', **more)).body
def held(answer):                               # (key, token) of an answer
    c = answer.credentials
    return (c.access_key_id, c.access_key_secret), c.security_token
def get(client, name=OPEN):
    return client.get_secret_value(m.GetSecretValueRequest(secret_name=name)).body.secret_data
def put(client, version, name=OPEN):
    return client.put_secret_value(m.PutSecretValueRequest(secret_name=name, version_id=version, secret_data='other', version_stages='["%s"]' % version)).body.version_id
def seconds_left(answer):
    at = datetime.datetime.strptime(answer.credentials.expiration, '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=datetime.timezone.utc)
    return (at - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

def identities():
    who = sts(ROOT).get_caller_identity().body
    check('root', (who.identity_type, who.account_id, who.user_id, who.role_id), ('Account', ACCOUNT, ACCOUNT, None))
    check('root arn', who.arn, 'acs:ram::%s:root' % ACCOUNT)
    who = sts(READER).get_caller_identity().body
    check('user', (who.identity_type, who.account_id, who.arn, who.role_id), ('RAMUser', ACCOUNT, 'acs:ram::%s:user/reader' % ACCOUNT, None))
    check('user id', (bool(who.user_id), who.principal_id), (True, who.user_id))
    check('the same user again', sts(READER).get_caller_identity().body.user_id, who.user_id)
    made = assume('app')
    who = sts(*held(made)).get_caller_identity().body
    check('session', (who.identity_type, who.account_id, who.arn, who.user_id),
          ('AssumedRoleUser', ACCOUNT, 'acs:ram::%s:assumed-role/app/session-1' % ACCOUNT, None))
    check('session id', (who.principal_id, who.role_id + ':session-1'), (made.assumed_role_user.assumed_role_id,) * 2)

def assuming():
    made = assume('app', session='a.b@c-d_e')
    check('arn', made.assumed_role_user.arn, role('app') + '/a.b@c-d_e')
    check('id', made.assumed_role_user.assumed_role_id.endswith(':a.b@c-d_e'))
    c = made.credentials
    check('key id', c.access_key_id[:4], 'STS.')
    check('expiration', bool(re.fullmatch(EXPIRATION, c.expiration)))
    check('an hour by default', 3500 < seconds_left(made) <= 3600)
    check('request id', bool(made.request_id))
    check('no source identity', made.source_identity, None)
    check('another key each time', assume('app').credentials.access_key_id != c.access_key_id)
    check('900 seconds', 800 < seconds_left(assume('app', duration_seconds=900)) <= 900)
    check('64 letters', assume('app', session='x' * 64).assumed_role_user.arn, role('app') + '/' + 'x' * 64)
    check('source identity', assume('app', source_identity='alice').source_identity, 'alice')
    for what, wanted, fn in (
            ('899 seconds', 'InvalidParameter.DurationSeconds', lambda: assume('app', duration_seconds=899)),
            ('two days', 'InvalidParameter.DurationSeconds', lambda: assume('app', duration_seconds=172800)),
            ('session name of one letter', 'InvalidParameter.RoleSessionName', lambda: assume('app', session='x')),
            ('session name of 65', 'InvalidParameter.RoleSessionName', lambda: assume('app', session='x' * 65)),
            ('session name with a blank', 'InvalidParameter.RoleSessionName', lambda: assume('app', session='a b')),
            ('session name in Chinese', 'InvalidParameter.RoleSessionName', lambda: assume('app', session='中文')),
            ('no arn', 'InvalidParameter.RoleArn', lambda: assume('', arn='app')),
            ('arn of a user', 'InvalidParameter.RoleArn', lambda: assume('', arn='acs:ram::%s:user/reader' % ACCOUNT)),
            ('policy is no policy', 'InvalidParameter.PolicyGrammar', lambda: assume('app', policy='Allow all')),
            ('policy too long', 'InvalidParameter.PolicySize', lambda: assume('app', policy=session_policy(('Allow', 'kms:*', 'x' * 2048)))),
            ('external id with a blank', 'InvalidParameter.ExternalId', lambda: assume('app', external_id='a b'))):
        check(what, code(fn), wanted)
        check(what + ', status', status(fn), 400)
    check('unknown role', (code(lambda: assume('nobody')), status(lambda: assume('nobody'))), ('EntityNotExist.Role', 404))
    for what, fn in (('root may not', lambda: assume('app', ROOT)), ('no permission to assume', lambda: assume('app', READER)),
                     ('not trusted', lambda: assume('closed')), ('trusted, no permission', lambda: assume('closed', READER)),
                     ('external id missing', lambda: assume('partner')), ('external id wrong', lambda: assume('partner', external_id='other')),
                     ('trusts the other account', lambda: assume('app', VISITOR)), ('trusts a role', lambda: assume('second'))):
        check(what, (code(fn), status(fn)), ('NoPermission', 403))
    check('external id', assume('partner', external_id='abcd1234').assumed_role_user.arn, role('partner') + '/session-1')
    check('across accounts', assume('shared', VISITOR).assumed_role_user.arn, role('shared') + '/session-1')
    chained = assume('second', *held(assume('app')))
    check('chained', sts(*held(chained)).get_caller_identity().body.arn, 'acs:ram::%s:assumed-role/second/session-1' % ACCOUNT)

def using(signature):
    label = signature or 'v3'
    reader, deployer = kms(READER, None, signature), kms(DEPLOYER, None, signature)
    forbidden = ('Forbidden.NoPermission', 403)
    refused = lambda fn: (code(fn), status(fn))
    check(label + ' user reads', get(reader), 'value')
    check(label + ' user reads elsewhere', refused(lambda: get(reader, OTHER)), forbidden)
    check(label + ' user writes', refused(lambda: put(reader, label)), forbidden)
    check(label + ' user without rights', refused(lambda: get(deployer)), forbidden)
    check(label + ' user asks for what is not there', refused(lambda: get(reader, OTHER + '-none')), forbidden)
    app = kms(*held(assume('app')), signature)
    check(label + ' session reads', get(app), 'value')
    check(label + ' session writes', put(app, label + '-app'), label + '-app')
    check(label + ' session reads elsewhere', refused(lambda: get(app, OTHER)), forbidden)
    check(label + ' session and a Deny', refused(lambda: get(app, SEALED)), forbidden)
    check(label + ' session of another account', get(kms(*held(assume('shared', VISITOR)), signature)), 'value')
    narrow = kms(*held(assume('app', policy=session_policy(('Allow', GET, secret(OPEN))))), signature)
    check(label + ' narrowed reads', get(narrow), 'value')
    check(label + ' narrowed writes', refused(lambda: put(narrow, label + '-narrow')), forbidden)
    wide = kms(*held(assume('app', policy=session_policy(('Allow', '*', '*')))), signature)
    check(label + ' a policy gives nothing', refused(lambda: get(wide, OTHER)), forbidden)
    check(label + ' a policy of everything', get(wide), 'value')
    minus = kms(*held(assume('app', policy=session_policy(('Allow', 'kms:*', '*'), ('Deny', GET, '*')))), signature)
    check(label + ' a policy with a Deny', refused(lambda: get(minus)), forbidden)

def details():
    name = 'AuthAction AuthPrincipalType AuthPrincipalOwnerId NoPermissionType'.split()
    facts = lambda fn: tuple(denied(fn).get(n) for n in name)
    app = held(assume('app'))
    check('detail of a user', facts(lambda: get(kms(READER), OTHER)), (GET, 'SubUser', ACCOUNT, 'ImplicitDeny'))
    check('detail of a session', facts(lambda: get(kms(*app), OTHER)), (GET, 'AssumedRoleUser', ACCOUNT, 'ImplicitDeny'))
    check('detail of a Deny', facts(lambda: get(kms(*app), SEALED)), (GET, 'AssumedRoleUser', ACCOUNT, 'ExplicitDeny'))
    check('who it was', denied(lambda: get(kms(*app), OTHER)).get('AuthPrincipalDisplayName'), 'app:session-1')
    check('which policy', denied(lambda: get(kms(READER), OTHER)).get('PolicyType'), 'AccountLevelIdentityBasedPolicy')
    narrow = held(assume('app', policy=session_policy(('Allow', GET, secret(OPEN)))))
    check('which policy, narrowed', denied(lambda: put(kms(*narrow), 'never')).get('PolicyType'), 'SessionPolicy')
    check('assume', facts(lambda: assume('app', READER)), ('sts:AssumeRole', 'SubUser', ACCOUNT, 'ImplicitDeny'))
    check('assume, not trusted', denied(lambda: assume('closed')).get('PolicyType'), 'AssumeRolePolicy')

def tokens(signature):
    label = signature or 'v3'
    (one, its), (two, other) = held(assume('app')), held(assume('app'))
    altered = its[:len(its) // 2] + ('A' if its[len(its) // 2] != 'A' else 'B') + its[len(its) // 2 + 1:]
    for what, wanted, key, token in (
            ('of another session', 'InvalidSecurityToken.MismatchWithAccessKey', one, other),
            ('beside a permanent key', 'InvalidSecurityToken.MismatchWithAccessKey', READER, its),
            ('that is none', 'InvalidSecurityToken.Malformed', one, 'nonsense'),
            ('altered', 'InvalidSecurityToken.Malformed', one, altered),
            ('cut short', 'InvalidSecurityToken.Malformed', one, its[:-8]),
            ('missing', 'MissingSecurityToken', one, None),
            ('right, secret wrong', 'SignatureDoesNotMatch', (one[0], two[1]), its)):
        fn = lambda: get(kms(key, token, signature))
        check('%s token %s' % (label, what), (code(fn), status(fn)), (wanted, 400))
        if signature is None:
            check('sts, token ' + what, code(lambda: sts(key, token).get_caller_identity()), wanted)
    short, long = held(assume('app', duration_seconds=900)), held(assume('app'))
    check(label + ' token of 15 minutes', get(kms(*short, signature)), 'value')
    with moved(901):
        fn = lambda: get(kms(*short, signature))
        check(label + ' token expired', (code(fn), status(fn)), ('InvalidSecurityToken.Expired', 400))
        check(label + ' expired for STS', code(lambda: sts(*short).get_caller_identity()), 'InvalidSecurityToken.Expired')
        check(label + ' the longer one holds', get(kms(*long, signature)), 'value')

def federated():
    made = with_oidc(jwt('orders'))
    told = made.oidctoken_info
    check('oidc arn', made.assumed_role_user.arn, role('workload') + '/pod-1')
    check('oidc token', (told.issuer, told.subject, told.client_ids),
          ('https://oidc.example.test/cluster', 'system:serviceaccount:shop:orders', 'sts.aliyuncs.com'))
    check('oidc times', all(re.fullmatch(EXPIRATION, t or '') for t in (told.issuance_time, told.expiration_time)))
    check('oidc verified', told.verification_info, 'Success')
    check('oidc caller', sts(*held(made)).get_caller_identity().body.arn, 'acs:ram::%s:assumed-role/workload/pod-1' % ACCOUNT)
    check('oidc reads', get(kms(*held(made))), 'value')
    check('oidc writes', code(lambda: put(kms(*held(made)), 'never')), 'Forbidden.NoPermission')
    check('oidc 900 seconds', 800 < seconds_left(with_oidc(jwt('orders'), duration_seconds=900)) <= 900)
    check('oidc two audiences', with_oidc(jwt('two-audiences')).oidctoken_info.client_ids, 'elsewhere,sts.aliyuncs.com')
    narrow = with_oidc(jwt('orders'), policy=session_policy(('Allow', GET, secret('team-a/none'))))
    check('oidc narrowed', code(lambda: get(kms(*held(narrow)))), 'Forbidden.NoPermission')
    fail, bad = 'AuthenticationFail.', 'AuthenticationFail.OIDCToken.'
    for what, wanted, fn in (
            ('expired', bad + 'Expired', lambda: with_oidc(jwt('expired'))),
            ('audience', bad + 'AudienceNotMatch', lambda: with_oidc(jwt('audience'))),
            ('issuer', bad + 'IssuerNotMatch', lambda: with_oidc(jwt('issuer'))),
            ('forged', bad + 'InvalidSignature', lambda: with_oidc(jwt('forged'))),
            ('hs256', bad + 'Invalid', lambda: with_oidc(jwt('hs256'))),
            ('unsigned', bad + 'Invalid', lambda: with_oidc(jwt('unsigned'))),
            ('two parts', bad + 'Invalid', lambda: with_oidc(jwt('two-parts'))),
            ('no claims', bad + 'Invalid', lambda: with_oidc(jwt('no-claims'))),
            ('not trusted: audience', fail + 'NoPermission', lambda: with_oidc(jwt('second-client'))),
            ('not trusted: subject', fail + 'NoPermission', lambda: with_oidc(jwt('subject'))),
            ('not trusted: provider', fail + 'NoPermission', lambda: with_oidc(jwt('orders'), 'app')),
            ('unknown provider', fail + 'NoPermission', lambda: with_oidc(jwt('orders'), provider=PROVIDER + '-2'))):
        check('oidc ' + what, (code(fn), status(fn)), (wanted, 401))
    check('oidc unknown role', code(lambda: with_oidc(jwt('orders'), 'nobody')), 'EntityNotExist.Role')
    check('oidc duration', code(lambda: with_oidc(jwt('orders'), duration_seconds=899)), 'InvalidParameter.DurationSeconds')
    with moved(7200):
        check('oidc expired by the server\'s clock', code(lambda: with_oidc(jwt('orders'))), bad + 'Expired')

owner = kms(ROOT)
for made in (OPEN, OTHER, SEALED):
    attempt('root makes ' + made, lambda: owner.create_secret(m.CreateSecretRequest(secret_name=made, version_id='v1', secret_data='value')))
attempt('identities', identities)
attempt('assuming', assuming)
for used in SIGNATURES:
    attempt('using', lambda: using(used))
    attempt('tokens', lambda: tokens(used))
attempt('details', details)
attempt('federated', federated)
for made in (OPEN, OTHER, SEALED):
    attempt('root removes ' + made, lambda: owner.delete_secret(m.DeleteSecretRequest(secret_name=made, force_delete_without_recovery='true')))
done()
