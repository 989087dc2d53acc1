// The official Node SDK of KMS: create, read, put, read the previous version.
import assert from 'node:assert/strict';
import kms from '@alicloud/kms20160120';
import rpc from '@alicloud/rpc-client';

const [protocol, endpoint] = (process.env.SESAME_URL ?? 'http://127.0.0.1:7070').split('://');
const client = new kms.default(new rpc.Config({ accessKeyId: 'test', accessKeySecret: 'test', regionId: 'cn-hangzhou', endpoint, protocol }));

const secretName = 'examples/node-sdk';
await client.createSecret(new kms.CreateSecretRequest({ secretName, versionId: 'v1', secretData: 'first' }), {});
await client.putSecretValue(new kms.PutSecretValueRequest({ secretName, versionId: 'v2', secretData: 'second' }), {});
const value = async selector => (await client.getSecretValue(new kms.GetSecretValueRequest({ secretName, ...selector }), {})).secretData;

console.log('current: ', await value());
console.log('previous:', await value({ versionStage: 'ACSPrevious' }));
assert.deepEqual([await value(), await value({ versionStage: 'ACSPrevious' })], ['second', 'first']);
await client.deleteSecret(new kms.DeleteSecretRequest({ secretName, forceDeleteWithoutRecovery: 'true' }), {});
