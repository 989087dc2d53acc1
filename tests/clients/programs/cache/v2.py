"""The cache client v2 of Python, told what to do line by line: see behaviour.py."""
import logging, os, sys
logging.disable(logging.CRITICAL)
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import DefaultSecretManagerClientBuilder
from alibabacloud_tea_openapi.models import Config

config = Config(access_key_id='test', access_key_secret='test', region_id='cn-hangzhou', endpoint=os.environ['CACHE_HOST'], protocol='http')
cache = SecretManagerCacheClientBuilder.new_cache_client_builder(DefaultSecretManagerClientBuilder.standard().add_config(config).build()).build()
for line in sys.stdin:
    what, name = line.split()
    try:
        print('=', cache.get_secret_value(name) if what == 'get' else str(cache.refresh_now(name)).lower(), flush=True)
    except Exception as error:
        print('!', getattr(error, 'code', None) or repr(error), flush=True)
