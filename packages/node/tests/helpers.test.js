'use strict';
const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { CreateSecretRequest, GetSecretValueRequest, ListSecretsRequest, PutSecretValueRequest } = require('@alicloud/kms20160120');
const { Sesame, findProgram } = require('sesame-kms');

const put = (kms, secretName, secretData = 'first') => kms.createSecret(new CreateSecretRequest({ secretName, versionId: 'v1', secretData }), {});
const read = async (kms, secretName) => (await kms.getSecretValue(new GetSecretValueRequest({ secretName }), {})).secretData;
const names = async kms => (await kms.listSecrets(new ListSecretsRequest({}), {})).secretList.secret.map(secret => secret.secretName);

/** The processes whose environment has the marker, with their command lines. */
function processes(marker) {
  return fs.readdirSync('/proc').filter(name => /^\d+$/.test(name) && +name !== process.pid).flatMap(name => {
    try {
      const mine = fs.readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`SUITE=${marker}`);
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return mine && command ? [{ pid: +name, command }] : [];
    } catch {
      return [];
    }
  });
}

async function until(condition) {
  for (const end = Date.now() + 20_000; Date.now() < end && !condition(); ) await sleep(50);
  return condition();
}

describe('a server for a file', () => {
  const sesame = require('sesame-kms/node-test').sesame();

  for (const round of [1, 2, 3]) {
    test(`each test starts from nothing: ${round}`, async () => {
      const kms = sesame.client();
      assert.deepEqual(await names(kms), []);
      assert.deepEqual(await sesame.faults.rules(), []);
      assert.ok(Math.abs((await sesame.clock.now()) - Date.now()) < 3600e3);
      await put(kms, 'db');
      await sesame.faults.throttle('GetRandomPassword');
      await sesame.clock.advance({ days: 7 });
    });
  }

  test('a throttled call is refused as often as said', async () => {
    const kms = sesame.client();
    await put(kms, 'db');
    await sesame.faults.throttle('GetSecretValue', { times: 2 });
    await assert.rejects(read(kms, 'db'), /Rejected\.Throttling/);
    await sesame.faults.fail('ListSecrets', 'InternalFailure', { times: 1 });
    await assert.rejects(read(kms, 'db'), /Rejected\.Throttling/);
    assert.equal(await read(kms, 'db'), 'first');
    await assert.rejects(names(kms), /InternalFailure/);
    await sesame.requests.verify('GetSecretValue', { times: 2, code: 'Rejected.Throttling' });
    await sesame.requests.verify('GetSecretValue', { times: 3 });
    await assert.rejects(sesame.requests.verify('DeleteSecret'), /expected DeleteSecret at least 1 times.*saw 0[^]*CreateSecret db answered \(action is CreateSecret\)/);
    assert.equal(await sesame.requests.count('GetSecretValue', { secret: 'd*', code: 'Rejected.*' }), 2);
    await sesame.requests.verify('GetSecretValue', { secret: 'db', atLeast: 1, atMost: 3 });
    await sesame.requests.verifyAll([{ action: 'CreateSecret' }, { action: 'ListSecrets' }], { inOrder: true });
    await assert.rejects(sesame.requests.verifyAll([{ action: 'ListSecrets' }, { action: 'CreateSecret' }], { inOrder: true }), /not in this order/);
  });

  test('an answer is lost and the write is there', async () => {
    const kms = sesame.client();
    await put(kms, 'db');
    await sesame.faults.loseAnswer('PutSecretValue', { times: 1 });
    await assert.rejects(kms.putSecretValue(new PutSecretValueRequest({ secretName: 'db', versionId: 'v2', secretData: 'second' }), {}));
    assert.equal(await read(kms, 'db'), 'second');
  });

  test('the clock is set', async () => {
    assert.equal((await sesame.clock.set('2030-01-01T00:00:00Z')).toISOString(), '2030-01-01T00:00:00.000Z');
  });
});

describe('a seed', () => {
  const sesame = require('sesame-kms/node-test').sesame({ seed: { secrets: [{ name: 'app/mail', versions: [{ id: 'v1', value: 'seeded' }] }] }, auth: 'enforced' });
  for (const round of [1, 2]) {
    test(`is there in each test, in the mode enforced: ${round}`, async () => {
      assert.equal(await read(sesame.client(), 'app/mail'), 'seeded');
      sesame.accessKeySecret = 'wrong';
      await assert.rejects(read(sesame.client(), 'app/mail'), /SignatureDoesNotMatch/);
      sesame.accessKeySecret = 'test';
    });
  }
});

test('a wrong flag shows what the server said', async () => {
  await assert.rejects(Sesame.start({ args: ['--in-memori'] }), /ended with code 2; its last lines:[^]*unexpected argument '--in-memori'/);
});

test('a port in use says what to do', async () => {
  const first = await Sesame.start();
  await assert.rejects(Sesame.start({ listen: first.endpoint }), /Address already in use[^]*Leave `listen` out/);
  await first.stop();
  await first.stop();
  await assert.rejects(first.reset(), /no server answers/);
});

