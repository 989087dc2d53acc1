"""Testcontainers for Python. Needs a container engine and the image that SESAME_IMAGE names (default sesame:latest)."""
import os
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.models import Config
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

container = (DockerContainer(os.environ.get('SESAME_IMAGE', 'sesame:latest')).with_exposed_ports(7070)
             .with_env('SESAME_LISTEN', '0.0.0.0:7070').with_env('SESAME_IN_MEMORY', 'true'))
with container as sesame:
    wait_for_logs(sesame, 'Ready.')
    endpoint = '%s:%s' % (sesame.get_container_host_ip(), sesame.get_exposed_port(7070))
    kms = Client(Config(access_key_id='test', access_key_secret='test', region_id='cn-hangzhou', endpoint=endpoint, protocol='http'))
    kms.create_secret(models.CreateSecretRequest(secret_name='db', version_id='v1', secret_data='first'))
    value = kms.get_secret_value(models.GetSecretValueRequest(secret_name='db')).body.secret_data
    print(value)
    assert value == 'first'
