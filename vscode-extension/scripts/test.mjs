/**
 * The tests of the extension.
 *
 *     npm test                  all of them
 *     npm run test:unit         the core in plain node: seconds
 *     npm run test:host         in the extension host of a real VS Code
 *     npm run test:ui           through the browser, as a person
 *     npm run screenshots       the pictures of docs/images
 *
 * A real VS Code is code-server, installed into a cache folder when it is missing. Where it cannot be had, that part
 * is left out, loudly; with CI=true that is a failure.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { findBrowser } from '../test/ui/page.mjs';
import { buildExtension, buildTests } from './build.mjs';
import { ensureCodeServer, lacking } from './code-server.mjs';
import { packageExtension } from './package.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const PARTS = {
  unit: () => filesIn('out/test', /\.test\.js$/),
  host: () => ['test/ui/host.test.mjs'],
  ui: () => filesIn('test/ui', /(?<!host)\.test\.mjs$/),
  screenshots: () => ['scripts/screenshots.mjs'],
};

const part = process.argv[2];
process.exitCode = (await main(part)) ? 0 : 1;

async function main(part) {
  if (part !== undefined && !(part in PARTS)) throw new Error(`There is no part ${part}.`);
  // The package first: building it empties out/.
  const needsEditor = part !== 'unit';
  const missing = needsEditor ? whatIsMissing() : '';
  if (needsEditor && !missing) {
    await ensureCodeServer();
    process.env.COKERNEL_VSIX = await packageExtension();
  } else {
    await buildExtension();
  }
  await buildTests();
  const wanted = part ? [part] : ['unit', 'host', 'ui'];
  const runnable = wanted.filter((each) => each === 'unit' || !missing);
  const ok = await runTests(runnable.flatMap((each) => PARTS[each]()));
  return missing ? tellMissing(missing) && ok : ok;
}

function whatIsMissing() {
  if (!findBrowser())
    return 'Chromium is not installed (apt-get install chromium, or set COKERNEL_BROWSER)';
  return lacking();
}

/** True if the rest still counts as passed. */
function tellMissing(missing) {
  process.stderr.write(
    `\n${'='.repeat(72)}\nSKIPPED: the tests in a real VS Code. ${missing}\n${'='.repeat(72)}\n`,
  );
  return process.env.CI !== 'true';
}

function runTests(files) {
  if (files.length === 0) return true;
  // One file at a time: each starts a VS Code of its own.
  const args = ['--test', '--test-concurrency=1', ...files];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0)));
}

function filesIn(folder, pattern) {
  const names = readdirSync(path.join(ROOT, folder)).filter((name) => pattern.test(name));
  return names.map((name) => path.join(folder, name));
}
