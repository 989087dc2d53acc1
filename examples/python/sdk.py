"""The official Python SDK: create, read, put, read the previous version."""
import os
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.models import Config

scheme, _, host = os.environ.get('SESAME_URL', 'http://127.0.0.1:7070').partition('://')
kms = Client(Config(access_key_id='test', access_key_secret='test', region_id='cn-hangzhou', endpoint=host, protocol=scheme))

name = 'examples/python-sdk'
kms.create_secret(models.CreateSecretRequest(secret_name=name, version_id='v1', secret_data='first'))
kms.put_secret_value(models.PutSecretValueRequest(secret_name=name, version_id='v2', secret_data='second'))


def value(**selector):
    return kms.get_secret_value(models.GetSecretValueRequest(secret_name=name, **selector)).body.secret_data


print('current: ', value())
print('previous:', value(version_stage='ACSPrevious'))
assert (value(), value(version_stage='ACSPrevious')) == ('second', 'first')
kms.delete_secret(models.DeleteSecretRequest(secret_name=name, force_delete_without_recovery='true'))
