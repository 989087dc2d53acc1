// npm i @alicloud/pop-core: each managed type is created, rotated at once and by the clock, failed on purpose and mended.
const c = require('./_common.js'), { RPCClient } = require('@alicloud/pop-core'), http = require('http');
const client = new RPCClient({ accessKeyId: c.AK, accessKeySecret: c.SK, endpoint: c.EP, apiVersion: '2016-01-20' });
const call = (action, params) => client.request(action, params, { method: 'POST', timeout: 20000 });
const admin = (method, path, body) => new Promise((resolve, reject) => {
  const request = http.request(c.EP + '/_sesame/' + path, { method }, answer => {
    let text = ''; answer.on('data', part => text += part); answer.on('end', () => resolve(text ? JSON.parse(text) : {}));
  });
  request.on('error', reject); request.end(body ? JSON.stringify(body) : undefined);
});
const value = (name, stage = 'ACSCurrent') => call('GetSecretValue', { SecretName: name, VersionStage: stage });
const plan = async name => (await call('DescribeSecret', { SecretName: name })).AutomaticRotation;
const two = { SecretSubType: 'DoubleUsers', RegionId: c.REGION, AccountName: 'app', CloneAccountName: 'app_clone' };
const TYPES = [
  ['Rds', c.NAME + '/rds', { SecretSubType: 'DoubleUsers', DBInstanceId: 'rm-1' }, { Accounts: [{ AccountName: 'app', AccountPassword: 'first' }] }],
  ['Redis', c.NAME + '/redis', { ...two, InstanceId: c.NAME, AccountPrivilege: 'RoleReadWrite' }, '$Auto'],
  ['PolarDB', c.NAME + '/polar', { ...two, DBClusterId: c.NAME, DBType: 'MySQL', AccountType: 'Normal' }, '$Auto'],
  ['ECS', 'acs/ecs/' + c.NAME, { SecretSubType: 'Password', InstanceId: 'i-1', RegionId: c.REGION }, { UserName: 'root', Password: 'first' }],
  ['RAMCredentials', '$Auto', { SecretSubType: 'RamUserAccessKey', UserName: 'rotating-node' }, { AccessKeys: [{ AccessKeyId: 'rotating-node-key', AccessKeySecret: 'rotating-node-secret' }] }],
];
(async () => {
  await admin('DELETE', 'faults');
  const names = [];
  for (const [kind, name, config, data] of TYPES) {
    const made = await c.attempt('create ' + kind, () => call('CreateSecret', { SecretName: name, VersionId: 'v1', SecretType: kind, ExtendedConfig: JSON.stringify(config), SecretData: typeof data === 'string' ? data : JSON.stringify(data), EnableAutomaticRotation: 'true', RotationInterval: '7d' }));
    c.check(kind + ': plan', [made.AutomaticRotation, made.RotationInterval], ['Enabled', '604800s']);
    names.push(made.SecretName);
    const first = await value(made.SecretName);
    await c.attempt('rotate ' + kind, () => call('RotateSecret', { SecretName: made.SecretName, VersionId: 'v2' }));
    c.check(kind + ': new value', (await value(made.SecretName)).SecretData !== first.SecretData);
    c.check(kind + ': the old one is previous', (await value(made.SecretName, 'ACSPrevious')).SecretData, first.SecretData);
  }
  const before = await Promise.all(names.map(name => value(name)));
  let moved = (await admin('POST', 'clock', { advance_seconds: 8 * 86400 })).rotations;
  c.check('by the clock', [moved.done >= 5, moved.failed, moved.running], [true, 0, 0]);
  const after = await Promise.all(names.map(name => value(name)));
  c.check('each has another value', after.filter((now, at) => now.SecretData === before[at].SecretData).length, 0);
  await admin('PUT', 'faults', [{ action: 'RotateSecret', code: 'Kms:TargetRefused' }]);
  moved = (await admin('POST', 'clock', { advance_seconds: 10 * 86400 })).rotations;
  c.check('failed on purpose', [moved.done, moved.failed >= 5], [0, true]);
  c.check('invalid plans', [...new Set(await Promise.all(names.map(plan)))], ['Invalid']);
  await admin('DELETE', 'faults');
  for (const name of names) await c.attempt('mend ' + name, () => call('RotateSecret', { SecretName: name, VersionId: 'v-mended' }));
  c.check('mended', [...new Set(await Promise.all(names.map(plan)))], ['Enabled']);
  for (const name of names) await c.attempt('delete', () => call('DeleteSecret', { SecretName: name, ForceDeleteWithoutRecovery: 'true' }));
  await admin('POST', 'clock', { resume: true });
  c.done();
})();
