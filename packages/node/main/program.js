'use strict';
// Where the program is, and how it is started so that it ends with its caller.
const { accessSync, constants, statSync } = require('node:fs');
const { spawn } = require('node:child_process');
const path = require('node:path');

const PLATFORMS = ['linux-x64', 'linux-arm64'];

/** The path of the program: SESAME_PROGRAM, else the package of this platform, else `sesame` on the PATH. */
function findProgram(environment = process.env, platform = `${process.platform}-${process.arch}`) {
  const given = environment.SESAME_PROGRAM;
  if (given) {
    if (!isProgram(given)) throw new Error(`SESAME_PROGRAM names '${given}', which is no program; set it to the path of \`sesame\`, such as /usr/bin/sesame`);
    return given;
  }
  try {
    return require.resolve(`@sesame-kms/${platform}/sesame`);
  } catch {
    // The package of this platform is not installed.
  }
  for (const folder of (environment.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, 'sesame');
    // npm puts the command of this package there, which is not the program itself.
    if (folder && !folder.endsWith(path.join('node_modules', '.bin')) && isProgram(candidate)) return candidate;
  }
  throw new Error(
    PLATFORMS.includes(platform)
      ? `the package @sesame-kms/${platform} is missing. npm leaves it out with --omit=optional, and when package-lock.json was made on another platform: ` +
        `run \`npm install --include=optional\`, or remove node_modules and package-lock.json and install again. Or set SESAME_PROGRAM to the path of \`sesame\``
      : `there is no program \`sesame\` for ${platform}: this package has one for ${PLATFORMS.join(' and ')}. ` +
        `Put \`sesame\` on the PATH, or set SESAME_PROGRAM to its path, or use the container`,
  );
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

// The shell holds the other end of a pipe to this process. When this process ends, even by SIGKILL, `cat` ends and the server is stopped.
// Descriptor 3 is held by the server alone: its end tells this process that the server has ended.
const WATCH = '"$@" </dev/null & exec >/dev/null 2>&1 3>&-; cat; kill $!; wait $!';

/** Starts a server in a session of its own, so that Ctrl-C reaches only this process. `output` and `log` are as in `stdio` of `spawn`. */
function spawnWatched(program, args, { output, log, env }) {
  const child = spawn('/bin/sh', ['-c', WATCH, 'sesame', program, ...args], { detached: true, stdio: ['pipe', output, log, 'pipe'], env });
  child.stdin.on('error', () => {});
  child.stdio[3].on('error', () => {});
  child.stdio[3].on('close', () => child.stdin.end()).resume();
  return child;
}

module.exports = { findProgram, spawnWatched };
