// npm i @alicloud/credentials @alicloud/sts20150401 @alicloud/openapi-client @alicloud/openapi-util @alicloud/tea-util    (private CA: NODE_EXTRA_CA_CERTS=$STS_CA)
const path = require('path'), c = require('./_common.js'), Credentials = require('@alicloud/credentials'), O = require('@alicloud/openapi-client');
const S = require('@alicloud/sts20150401'), U = require('@alicloud/openapi-util').default, { RuntimeOptions } = require('@alicloud/tea-util');
const Credential = Credentials.default, { Config } = Credentials, { check, attempt, err, done } = c;
const ACCOUNT = '1000000000000001', DEPLOYER = ['LTAI5tDeployerExample', 'deployer-secret'], READER = ['LTAI5tReaderExample', 'reader-secret'], ROOT = [c.AK, c.SK];
const STS_HOST = process.env.STS_HOST || 'localhost:8443', OPEN = 'team-a/' + c.NAME, OTHER = 'team-b/' + c.NAME;
const role = name => 'acs:ram::' + ACCOUNT + ':role/' + name;
const byRole = (name, key = DEPLOYER, more = {}) => new Credential(new Config({ type: 'ram_role_arn', accessKeyId: key[0], accessKeySecret: key[1], roleArn: role(name),
  roleSessionName: 'node-1', stsEndpoint: STS_HOST, ...more }));
const byToken = (token, name = 'workload') => new Credential(new Config({ type: 'oidc_role_arn', roleArn: role(name), oidcProviderArn: 'acs:ram::' + ACCOUNT + ':oidc-provider/cluster',
  oidcTokenFilePath: path.join(process.env.OIDC_DIR || '.', token + '.jwt'), roleSessionName: 'pod-1', stsEndpoint: STS_HOST }));
async function kms(credential, action, params) {
  const client = new O.default(new O.Config({ ...credential, regionId: c.REGION, endpoint: c.HOST, protocol: c.SCHEME }));
  const r = await client.callApi(new O.Params({ action, version: '2016-01-20', protocol: 'HTTPS', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json' }),
    new O.OpenApiRequest({ query: U.query(params), body: {} }), new RuntimeOptions({ readTimeout: 20000 }));
  return r.body;
}
const asRoot = { accessKeyId: ROOT[0], accessKeySecret: ROOT[1] };
const get = async (credential, name = OPEN) => (await kms({ credential }, 'GetSecretValue', { SecretName: name })).SecretData;
const sts = key => new S.default(new O.Config({ accessKeyId: key[0], accessKeySecret: key[1], securityToken: key[2], regionId: c.REGION, endpoint: c.HOST, protocol: c.SCHEME }));
// The providers put the whole answer into the text.
async function refused(name, credential, code) {
  let text; try { text = 'answered ' + JSON.stringify(await credential.getCredential()); } catch (e) { text = e.message; }
  check(name, text.includes('"' + code + '"') ? code : text, code);
}
(async () => {
  for (const name of [OPEN, OTHER]) await attempt('root makes ' + name, () => kms(asRoot, 'CreateSecret', { SecretName: name, VersionId: 'v1', SecretData: 'value' }));
  const got = await attempt('assume', () => byRole('app').getCredential());
  check('key', [String(got.accessKeyId).slice(0, 4), !!got.accessKeySecret, !!got.securityToken], ['STS.', true, true]);
  check('provider', got.providerName, 'ram_role_arn/static_ak');
  check('reads', await attempt('get', () => get(byRole('app'))), 'value');
  check('reads elsewhere', await err(() => get(byRole('app'), OTHER)), 'Forbidden.NoPermission');
  const policy = JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action: 'kms:GetSecretValue', Resource: 'acs:kms:*:*:secret/' + OTHER }] });
  check('narrowed', await err(() => get(byRole('app', DEPLOYER, { policy }))), 'Forbidden.NoPermission');
  check('external id', await attempt('get', () => get(byRole('partner', DEPLOYER, { externalId: 'abcd1234' }))), 'value');
  await refused('unknown role', byRole('nobody'), 'EntityNotExist.Role');
  await refused('root', byRole('app', ROOT), 'NoPermission');
  await refused('no permission', byRole('app', READER), 'NoPermission');
  await refused('not trusted', byRole('closed'), 'NoPermission');
  let text = ''; try { await byRole('app', [DEPLOYER[0], 'wrong']).getCredential(); } catch (e) { text = e.message; }
  check('wrong secret, as the library says it', text, 'the access key secret is invalid');
  const pod = await attempt('oidc', () => byToken('orders').getCredential());
  check('oidc key', [String(pod.accessKeyId).slice(0, 4), !!pod.securityToken, pod.providerName], ['STS.', true, 'oidc_role_arn']);
  check('oidc reads', await attempt('get', () => get(byToken('orders'))), 'value');
  check('oidc reads elsewhere', await err(() => get(byToken('orders'), OTHER)), 'Forbidden.NoPermission');
  check('oidc token with a line feed', await attempt('get', () => get(byToken('two-audiences'))), 'value');
  for (const [token, code] of [['expired', 'OIDCToken.Expired'], ['audience', 'OIDCToken.AudienceNotMatch'], ['forged', 'OIDCToken.InvalidSignature'], ['subject', 'NoPermission']])
    await refused('oidc ' + token, byToken(token), 'AuthenticationFail.' + code);
  let who = (await attempt('caller', () => sts(READER).getCallerIdentity())).body || {};
  check('user', [who.identityType, who.accountId, who.arn], ['RAMUser', ACCOUNT, 'acs:ram::' + ACCOUNT + ':user/reader']);
  who = (await attempt('caller', () => sts([got.accessKeyId, got.accessKeySecret, got.securityToken]).getCallerIdentity())).body || {};
  check('session', [who.identityType, who.arn], ['AssumedRoleUser', 'acs:ram::' + ACCOUNT + ':assumed-role/app/node-1']);
  const made = (await attempt('sdk', () => sts(DEPLOYER).assumeRole(new S.AssumeRoleRequest({ roleArn: role('app'), roleSessionName: 'node-2', durationSeconds: 900 })))).body || {};
  check('sdk assumes', (made.assumedRoleUser || {}).arn, role('app') + '/node-2');
  check('sdk refused', await err(() => sts(DEPLOYER).assumeRole(new S.AssumeRoleRequest({ roleArn: role('app'), roleSessionName: 'x' }))), 'InvalidParameter.RoleSessionName');
  check('sdk token missing', await err(() => sts([got.accessKeyId, got.accessKeySecret]).getCallerIdentity()), 'MissingSecurityToken');
  const token = require('fs').readFileSync(path.join(process.env.OIDC_DIR || '.', 'orders.jwt'), 'utf8').trim();
  const oidc = (await attempt('sdk oidc', () => sts([]).assumeRoleWithOIDC(new S.AssumeRoleWithOIDCRequest({ roleArn: role('workload'), OIDCProviderArn: 'acs:ram::' + ACCOUNT + ':oidc-provider/cluster',
    OIDCToken: token, roleSessionName: 'pod-2' })))).body || {};
  check('sdk oidc subject', (oidc.OIDCTokenInfo || {}).subject, 'system:serviceaccount:shop:orders');
  for (const name of [OPEN, OTHER]) await attempt('root removes ' + name, () => kms(asRoot, 'DeleteSecret', { SecretName: name, ForceDeleteWithoutRecovery: 'true' }));
  done();
})();
