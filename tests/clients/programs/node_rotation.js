// Secrets of the five managed types: made, rotated at once and by the clock, failed on purpose and mended. npm i @alicloud/openapi-client
// (@alicloud/kms20160120 is older than rotation: its requests have no SecretType)
const c = require('./_common.js'), O = require('@alicloud/openapi-client'), U = require('@alicloud/openapi-util').default, { RuntimeOptions } = require('@alicloud/tea-util');
const client = new O.default(new O.Config({ accessKeyId: c.AK, accessKeySecret: c.SK, regionId: c.REGION, endpoint: c.HOST, protocol: c.SCHEME }));
const WEEK = 604800, WINDOW = 172800;
const accounts = more => JSON.stringify({ SecretSubType: 'DoubleUsers', RegionId: 'cn-hangzhou', AccountName: 'app', CloneAccountName: 'app_clone', ...more });
const TYPES = [
  ['Rds', 'rotated/rds-node', '{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}', '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}', ['AccountName', 'AccountPassword']],
  ['Redis', 'rotated/redis-node', accounts({ InstanceId: 'r-1', AccountPrivilege: 'RoleReadWrite' }), '$Auto', ['AccountName', 'AccountPassword']],
  ['PolarDB', 'rotated/polardb-node', accounts({ DBClusterId: 'pc-1', DBType: 'MySQL', AccountType: 'Normal' }), '$Auto', ['AccountName', 'AccountPassword']],
  ['ECS', 'acs/ecs/rotated-node', '{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"cn-hangzhou"}', '{"UserName":"root","Password":"first-Secret1"}', ['Password', 'UserName']],
  ['RAMCredentials', '$Auto', '{"SecretSubType":"RamUserAccessKey","UserName":"rotated-node"}', '{"AccessKeys":[{"AccessKeyId":"LTAI5tRotatedNode","AccessKeySecret":"first-secret"}]}', ['AccessKeyId', 'AccessKeySecret', 'GenerateTimestamp']],
];
async function call(action, params) {
  const query = {}, body = {};
  for (const k in params) (k === 'SecretData' ? body : query)[k] = params[k];
  return (await client.callApi(new O.Params({ action, version: '2016-01-20', protocol: 'HTTPS', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json' }),
    new O.OpenApiRequest({ query: U.query(query), body }), new RuntimeOptions({ readTimeout: 20000 }))).body;
}
async function admin(method, path, body) {
  const headers = process.env.ADMIN_TOKEN ? { Authorization: 'Bearer ' + process.env.ADMIN_TOKEN } : {};
  const answer = await fetch(c.EP + '/_sesame/' + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(path + ': ' + answer.status + ' ' + await answer.text());
  return answer.text();
}
async function advance(seconds) { const r = JSON.parse(await admin('POST', 'clock', { advance_seconds: seconds })).rotations; return [r.done, r.failed, r.running]; }
const members = text => Object.keys(JSON.parse(text)).sort();
async function made([kind, name, config, data, wanted]) {
  const m = await call('CreateSecret', { SecretName: name, VersionId: 'v1', SecretData: data, SecretType: kind, ExtendedConfig: config });
  c.check(kind + ' is made without a plan', m.AutomaticRotation, 'Disabled');
  const got = await call('GetSecretValue', { SecretName: m.SecretName, FetchExtendedConfig: 'true' });
  c.check(kind + ' shows its type', got.SecretType, kind);
  c.check(kind + ' has the members', members(got.SecretData), wanted);
  c.check(kind + ' shows its configuration', JSON.parse(got.ExtendedConfig).SecretSubType, JSON.parse(config).SecretSubType);
  return { kind, wanted, name: m.SecretName, value: got.SecretData, version: got.VersionId };
}
// What was current is previous, and ACSCurrent is on another value.
async function changed(s, how, version) {
  const got = await call('GetSecretValue', { SecretName: s.name }), old = await call('GetSecretValue', { SecretName: s.name, VersionStage: 'ACSPrevious' });
  c.check(s.kind + ' has a new value ' + how, got.SecretData !== s.value && got.VersionId !== s.version);
  c.check(s.kind + ' has the same members ' + how, members(got.SecretData), s.wanted);
  c.check(s.kind + ' keeps the old value as previous ' + how, [old.VersionId, old.SecretData], [s.version, s.value]);
  if (version) c.check(s.kind + ' has the version that was asked for ' + how, got.VersionId, version);
  s.value = got.SecretData; s.version = got.VersionId;
}
const secrets = [];
async function main() {
  for (const row of TYPES) secrets.push(await made(row));
  for (const s of secrets) { await call('RotateSecret', { SecretName: s.name, VersionId: 'r1' }); await changed(s, 'at once', 'r1'); }
  // The window of the two AccessKeys must be over before the next change.
  c.check('nothing is due without a plan', await advance(WINDOW), [0, 0, 0]);
  for (const s of secrets) {
    await call('UpdateSecretRotationPolicy', { SecretName: s.name, EnableAutomaticRotation: 'true', RotationInterval: '7d' });
    const plan = await call('DescribeSecret', { SecretName: s.name });
    c.check(s.kind + ' has a plan', [plan.AutomaticRotation, plan.RotationInterval], ['Enabled', '604800s']);
  }
  c.check('all are rotated by the clock', await advance(WEEK), [5, 0, 0]);
  for (const s of secrets) await changed(s, 'by the clock');
  c.check('nothing is due after two days', await advance(WINDOW), [0, 0, 0]);
  await admin('PUT', 'faults', [{ action: 'RotateSecret', code: 'Kms:TargetRefused' }]);
  c.check('all fail on purpose', await advance(WEEK), [0, 5, 0]);
  for (const s of secrets) {
    c.check(s.kind + ' is Invalid', (await call('DescribeSecret', { SecretName: s.name })).AutomaticRotation, 'Invalid');
    const got = await call('GetSecretValue', { SecretName: s.name });
    c.check(s.kind + ' keeps its value', [got.SecretData, got.VersionId], [s.value, s.version]);
  }
  await admin('PUT', 'faults', []);
  c.check('an Invalid plan is not due', await advance(WEEK), [0, 0, 0]);
  for (const s of secrets) {
    await call('RotateSecret', { SecretName: s.name, VersionId: 'r2' });
    await changed(s, 'when mended', 'r2');
    c.check(s.kind + ' is Enabled again', (await call('DescribeSecret', { SecretName: s.name })).AutomaticRotation, 'Enabled');
  }
}
(async () => {
  await c.attempt('rotation', main);
  await admin('PUT', 'faults', []);
  await admin('POST', 'clock', { resume: true });
  for (const s of secrets) await c.attempt('delete', () => call('DeleteSecret', { SecretName: s.name, ForceDeleteWithoutRecovery: 'true' }));
  c.done();
})();
