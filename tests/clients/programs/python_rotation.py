#!/usr/bin/env python3
"""Secrets of the five managed types: made, rotated at once and by the clock, failed on purpose and mended. alibabacloud-kms20160120"""
import json
from _common import *
from _rotation import *
from alibabacloud_kms20160120.client import Client
from alibabacloud_kms20160120 import models as M
from alibabacloud_tea_openapi.models import Config
client = Client(Config(access_key_id=AK, access_key_secret=SK, region_id=REGION, endpoint=HOST, protocol=SCHEME))
def call(action, **p):
    method = ''.join('_' + ch.lower() if ch.isupper() else ch for ch in action)[1:]
    return getattr(client, method)(getattr(M, action + 'Request')().from_map(p)).body.to_map()
class Secret:
    def __init__(self, kind, name, config, data, members):
        self.kind, self.members = kind, members
        made = call('CreateSecret', SecretName=name if name == '$Auto' else name + '-python', VersionId='v1', SecretData=data, SecretType=kind, ExtendedConfig=json.loads(config))
        self.name = made['SecretName']
        check(kind + ' is made without a plan', made.get('AutomaticRotation'), 'Disabled')
        got = call('GetSecretValue', SecretName=self.name, FetchExtendedConfig=True)
        self.value, self.version = got['SecretData'], got['VersionId']
        check(kind + ' shows its type', got.get('SecretType'), kind)
        check(kind + ' has the members', sorted(json.loads(self.value)), members)
        check(kind + ' shows its configuration', json.loads(got['ExtendedConfig'])['SecretSubType'], json.loads(config)['SecretSubType'])
    def changed(self, how, version=None):
        """What was current is previous, and ACSCurrent is on another value."""
        got, old = call('GetSecretValue', SecretName=self.name), call('GetSecretValue', SecretName=self.name, VersionStage='ACSPrevious')
        check('%s has a new value %s' % (self.kind, how), got['SecretData'] != self.value and got['VersionId'] != self.version)
        check('%s has the same members %s' % (self.kind, how), sorted(json.loads(got['SecretData'])), self.members)
        check('%s keeps the old value as previous %s' % (self.kind, how), (old['VersionId'], old['SecretData']), (self.version, self.value))
        if version: check('%s has the version that was asked for %s' % (self.kind, how), got['VersionId'], version)
        self.value, self.version = got['SecretData'], got['VersionId']
    def plan(self): return call('DescribeSecret', SecretName=self.name)
secrets = []
def main():
    for row in TYPES: secrets.append(Secret(*row))
    for s in secrets:
        call('RotateSecret', SecretName=s.name, VersionId='r1')
        s.changed('at once', 'r1')
    # The window of the two AccessKeys must be over before the next change.
    check('nothing is due without a plan', advance(WINDOW), (0, 0, 0))
    for s in secrets:
        call('UpdateSecretRotationPolicy', SecretName=s.name, EnableAutomaticRotation=True, RotationInterval='7d')
        plan = s.plan()
        check(s.kind + ' has a plan', (plan['AutomaticRotation'], plan['RotationInterval']), ('Enabled', '604800s'))
    check('all are rotated by the clock', advance(WEEK), (5, 0, 0))
    for s in secrets: s.changed('by the clock')
    check('nothing is due after two days', advance(WINDOW), (0, 0, 0))
    faults([{'action': 'RotateSecret', 'code': 'Kms:TargetRefused'}])
    check('all fail on purpose', advance(WEEK), (0, 5, 0))
    for s in secrets:
        check(s.kind + ' is Invalid', s.plan()['AutomaticRotation'], 'Invalid')
        got = call('GetSecretValue', SecretName=s.name)
        check(s.kind + ' keeps its value', (got['SecretData'], got['VersionId']), (s.value, s.version))
    faults([])
    check('an Invalid plan is not due', advance(WEEK), (0, 0, 0))
    for s in secrets:
        call('RotateSecret', SecretName=s.name, VersionId='r2')
        s.changed('when mended', 'r2')
        check(s.kind + ' is Enabled again', s.plan()['AutomaticRotation'], 'Enabled')
attempt('rotation', main)
faults([])
resume()
for s in secrets: attempt('delete ' + s.name, lambda: call('DeleteSecret', SecretName=s.name, ForceDeleteWithoutRecovery='true'))
done()
