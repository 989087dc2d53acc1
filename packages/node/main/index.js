'use strict';
// A server for tests: Sesame.start().
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { createRequire } = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { findProgram, spawnWatched } = require('./program.js');

const READY_WITHIN = 15_000;
const STOPPED_WITHIN = 10_000;

class Sesame {
  #options;
  #child;
  #log;
  #token;
  #ended;
  #lastLog = '';

  /** A server that `start()` starts. */
  constructor(options = {}) {
    this.#options = options;
  }

  static async start(options) {
    return new Sesame(options).start();
  }

  async start() {
    const { auth = 'open', listen = '127.0.0.1:0', args = [], program = findProgram(), seed } = this.#options;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SESAME_')));
    if (auth !== 'open') env.SESAME_ADMIN_TOKEN = this.#token = randomBytes(24).toString('hex');
    this.#log = openUnlinked();
    this.#child = spawnWatched(program, ['serve', '--in-memory', '--listen', listen, '--auth', auth, ...args], { output: 'pipe', log: this.#log, env });
    this.#ended = new Promise(resolve => this.#child.on('exit', (code, signal) => resolve(code ?? signal)).on('error', resolve));
    this.url = await this.#ready(program);
    // A test file that forgets stop() must still end. The pipe then ends the server.
    for (const part of [this.#child, ...this.#child.stdio]) part?.unref();
    if (seed !== undefined) await this.seed(seed);
    return this;
  }

  async #ready(program) {
    let printed = '';
    const found = await new Promise(resolve => {
      const timer = setTimeout(() => resolve(null), READY_WITHIN);
      const done = answer => (clearTimeout(timer), resolve(answer));
      this.#child.on('error', () => done(null));
      this.#child.stdout.on('close', () => done(null));
      this.#child.stdout.setEncoding('utf8').on('data', piece => {
        printed += piece;
        const match = /^Sesame .* at (http:\/\/\S+)[^]*^Ready\.$/m.exec(printed);
        if (match) done(match[1]);
      });
    });
    if (found) return found;
    const late = this.#child.stdout.readable && this.#child.exitCode === null;
    await this.stop();
    throw new Error(explained(program, late ? null : await this.#ended, printed + this.#lastLog));
  }

  get endpoint() {
    return this.url.replace(/^.*:\/\//, '');
  }

  accessKeyId = 'test';
  accessKeySecret = 'test';
  region = 'cn-hangzhou';

  get env() {
    return {
      ALIBABA_CLOUD_ACCESS_KEY_ID: this.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: this.accessKeySecret,
      ALIBABA_CLOUD_REGION_ID: this.region, SESAME_URL: this.url, KMS_ENDPOINT: this.endpoint,
    };
  }

  client() {
    // From the folder of the tests: in a module runner such as vitest, an import of the SDK gives something else than Node gives.
    const load = createRequire(path.join(process.cwd(), 'index.js'));
    let kms, rpc;
    try {
      kms = load('@alicloud/kms20160120');
      rpc = load('@alicloud/rpc-client');
    } catch (error) {
      throw new Error(`${error.message.split('\n')[0]}; the official client is missing: npm install @alicloud/kms20160120 @alicloud/rpc-client`);
    }
    return new kms.default(new rpc.Config({
      accessKeyId: this.accessKeyId, accessKeySecret: this.accessKeySecret, regionId: this.region, endpoint: this.endpoint, protocol: 'http',
    }));
  }

  faults = {
    throttle: (action = '*', { times, secret } = {}) => this.faults.add({ action, times, secret, code: 'Rejected.Throttling' }),
    fail: (action, code, { times, secret } = {}) => this.faults.add({ action, times, secret, code }),
    delay: (action, milliseconds, { times, secret } = {}) => this.faults.add({ action, times, secret, delay_ms: milliseconds }),
    loseAnswer: (action, { times, secret } = {}) => this.faults.add({ action, times, secret, drop: 'after' }),
    add: async rule => void (await this.#admin('POST', 'faults', rule)),
    rules: async () => (await this.#admin('GET', 'faults')).faults,
    clear: async () => void (await this.#admin('DELETE', 'faults')),
  };

  clock = {
    advance: async ({ days = 0, hours = 0, minutes = 0, seconds = 0 }) => {
      await this.#admin('POST', 'clock', { advance_seconds: Math.trunc(((days * 24 + hours) * 60 + minutes) * 60 + seconds) });
      return this.clock.now();
    },
    set: async time => {
      await this.#admin('POST', 'clock', { set: new Date(time).toISOString().replace(/\.\d+/, '') });
      return this.clock.now();
    },
    freeze: async () => void (await this.#admin('POST', 'clock', { freeze: true })),
    resume: async () => void (await this.#admin('POST', 'clock', { resume: true })),
    now: async () => new Date((await this.#admin('GET', 'clock')).now),
  };

  requests = {
    all: async (action, members = {}) => (await this.#admin('GET', `requests?${query({ limit: 100000, action, ...members })}`)).requests.reverse(),
    count: async (action, members = {}) => {
      const { count, dropped } = await this.#admin('GET', `requests?${query({ limit: 0, action, ...members })}`);
      if (dropped) throw new Error(`the server has dropped ${dropped} calls; raise [limits] request_log to count them`);
      return count;
    },
    verify: (action, { times, atLeast, atMost, ...members } = {}) =>
      this.requests.verifyAll([{ action, times, at_least: atLeast, at_most: atMost, ...members }]),
    verifyAll: async (expectations, { inOrder = false } = {}) => {
      const { holds, expectations: rows } = await this.#admin('POST', 'requests/verify', { expectations, in_order: inOrder });
      if (!holds) throw new Error(rows.map((row, at) => (row.holds ? [] : failed(expectations[at], row))).flat().join('\n'));
    },
  };

  async reset() {
    await this.#admin('POST', 'reset');
  }

  async seed(seed) {
    await this.#admin('POST', 'seed', typeof seed === 'string' ? fs.readFileSync(seed) : seed);
  }

  log(start = 0) {
    return this.#log === undefined ? this.#lastLog : readFrom(this.#log, start);
  }

  logSize() {
    return this.#log === undefined ? 0 : fs.fstatSync(this.#log).size;
  }

  async stop() {
    if (this.#log === undefined) return;
    this.#child.stdin?.end();
    const timer = setTimeout(() => process.kill(-this.#child.pid, 'SIGKILL'), STOPPED_WITHIN);
    this.#child.ref();
    await this.#ended;
    clearTimeout(timer);
    this.#lastLog = readFrom(this.#log, 0);
    fs.closeSync(this.#log);
    this.#log = undefined;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }

  #admin(method, where, content) {
    const body = content === undefined ? Buffer.alloc(0) : Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    return new Promise((resolve, reject) => {
      // An agent of its own: no proxy comes between.
      const request = http.request(`${this.url}/_sesame/${where}`, { method, agent: new http.Agent(), headers: {
        'Content-Length': body.length, ...(this.#token && { Authorization: `Bearer ${this.#token}` }) } }, answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', piece => (text += piece)).on('end', () => {
          if (answer.statusCode < 300) resolve(text ? JSON.parse(text) : undefined);
          else reject(new Error(`${method} /_sesame/${where} was refused with ${answer.statusCode}: ${text}`));
        });
      });
      request.on('error', error => reject(new Error(`no server answers at ${this.url}: ${error.message}`)));
      request.end(body);
    });
  }
}

const given = members => Object.entries(members).filter(([, value]) => value !== undefined);
const query = members => new URLSearchParams(given(members));

/** What did not hold, and the calls that came instead, as lines. */
function failed(expectation, row) {
  const counts = ['times', 'at_least', 'at_most'];
  const what = given(expectation).filter(([name]) => !counts.includes(name)).map(([name, value]) => (name === 'action' ? value : `${name}=${value}`));
  const why = row.incomplete ? '; it has dropped calls that could matter: raise [limits] request_log' : row.out_of_order ? '; not in this order' : '';
  const lines = [`expected ${what.join(' ') || 'any call'} ${row.expected} times, and the server saw ${row.found}${why}`];
  const shown = [...(row.nearest ?? []), ...(row.requests ?? []).map(request => ({ request, differences: {} }))];
  if (shown.length) lines.push(row.nearest ? 'The nearest calls were:' : 'These calls were:');
  for (const { request, differences } of shown) {
    const differs = Object.entries(differences).map(([name, { found }]) => `${name} is ${found.join(', ') || 'absent'}`).join('; ');
    lines.push(`  ${[request.action, request.secret, request.code ?? 'answered', differs && `(${differs})`].filter(Boolean).join(' ')}`);
  }
  return lines;
}

/** A file that is gone when this process and the server have ended. */
function openUnlinked() {
  const file = path.join(os.tmpdir(), `sesame-${randomBytes(8).toString('hex')}.log`);
  const descriptor = fs.openSync(file, 'ax+', 0o600);
  fs.unlinkSync(file);
  return descriptor;
}

function readFrom(descriptor, start) {
  const content = Buffer.alloc(Math.max(0, fs.fstatSync(descriptor).size - start));
  return content.toString('utf8', 0, fs.readSync(descriptor, content, 0, content.length, start));
}

function explained(program, ended, said) {
  const how = ended === null ? `was not ready within ${READY_WITHIN / 1000} s` : `ended with ${ended instanceof Error ? ended.message : `code ${ended}`}`;
  const lines = said.trim().split('\n').filter(Boolean).slice(-30);
  let advice = '';
  if (/ddress already in use/.test(said)) advice = '\nAnother program listens there. Leave `listen` out to take a free port, or stop that program.';
  else if (ended === 126 || ended === 127 || !lines.some(line => /sesame/i.test(line))) {
    advice = `\nIs ${program} the program Sesame, for this machine? \`${program} --version\` must print \`sesame\` and a number.`;
  }
  return `${program} serve ${how}; its last lines:\n${lines.join('\n') || '(it printed nothing)'}${advice}`;
}

module.exports = { Sesame, findProgram };
