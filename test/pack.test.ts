import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

/**
 * What someone gets who installs the packages: each is packed from a copy of its sources (so nothing that was built before
 * can help), all are installed with npm into an empty project, imported by plain Node, and compiled against.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'quiclab-pack-'));
const workspace = join(scratch, 'workspace');
const tarballs = join(scratch, 'tarballs');
const project = join(scratch, 'project');
const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Record<string, unknown>;
}
const packages = readdirSync(join(root, 'packages'), { withFileTypes: true })
  .filter((layer) => layer.isDirectory())
  .flatMap((layer) => readdirSync(join(root, 'packages', layer.name)).map((name) => `packages/${layer.name}/${name}`))
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as Manifest }));
const tarball = ({ name, version }: Manifest): string => join(tarballs, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
/** '@quiclab/crypto' and '@quiclab/crypto/node': every name that may stand in an import. */
const entries = packages.flatMap(({ manifest }) => Object.keys(manifest.exports).map((entry) => manifest.name + entry.slice(1)));

/** The pnpm that runs this, or else the one that the README names. */
const execPath = process.env.npm_execpath ?? '';
const pnpm = basename(execPath).startsWith('pnpm')
  ? /\.c?js$/.test(execPath)
    ? [process.execPath, execPath]
    : [execPath]
  : ['npx', '-y', 'pnpm@12'];

async function command(cwd: string, name: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await run(name, args, { cwd, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${[name, ...args].join(' ')}\n${stdout}\n${stderr}`);
  }
}

beforeAll(async () => {
  mkdirSync(tarballs);
  mkdirSync(project);
  mkdirSync(workspace);
  const built = /(^|\/)(dist|test)$|\.tsbuildinfo$/;
  cpSync(join(root, 'packages'), join(workspace, 'packages'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !built.test(path),
  });
  for (const file of ['package.json', 'LICENSE']) cpSync(join(root, file), join(workspace, file));
  writeFileSync(join(workspace, 'pnpm-workspace.yaml'), 'packages:\n  - packages/*/*\n');
  symlinkSync(join(root, 'node_modules'), join(workspace, 'node_modules'));

  for (const { path } of packages) await command(join(workspace, path), pnpm[0]!, ...pnpm.slice(1), 'pack', '--pack-destination', tarballs);

  const files = Object.fromEntries(packages.map(({ manifest }) => [manifest.name, `file:${tarball(manifest)}`]));
  const siblings = Object.fromEntries(packages.map(({ manifest }) => [manifest.name, `$${manifest.name}`])); // none is published
  const manifest = { name: 'somewhere-else', private: true, type: 'module', dependencies: files, overrides: siblings };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  await command(project, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline').catch((error: Error) => {
    throw new Error(
      `npm could not install the packed packages (their dependencies come from the registry: is there a network?)\n${error.message}`,
    );
  });
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }), 120_000); // what npm installs is many files

test('packing builds: every entry of every tarball is there, with its types', async () => {
  for (const { manifest } of packages) {
    const listing = (await command(tarballs, 'tar', 'tzf', tarball(manifest))).split('\n');
    const packed = JSON.parse(readFileSync(join(project, 'node_modules', manifest.name, 'package.json'), 'utf8')) as {
      readonly exports: Record<string, { readonly types: string; readonly default: string }>;
    };
    expect(Object.keys(packed.exports)).toEqual(Object.keys(manifest.exports));
    for (const { types, default: code } of Object.values(packed.exports))
      expect(listing).toEqual(expect.arrayContaining([types.replace('./', 'package/'), code.replace('./', 'package/')]));
  }
});

test('plain Node imports every entry of every package', async () => {
  writeFileSync(
    join(project, 'import.mjs'),
    `for (const entry of ${JSON.stringify(entries)}) await import(entry);\nconsole.log('imported');\n`,
  );
  expect(await command(project, process.execPath, 'import.mjs')).toBe('imported\n');
});

test('the report of the installed package finds the files of its page', async () => {
  const result = { schema: 1, seed: 1, world: 'simulated', version: '', plan: { models: [], files: 0 }, runs: [], comparison: null };
  writeFileSync(
    join(project, 'page.mjs'),
    `import { htmlReport } from '@quiclab/report';\nconst page = htmlReport(${JSON.stringify(result)});\nconsole.log(page.includes('echarts.init'), page.includes('Okabe'));\n`,
  );
  expect(await command(project, process.execPath, 'page.mjs')).toBe('true true\n');
});

test('TypeScript finds the types of every entry of every package', async () => {
  const lines = entries.flatMap((entry, i) => [
    `import * as entry${i} from '${entry}';`,
    `export const known${i}: 0 extends 1 & typeof entry${i} ? false : true = true;`,
  ]);
  writeFileSync(join(project, 'types.ts'), `${lines.join('\n')}\n`);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2023', 'dom'],
    module: 'nodenext',
    skipLibCheck: true,
    types: ['node'],
  };
  const typeRoots = [join(root, 'node_modules/@types')];
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, files: ['types.ts'] }),
  );
  await command(project, join(root, 'node_modules/.bin/tsc'), '-p', '.');
});
