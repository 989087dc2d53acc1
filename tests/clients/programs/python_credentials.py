#!/usr/bin/env python3
"""pip install alibabacloud-credentials alibabacloud-kms20160120    (private CA: SSL_CERT_FILE=$STS_CA)
The official credential providers, which ask STS over https, and the KMS SDK that signs with what they got."""
import asyncio, logging
from alibabacloud_credentials.client import Client as Credential
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_credentials.provider import OIDCRoleArnCredentialsProvider, RamRoleArnCredentialsProvider
from alibabacloud_kms20160120 import models as m
from alibabacloud_kms20160120.client import Client as Kms
from alibabacloud_tea_openapi.models import Config
from _enforced import *

logging.disable()                               # the providers log each refusal with its trace
OPEN, OTHER = 'team-a/' + NAME, 'team-b/' + NAME

def kms(credential):
    return Kms(Config(credential=credential, region_id=REGION, endpoint=HOST, protocol=SCHEME))
def get(credential, name=OPEN):
    return kms(credential).get_secret_value(m.GetSecretValueRequest(secret_name=name)).body.secret_data
def by_role(name='app', key=DEPLOYER, **more):
    return RamRoleArnCredentialsProvider(access_key_id=key[0], access_key_secret=key[1], role_arn=role(name),
                                         role_session_name='provider-1', sts_endpoint=STS_HOST, **more)
def by_token(name='orders', assumed='workload', **more):
    return OIDCRoleArnCredentialsProvider(role_arn=role(assumed), oidc_provider_arn=PROVIDER, oidc_token_file_path=str(OIDC / (name + '.jwt')),
                                          role_session_name='pod-1', sts_endpoint=STS_HOST, **more)
def refused(provider, wanted):                  # these put the whole answer into the text
    try:
        return 'answered %r' % provider.get_credentials()
    except Exception as error:                  # noqa
        return wanted if '"%s"' % wanted in str(error) else str(error)

def role_provider():
    got = by_role().get_credentials()
    check('key', (got.get_access_key_id()[:4], bool(got.get_access_key_secret()), bool(got.get_security_token())), ('STS.', True, True))
    check('name', got.get_provider_name(), 'ram_role_arn/static_ak')
    check('reads', get(Credential(provider=by_role())), 'value')
    check('reads elsewhere', code(lambda: get(Credential(provider=by_role()), OTHER)), 'Forbidden.NoPermission')
    narrow = Credential(provider=by_role(policy=session_policy(('Allow', GET, secret(OTHER)))))
    check('narrowed', code(lambda: get(narrow)), 'Forbidden.NoPermission')
    check('external id', get(Credential(provider=by_role('partner', external_id='abcd1234'))), 'value')
    second = RamRoleArnCredentialsProvider(credentials_provider=by_role(), role_arn=role('second'), role_session_name='provider-2', sts_endpoint=STS_HOST)
    check('chained', get(Credential(provider=second)), 'value')
    check('asynchronous', asyncio.run(by_role().get_credentials_async()).get_access_key_id()[:4], 'STS.')
    for what, provider, wanted in (('unknown role', by_role('nobody'), 'EntityNotExist.Role'), ('root', by_role(key=ROOT), 'NoPermission'),
                                   ('no permission', by_role(key=READER), 'NoPermission'), ('not trusted', by_role('closed'), 'NoPermission'),
                                   ('two days', by_role(duration_seconds=172800), 'InvalidParameter.DurationSeconds'),
                                   ('wrong secret', by_role(key=(DEPLOYER[0], 'wrong')), 'SignatureDoesNotMatch')):
        check(what, refused(provider, wanted), wanted)

def token_provider():
    got = by_token().get_credentials()
    check('oidc key', (got.get_access_key_id()[:4], bool(got.get_access_key_secret()), bool(got.get_security_token())), ('STS.', True, True))
    check('oidc reads', get(Credential(provider=by_token())), 'value')
    check('oidc reads elsewhere', code(lambda: get(Credential(provider=by_token()), OTHER)), 'Forbidden.NoPermission')
    check('oidc token with a line feed', get(Credential(provider=by_token('two-audiences'))), 'value')
    for name, wanted in (('expired', 'OIDCToken.Expired'), ('audience', 'OIDCToken.AudienceNotMatch'), ('issuer', 'OIDCToken.IssuerNotMatch'),
                         ('forged', 'OIDCToken.InvalidSignature'), ('hs256', 'OIDCToken.Invalid'), ('subject', 'NoPermission')):
        check('oidc ' + name, refused(by_token(name), 'AuthenticationFail.' + wanted), 'AuthenticationFail.' + wanted)

def by_configuration():
    config = CredentialConfig(type='ram_role_arn', access_key_id=DEPLOYER[0], access_key_secret=DEPLOYER[1], role_arn=role('app'),
                              role_session_name='config-1', sts_endpoint=STS_HOST)
    check('configured', get(Credential(config)), 'value')
    config = CredentialConfig(type='oidc_role_arn', role_arn=role('workload'), oidc_provider_arn=PROVIDER, oidc_token_file_path=str(OIDC / 'orders.jwt'),
                              role_session_name='config-2', sts_endpoint=STS_HOST)
    check('configured oidc', get(Credential(config)), 'value')

owner = Kms(Config(access_key_id=AK, access_key_secret=SK, region_id=REGION, endpoint=HOST, protocol=SCHEME))
for made in (OPEN, OTHER):
    attempt('root makes ' + made, lambda: owner.create_secret(m.CreateSecretRequest(secret_name=made, version_id='v1', secret_data='value')))
attempt('role', role_provider)
attempt('token', token_provider)
attempt('configuration', by_configuration)
for made in (OPEN, OTHER):
    attempt('root removes ' + made, lambda: owner.delete_secret(m.DeleteSecretRequest(secret_name=made, force_delete_without_recovery='true')))
done()
