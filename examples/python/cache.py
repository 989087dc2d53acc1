"""The official cache client (v2) next to the SDK: a value is cached for an hour, or until it is refreshed."""
import os
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import DefaultSecretManagerClientBuilder
from alibabacloud_tea_openapi.models import Config

scheme, _, host = os.environ.get('SESAME_URL', 'http://127.0.0.1:7070').partition('://')
config = Config(access_key_id='test', access_key_secret='test', region_id='cn-hangzhou', endpoint=host, protocol=scheme)
kms = Client(config)
cache = SecretManagerCacheClientBuilder.new_cache_client_builder(DefaultSecretManagerClientBuilder.standard().add_config(config).build()).build()

name = 'examples/python-cache'
kms.create_secret(models.CreateSecretRequest(secret_name=name, version_id='v1', secret_data='first'))
print('read:           ', cache.get_secret_value(name))
kms.put_secret_value(models.PutSecretValueRequest(secret_name=name, version_id='v2', secret_data='second'))
print('from the cache: ', cache.get_secret_value(name))
assert cache.get_secret_value(name) == 'first'
assert cache.refresh_now(name)
print('after a refresh:', cache.get_secret_value(name))
assert cache.get_secret_value(name) == 'second'
kms.delete_secret(models.DeleteSecretRequest(secret_name=name, force_delete_without_recovery='true'))
cache.close()
os._exit(0)  # the scheduler thread of the cache client never ends
