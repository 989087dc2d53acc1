// The generic client, which calls any action by name, with the newer signature (ACS3).
import assert from 'node:assert/strict';
import openapi from '@alicloud/openapi-client';
import util from '@alicloud/tea-util';

const [protocol, endpoint] = (process.env.SESAME_URL ?? 'http://127.0.0.1:7070').split('://');
const client = new openapi.default(new openapi.Config({ accessKeyId: 'test', accessKeySecret: 'test', regionId: 'cn-hangzhou', endpoint, protocol }));

async function call(action, query) {
  const params = new openapi.Params({
    action, version: '2016-01-20', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json', protocol: 'HTTPS',
  });
  return (await client.callApi(params, new openapi.OpenApiRequest({ query }), new util.RuntimeOptions({}))).body;
}

const SecretName = 'examples/node-openapi';
await call('CreateSecret', { SecretName, VersionId: 'v1', SecretData: 'first' });
const { SecretData, VersionStages } = await call('GetSecretValue', { SecretName });
console.log(SecretData, VersionStages.VersionStage);
assert.deepEqual([SecretData, VersionStages.VersionStage], ['first', ['ACSCurrent']]);
await assert.rejects(call('GetSecretValue', { SecretName: 'examples/none' }), { code: 'Forbidden.ResourceNotFound' });
await call('DeleteSecret', { SecretName, ForceDeleteWithoutRecovery: 'true' });
