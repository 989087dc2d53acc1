#!/usr/bin/env python3
"""pip install alibabacloud-kms20160120 alibabacloud-secretsmanager-client-v2: each managed type is created, rotated at once and by the
clock, failed on purpose and mended by the official SDK, and seen by the official cache client."""
import json, logging, os, tempfile, urllib.request
os.chdir(tempfile.mkdtemp())
from _common import *
logging.disable(logging.CRITICAL)
from alibabacloud_kms20160120.client import Client
from alibabacloud_kms20160120 import models as M
from alibabacloud_tea_openapi.models import Config
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder as B
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import DefaultSecretManagerClientBuilder as D
kw = dict(access_key_id=AK, access_key_secret=SK, region_id=REGION, endpoint=HOST, protocol=SCHEME)
client = Client(Config(**kw))
cache = B.new_cache_client_builder(D.standard().add_config(Config(**kw)).build()).build()


def call(action, **p):
    method = ''.join('_' + ch.lower() if ch.isupper() else ch for ch in action)[1:]
    return getattr(client, method)(getattr(M, action + 'Request')().from_map(p)).body.to_map()


def admin(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(EP + '/_sesame/' + path, data, method=method)) as answer:
        return json.loads(answer.read() or b'{}')


def value(name, stage='ACSCurrent'):
    return call('GetSecretValue', SecretName=name, VersionStage=stage, FetchExtendedConfig='true')


def plan(name):
    return call('DescribeSecret', SecretName=name).get('AutomaticRotation')


two = dict(SecretSubType='DoubleUsers', RegionId=REGION, AccountName='app', CloneAccountName='app_clone')
TYPES = [
    ('Rds', NAME + '/rds', dict(SecretSubType='SingleUser', DBInstanceId='rm-1'), {'Accounts': [{'AccountName': 'app', 'AccountPassword': 'first'}]}),
    ('Redis', NAME + '/redis', dict(two, InstanceId=NAME, AccountPrivilege='RoleReadWrite'), '$Auto'),
    ('PolarDB', NAME + '/polar', dict(two, DBClusterId=NAME, DBType='MySQL', AccountType='Normal'), '$Auto'),
    ('ECS', 'acs/ecs/' + NAME, dict(SecretSubType='SSHKey', InstanceId='i-1', RegionId=REGION), {'UserName': 'root', 'PublicKey': 'ssh-rsa A', 'PrivateKey': 'first'}),
    ('RAMCredentials', '$Auto', dict(SecretSubType='RamUserAccessKey', UserName='rotating'), {'AccessKeys': [{'AccessKeyId': 'rotating-key', 'AccessKeySecret': 'rotating-secret'}]}),
]
admin('DELETE', 'faults')
names = {}
for kind, name, config, data in TYPES:
    data = data if isinstance(data, str) else json.dumps(data)
    r = attempt('create ' + kind, lambda: call('CreateSecret', SecretName=name, VersionId='v1', SecretType=kind, SecretData=data,
                ExtendedConfig=config, EnableAutomaticRotation='true', RotationInterval='7d')) or {}
    check(kind + ': plan', (r.get('AutomaticRotation'), r.get('RotationInterval'), bool(r.get('NextRotationDate'))), ('Enabled', '604800s', True))
    names[kind] = name = r.get('SecretName')
    first = value(name)
    check(kind + ': config', json.loads(first.get('ExtendedConfig') or '{}'), dict(config, CustomData={}))
    cached = attempt('cache', lambda: cache.get_secret_value(name))
    check(kind + ': cached', cached, first['SecretData'])
    r = attempt('rotate ' + kind, lambda: call('RotateSecret', SecretName=name, VersionId='v2')) or {}
    check(kind + ': rotated', r.get('VersionId'), 'v2')
    second = value(name)
    check(kind + ': new value', second['SecretData'] != first['SecretData'] and second['VersionId'] == 'v2')
    check(kind + ': the old one is previous', value(name, 'ACSPrevious')['SecretData'], first['SecretData'])
    check(kind + ': the cache keeps its value', attempt('cache', lambda: cache.get_secret_value(name)), first['SecretData'])
    attempt('refresh', lambda: cache.refresh_now(name))
    check(kind + ': until it is refreshed', attempt('cache', lambda: cache.get_secret_value(name)), second['SecretData'])
before = {kind: value(name)['SecretData'] for kind, name in names.items()}
moved = admin('POST', 'clock', {'advance_seconds': 8 * 86400})['rotations']
check('by the clock', (moved['done'] >= 5, moved['failed'], moved['running']), (True, 0, 0))
check('each has another value', [kind for kind, name in names.items() if value(name)['SecretData'] == before[kind]], [])
admin('PUT', 'faults', [{'action': 'RotateSecret', 'code': 'Kms:TargetRefused'}])
moved = admin('POST', 'clock', {'advance_seconds': 10 * 86400})['rotations']
check('failed on purpose', (moved['done'], moved['failed'] >= 5), (0, True))
check('invalid plans', {plan(name) for name in names.values()}, {'Invalid'})
admin('DELETE', 'faults')
for kind, name in names.items():
    attempt('mend ' + kind, lambda: call('RotateSecret', SecretName=name, VersionId='v-mended'))
check('mended', {plan(name) for name in names.values()}, {'Enabled'})
for name in names.values():
    attempt('delete', lambda: call('DeleteSecret', SecretName=name, ForceDeleteWithoutRecovery='true'))
admin('POST', 'clock', {'resume': True})
done()
