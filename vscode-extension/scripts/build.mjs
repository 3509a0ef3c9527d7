/**
 * Bundles the extension into out/: the extension itself, the details webview, and with `--tests` the tests.
 *
 *     node scripts/build.mjs [--tests]
 */
import { build } from 'esbuild';
import { cp, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const inRoot = (...parts) => path.join(ROOT, ...parts);

const NODE = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode', 'mocha'],
  sourcemap: true,
  logLevel: 'warning',
};

/** The extension, as it is packaged. */
export async function buildExtension() {
  await rm(inRoot('out'), { recursive: true, force: true });
  await Promise.all([
    build({
      ...NODE,
      entryPoints: [inRoot('src/extension.ts')],
      outfile: inRoot('out/extension.js'),
    }),
    build({
      bundle: true,
      format: 'iife',
      target: 'es2022',
      minify: true,
      logLevel: 'warning',
      entryPoints: [inRoot('src/webview/detail.ts')],
      outfile: inRoot('out/webview/detail.js'),
    }),
  ]);
  await cp(inRoot('src/webview/detail.css'), inRoot('out/webview/detail.css'));
}

/** The tests: those of the core beside their sources, and the suite for the extension host. */
export async function buildTests() {
  const unit = readdirSync(inRoot('src/core')).filter((name) => name.endsWith('.test.ts'));
  await build({
    ...NODE,
    entryPoints: unit.map((name) => inRoot('src/core', name)),
    outdir: inRoot('out/test'),
  });
  await build({
    ...NODE,
    entryPoints: [inRoot('test/host/index.ts'), inRoot('test/host/suite.ts')],
    outdir: inRoot('out/host'),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildExtension();
  if (process.argv.includes('--tests')) await buildTests();
}
