'use strict';
// Hooks for node:test: one server for a test file, empty before each test.
const { after, afterEach, before, beforeEach } = require('node:test');
const { Sesame } = require('./index.js');

function sesame(options = {}) {
  const server = new Sesame(options);
  let begin = 0;
  before(() => server.start());
  beforeEach(async () => {
    begin = server.logSize();
    await server.reset();
    if (options.seed !== undefined) await server.seed(options.seed);
  });
  afterEach(context => {
    // Versions of Node before 20.12 do not say here whether the test passed.
    if (context.passed === false) context.diagnostic(`Sesame's log of this test:\n${server.log(begin)}`);
  });
  after(() => server.stop());
  return server;
}

module.exports = { sesame };
