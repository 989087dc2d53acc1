#!/usr/bin/env python3
"""An application that fetches its own AccessKey from its secret and signs with it, through three windows. alibabacloud-kms20160120"""
import json
from _common import *
from _rotation import admin, advance, resume, WEEK, WINDOW
from alibabacloud_kms20160120.client import Client
from alibabacloud_kms20160120 import models as M
from alibabacloud_tea_openapi.models import Config
NAME_OF_KEY, FIRST = 'acs/ram/user/own-key', ('LTAI5tOwnKeyExample', 'first-secret')
def signed_by(key): return Client(Config(access_key_id=key[0], access_key_secret=key[1], region_id=REGION, endpoint=HOST, protocol=SCHEME))
def read(key, **which):
    value = json.loads(signed_by(key).get_secret_value(M.GetSecretValueRequest(secret_name=NAME_OF_KEY, **which)).body.secret_data)
    return value['AccessKeyId'], value['AccessKeySecret']
def refused(key, **which):
    try: return 'answered with ' + read(key, **which)[0]
    except Exception as e: return getattr(e, 'code', repr(e))                # noqa
owner = signed_by((AK, SK))
def main():
    owner.create_secret(M.CreateSecretRequest(secret_name='$Auto', version_id='v1', secret_type='RAMCredentials', enable_automatic_rotation=True, rotation_interval='7d',
        extended_config={'SecretSubType': 'RamUserAccessKey', 'UserName': 'own-key'},
        secret_data=json.dumps({'AccessKeys': [{'AccessKeyId': FIRST[0], 'AccessKeySecret': FIRST[1]}]})))
    key, used, wait = read(FIRST), [FIRST[0]], WEEK
    check('the application reads its own key with it', key, FIRST)
    for window in ('first', 'second', 'third'):
        check(window + ' window: begins by the clock', advance(wait), (1, 0, 0))
        old, key = key, read(key)  # the old key still signs
        check(window + ' window: the key is a new one', key[0] not in used)
        used.append(key[0])
        check(window + ' window: the new key signs', read(key), key)
        check(window + ' window: the old key is the previous value', read(key, version_stage='ACSPrevious'), old)
        advance(WINDOW // 2 - 1)
        check(window + ' window: the old key signs until half of it', read(old), key)
        advance(1)
        check(window + ' window: then the old key is Inactive', refused(old), 'InvalidAccessKeyId.Inactive')
        check(window + ' window: and the new one signs', read(key), key)
        advance(WINDOW // 2)
        check(window + ' window: at its end the old key is gone', refused(old), 'InvalidAccessKeyId.NotFound')
        check(window + ' window: and so is the previous value', refused(key, version_stage='ACSPrevious'), 'Forbidden.ResourceNotFound')
        check(window + ' window: the application works on', read(key), key)
        wait = WEEK - WINDOW  # the plan counts from the beginning of the rotation
    check('three keys were made', len(used), 4)
admin('POST', 'clock', {'set': '2027-06-01T00:00:00Z'})  # it stands still, so that a moment can be met exactly
attempt('three windows', main)
resume()
attempt('delete', lambda: owner.delete_secret(M.DeleteSecretRequest(secret_name=NAME_OF_KEY, force_delete_without_recovery='true')))
done()
