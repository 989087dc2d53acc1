// Testcontainers for Node. Needs a container engine and the image that SESAME_IMAGE names (default sesame:latest).
import assert from 'node:assert/strict';
import kms from '@alicloud/kms20160120';
import rpc from '@alicloud/rpc-client';
import { GenericContainer, Wait } from 'testcontainers';

const container = await new GenericContainer(process.env.SESAME_IMAGE ?? 'sesame:latest')
  .withEnvironment({ SESAME_LISTEN: '0.0.0.0:7070', SESAME_IN_MEMORY: 'true' })
  .withExposedPorts(7070)
  .withWaitStrategy(Wait.forHttp('/_sesame/ready', 7070))
  .start();
try {
  const endpoint = `${container.getHost()}:${container.getMappedPort(7070)}`;
  const client = new kms.default(new rpc.Config({ accessKeyId: 'test', accessKeySecret: 'test', regionId: 'cn-hangzhou', endpoint, protocol: 'http' }));
  await client.createSecret(new kms.CreateSecretRequest({ secretName: 'db', versionId: 'v1', secretData: 'first' }), {});
  const { secretData } = await client.getSecretValue(new kms.GetSecretValueRequest({ secretName: 'db' }), {});
  console.log(secretData);
  assert.equal(secretData, 'first');
} finally {
  await container.stop();
}