test('a wrong program is told', async () => {
  await assert.rejects(Sesame.start({ program: '/bin/true' }), /true serve ended with code 0[^]*it printed nothing[^]*Is \/bin\/true the program Sesame/);
});

test('a missing program and a foreign platform say what to do', () => {
  assert.throws(() => findProgram({ SESAME_PROGRAM: '/nowhere/sesame' }), /SESAME_PROGRAM names '\/nowhere\/sesame', which is no program/);
  assert.throws(() => findProgram({ PATH: '' }, 'plan9-mips'), /no program `sesame` for plan9-mips[^]*SESAME_PROGRAM/);
  const other = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64';
  assert.throws(() => findProgram({ PATH: '' }, other), new RegExp(`@sesame-kms/${other} is missing[^]*--include=optional`));
});

test('a file that forgets stop() ends, and so does its server', async () => {
  const code = "require('sesame-kms').Sesame.start().then(s => console.log(s.url))";
  const done = spawnSync(process.execPath, ['-e', code], { cwd: __dirname, env: { ...process.env, SUITE: 'forgets' }, encoding: 'utf8', timeout: 20_000 });
  assert.match(done.stdout, /^http:/);
  assert.equal(done.status, 0);
  assert.ok(await until(() => processes('forgets').length === 0));
});

test('a failed test shows the log of this test', () => {
  const file = path.join(__dirname, 'failing.js');
  fs.writeFileSync(file, `
    const { test } = require('node:test');
    const { GetSecretValueRequest } = require('@alicloud/kms20160120');
    const sesame = require('sesame-kms/node-test').sesame();
    const ask = name => sesame.client().getSecretValue(new GetSecretValueRequest({ secretName: name }), {});
    test('first', () => ask('earlier').catch(() => {}));
    test('second', () => ask('absent'));`);
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const done = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { cwd: __dirname, env, encoding: 'utf8' });
  assert.equal(done.status, 1, done.stdout);
  assert.equal(done.stdout.match(/Sesame's log of this test/g)?.length, 1, done.stdout);
  assert.equal(done.stdout.match(/action="GetSecretValue"/g)?.length, 1, done.stdout);
});

/** Starts a command, ends it by a signal once it printed an address, and waits until nothing of it is left. */
async function ended(signal, marker, [command, ...args]) {
  const run = spawn(command, args, { cwd: __dirname, env: { ...process.env, SUITE: marker }, detached: true });
  const printed = await new Promise(resolve => run.stdout.once('data', data => resolve(String(data))));
  assert.match(printed, /http:/);
  assert.ok(processes(marker).length >= 3);
  // A terminal sends SIGINT to the whole group; the others are sent to one process.
  process.kill(signal === 'SIGINT' ? -run.pid : run.pid, signal);
  await until(() => processes(marker).length === 0);
  const left = processes(marker);
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  assert.deepEqual(left, []);
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT']) {
  test(`no process is left of a run that ${signal} ended`, async () => {
    const marker = `run-${signal}`;
    const code = "require('sesame-kms').Sesame.start().then(s => { console.log(s.url); setInterval(() => {}, 1000) })";
    await ended(signal, marker, [process.execPath, '-e', code]);
  });

  for (const through of ['npx', 'shim']) {
    test(`no process is left of \`sesame-kms serve\` that ${signal} ended: ${through}`, async () => {
      const marker = `${through}-${signal}`;
      const command = through === 'npx' ? ['npx', '--no', 'sesame-kms'] : ['node_modules/.bin/sesame-kms'];
      await ended(signal, marker, [...command, 'serve', '--in-memory', '--listen', '127.0.0.1:0']);
    });
  }
}

test('the command ends with the code of the program', () => {
  const run = (...args) => spawnSync('node_modules/.bin/sesame-kms', args, { cwd: __dirname, encoding: 'utf8' });
  assert.match(run('--version').stdout, /^sesame \d/);
  assert.equal(run('serve', '--in-memori').status, 2);
  assert.equal(run('nonsense').status, 2);
});

test('the types hold for a program in TypeScript', () => {
  fs.writeFileSync(path.join(__dirname, 'types.ts'), `
    import { Sesame } from 'sesame-kms';
    import { sesame } from 'sesame-kms/node-test';
    const hooked: Sesame = sesame({ auth: 'enforced' });
    export async function use(): Promise<string> {
      await using server = await Sesame.start({ seed: { secrets: [] } });
      await server.faults.throttle('GetSecretValue', { times: 3 });
      const now: Date = await server.clock.advance({ days: 7 });
      await hooked.requests.verify('GetSecretValue', { times: 1 });
      return (await server.requests.all())[0].action + now + server.env.SESAME_URL;
    }`);
  const done = spawnSync('node_modules/.bin/tsc', ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--types', 'node', 'types.ts'],
    { cwd: __dirname, encoding: 'utf8' });
  assert.equal(done.stdout, '');
});
