#!/usr/bin/env node
'use strict';
// Runs the program with the same arguments, and ends as it ends.
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { constants } = require('node:os');
const { findProgram, spawnWatched } = require('./program.js');

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const args = process.argv.slice(2);
let program;
try {
  program = findProgram();
} catch (error) {
  console.error(`sesame-kms: ${error.message}`);
  process.exit(1);
}
const serves = args.includes('serve') || args.length === 0;
const child = serves ? spawnWatched(program, args, { output: 'inherit', log: 'inherit' }) : spawn(program, args, { stdio: 'inherit' });

function stop(signal) {
  if (serves) child.stdin.end();
  else child.kill(signal);
}
for (const signal of SIGNALS) process.on(signal, () => stop(signal));

// npm runs this under a shell. SIGTERM kills the shell without a word, and then this process has another parent. SIGKILL kills npm, and then
// the shell has another parent, which only Linux shows.
if (process.env.npm_command) {
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  setInterval(() => (process.ppid !== parent || parentOf(parent) !== grandparent) && stop('SIGTERM'), 200).unref();
}

function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ')[1];
  } catch {
    return undefined;
  }
}

child.on('error', error => {
  console.error(`sesame-kms: ${program} cannot be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code);
  for (const name of SIGNALS) process.removeAllListeners(name);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
});
