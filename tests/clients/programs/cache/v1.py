"""The cache client v1 of Python, told what to do line by line: see behaviour.py."""
import logging, os, sys
logging.disable(logging.CRITICAL)
os.environ.setdefault('PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION', 'python')
from alibaba_cloud_secretsmanager_client.model.region_info import RegionInfo
from alibaba_cloud_secretsmanager_client.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibaba_cloud_secretsmanager_client.service.default_secret_manager_client_builder import DefaultSecretManagerClientBuilder

cache = SecretManagerCacheClientBuilder.new_cache_client_builder(
    DefaultSecretManagerClientBuilder.standard().with_access_key('test', 'test')
    .add_region_info(RegionInfo('cn-hangzhou', False, 'http://' + os.environ['CACHE_HOST'])).build()).build()
for line in sys.stdin:
    what, name = line.split()
    try:
        print('=', cache.get_secret_value(name) if what == 'get' else str(cache.refresh_now(name)).lower(), flush=True)
    except Exception as error:
        print('!', getattr(error, 'error_code', None) or repr(error), flush=True)
