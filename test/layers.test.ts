import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/**
 * The table of ARCHITECTURE §1 as data. `imports` is what a package may list, `never` what it must not reach even through
 * others, `outside` the packages of other people that it may use.
 */
interface Row {
  readonly folder: string;
  readonly ring: number;
  readonly imports: readonly string[];
  readonly never: readonly string[];
  readonly outside?: readonly string[];
}

const TABLE: Readonly<Record<string, Row>> = {
  bytes: { folder: 'base', ring: 0, imports: [], never: [] },
  sansio: { folder: 'base', ring: 0, imports: [], never: [] },
  'http-semantics': { folder: 'http', ring: 0, imports: [], never: ['http1', 'http2', 'http3'] },
  wire: { folder: 'transport', ring: 1, imports: ['bytes'], never: ['crypto'] },
  crypto: { folder: 'transport', ring: 1, imports: ['bytes', 'sansio'], never: ['wire'] },
  congestion: { folder: 'transport', ring: 1, imports: ['sansio'], never: ['recovery', 'quic', 'tcp'] },
  impair: { folder: 'datagram', ring: 1, imports: ['sansio'], never: ['wire', 'quic', 'tcp', 'http3'] },
  hpack: { folder: 'http', ring: 1, imports: ['bytes'], never: ['http2'] },
  ledger: { folder: 'experiments', ring: 1, imports: ['bytes', 'sansio'], never: ['quic', 'tcp'] },
  workload: { folder: 'experiments', ring: 1, imports: ['sansio', 'http-semantics'], never: ['quic', 'tcp', 'http3'] },
  tls: { folder: 'transport', ring: 2, imports: ['bytes', 'crypto', 'sansio'], never: ['quic', 'udp', 'net'] },
  recovery: { folder: 'transport', ring: 2, imports: ['bytes', 'sansio', 'congestion'], never: ['wire', 'streams'] },
  streams: { folder: 'transport', ring: 2, imports: ['bytes'], never: ['wire', 'recovery'] },
  qpack: { folder: 'http', ring: 2, imports: ['bytes', 'hpack'], never: ['http3'] },
  quic: {
    folder: 'transport',
    ring: 3,
    imports: ['bytes', 'sansio', 'wire', 'crypto', 'congestion', 'tls', 'recovery', 'streams'],
    never: ['http1', 'http2', 'http3', 'netsim', 'udp', 'trace'],
  },
  tcp: { folder: 'transport', ring: 3, imports: ['bytes', 'sansio', 'congestion', 'recovery', 'streams'], never: ['quic'] },
  http1: { folder: 'http', ring: 3, imports: ['bytes', 'sansio', 'http-semantics'], never: ['quic', 'tcp'] },
  http2: { folder: 'http', ring: 3, imports: ['bytes', 'sansio', 'http-semantics', 'hpack', 'streams'], never: ['quic', 'tcp'] },
  http3: { folder: 'http', ring: 3, imports: ['bytes', 'sansio', 'http-semantics', 'qpack', 'streams'], never: ['quic', 'tcp'] },
  netsim: { folder: 'datagram', ring: 4, imports: ['sansio', 'impair'], never: ['wire', 'quic', 'tcp', 'http3'] },
  relay: { folder: 'datagram', ring: 4, imports: ['sansio', 'impair'], never: ['wire', 'quic', 'tcp', 'http3'], outside: ['commander'] },
  udp: { folder: 'datagram', ring: 4, imports: ['sansio'], never: ['quic', 'http1', 'http2', 'http3'], outside: ['pino'] },
  net: { folder: 'http', ring: 4, imports: ['sansio'], never: ['quic', 'http1', 'http2', 'http3'], outside: ['pino'] },
  trace: { folder: 'experiments', ring: 4, imports: ['bytes', 'sansio', 'impair', 'wire', 'quic', 'tcp'], never: ['netsim', 'udp'] },
  report: {
    folder: 'experiments',
    ring: 4,
    imports: ['bytes', 'sansio', 'ledger'],
    never: ['netsim', 'udp'],
    outside: ['echarts', 'cli-table3', 'simple-statistics'],
  },
  web: {
    folder: 'http',
    ring: 5,
    imports: ['http3', 'http-semantics', 'quic', 'tls', 'crypto', 'sansio', 'udp'],
    never: ['netsim'],
  },
  gateway: {
    folder: 'http',
    ring: 5,
    imports: ['bytes', 'sansio', 'http-semantics', 'http1', 'http2', 'http3', 'crypto', 'tls', 'quic', 'udp', 'net'],
    never: ['netsim', 'web'],
    outside: ['pino'],
  },
};
const LAB: Row = {
  folder: 'experiments',
  ring: 6,
  imports: Object.keys(TABLE),
  never: [],
  outside: [
    'bullmq',
    'cli-progress',
    'csv-stringify',
    'fastest-levenshtein',
    'ioredis',
    'piscina',
    'yaml',
    'zod',
    'cli-table3',
    'commander',
    'pino',
    '@duckdb/node-api',
  ],
};
const ROWS: Readonly<Record<string, Row>> = { ...TABLE, lab: LAB };

/** Node's own types are seen from here outwards; `netsim` is a world that has none. */
const WITH_NODE_TYPES = ['crypto', 'relay', 'udp', 'net', 'trace', 'report', 'web', 'gateway', 'lab'];
/** These need them for their `node` folder, and nowhere else. */
const IN_NODE_FOLDER = ['crypto', 'gateway'];

/** What may lie at the top of the repository. */
const TOP = [
  '.biome.json',
  '.ci',
  '.gitignore',
  'LICENSE',
  'README.md',
  'package.json',
  'packages',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'scripts',
  'test',
  'tsconfig.json',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const own = (names: Readonly<Record<string, string>> | undefined): string[] =>
  Object.keys(names ?? {})
    .filter((name) => name.startsWith('@quiclab/'))
    .map((name) => name.slice('@quiclab/'.length));

interface Package {
  readonly name: string;
  readonly path: string;
  readonly manifest: {
    readonly name: string;
    readonly exports: Record<string, string>;
    readonly files: readonly string[];
    readonly scripts: Record<string, string>;
    readonly dependencies?: Record<string, string>;
    readonly optionalDependencies?: Record<string, string>;
    readonly publishConfig: { readonly exports: Record<string, { readonly types: string; readonly default: string }> };
  };
  readonly tsconfig: {
    readonly compilerOptions: { readonly types?: readonly string[]; readonly lib?: readonly string[] };
    readonly references: readonly { readonly path: string }[];
  };
}

const packages: Package[] = readdirSync(join(root, 'packages'), { withFileTypes: true })
  .filter((layer) => layer.isDirectory())
  .flatMap((layer) => readdirSync(join(root, 'packages', layer.name)).map((name) => ({ name, path: `packages/${layer.name}/${name}` })))
  .filter(({ path }) => existsSync(join(root, path, 'package.json')))
  .map(({ name, path }) => ({ name, path, manifest: json(`${path}/package.json`), tsconfig: json(`${path}/tsconfig.json`) }));

const sources = (path: string): string[] =>
  readdirSync(join(root, path, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const IMPORT = /(?:^|[;\n])\s*(?:import|export)\s(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;
const importsIn = (text: string): string[] =>
  [...text.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(IMPORT)].map((match) => match[1] ?? match[2]!);
const importsOf = (file: string): string[] => importsIn(readFileSync(join(root, file), 'utf8'));
test('imports are found however they are written', () => {
  expect(
    importsIn(
      "import { a,\n b } from 'a';\nimport type { B } from './b.ts';\nexport * from 'c';\nimport 'd';\nconst e = await import('e');\n/* import 'f' */\n",
    ),
  ).toEqual(['a', './b.ts', 'c', 'd', 'e']);
});

/** '@quiclab/crypto/node' is '@quiclab/crypto'; 'echarts/core' is 'echarts'. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

describe('the table of rings itself', () => {
  test('no arrow points sideways or up', () => {
    for (const [name, row] of Object.entries(ROWS))
      for (const other of row.imports)
        expect(ROWS[other]!.ring, `${name} (ring ${row.ring}) imports ${other} (ring ${ROWS[other]!.ring})`).toBeLessThan(row.ring);
  });

  test('nobody reaches what it must never know, not even through others', () => {
    const reached = (name: string): Set<string> => new Set(ROWS[name]!.imports.flatMap((other) => [other, ...reached(other)]));
    for (const [name, row] of Object.entries(ROWS)) {
      const all = reached(name);
      for (const other of row.never) expect(all.has(other), `${name} reaches ${other}`).toBe(false);
    }
  });
});

test('every folder under packages is in the table, at its place', () => {
  for (const { name, path, manifest } of packages) {
    expect(ROWS[name], `${path} is not in the table`).toBeDefined();
    expect(path).toBe(`packages/${ROWS[name]!.folder}/${name}`);
    expect(manifest.name).toBe(`@quiclab/${name}`);
  }
  expect(
    json('tsconfig.json')
      .references.map((reference: { path: string }) => reference.path)
      .sort(),
  ).toEqual(packages.map(({ path }) => path).sort());
});

describe.each(packages)('$name', ({ name, path, manifest, tsconfig }) => {
  const row = ROWS[name]!;
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  const files = sources(path);

  test('lists only what its row allows', () => {
    expect(own(manifest.dependencies).filter((other) => !row.imports.includes(other))).toEqual([]);
    expect(dependencies.filter((other) => !other.startsWith('@quiclab/') && !row.outside?.includes(other))).toEqual([]);
  });

  test('imports only what it lists', () => {
    for (const file of files)
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.')) {
          const target = relative(path, join(dirname(file), specifier));
          expect(target.startsWith('src/') && target.endsWith('.ts'), `${file} imports ${specifier}`).toBe(true);
        } else if (specifier.startsWith('node:')) {
          const allowed = WITH_NODE_TYPES.includes(name) && (!IN_NODE_FOLDER.includes(name) || file.startsWith(`${path}/src/node/`));
          expect(allowed, `${file} imports ${specifier}`).toBe(true);
        } else expect(dependencies, `${file} imports ${specifier}`).toContain(packageOf(specifier));
      }
  });

  test('the compiler is told the same: references, and no world below ring 4', () => {
    expect(tsconfig.references.map((reference) => relative(root, join(root, path, reference.path))).sort()).toEqual(
      own(manifest.dependencies)
        .map((other) => `packages/${ROWS[other]!.folder}/${other}`)
        .sort(),
    );
    expect(tsconfig.compilerOptions.types ?? []).toEqual(WITH_NODE_TYPES.includes(name) ? ['node'] : []);
    if (row.ring < 4) expect(tsconfig.compilerOptions.lib ?? ['es2023']).toEqual(['es2023']);
  });

  test('what is published is what is developed: the same entries, built', () => {
    const built = (source: string, ending: string): string => source.replace('./src/', './dist/').replace(/\.ts$/, ending);
    expect(manifest.publishConfig.exports).toEqual(
      Object.fromEntries(
        Object.entries(manifest.exports).map(([entry, source]) => [
          entry,
          { types: built(source, '.d.ts'), default: built(source, '.js') },
        ]),
      ),
    );
    expect(manifest.scripts.prepack).toBe('tsc -b');
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'src']));
    for (const source of Object.values(manifest.exports)) expect(files).toContain(join(path, source));
  });
});

test('the compiler lends no world to whom asks for none', () => {
  expect(json('packages/tsconfig.base.json').compilerOptions).toMatchObject({ lib: ['es2023'], types: [] });
});

test('time, chance and inexact arithmetic are lint errors in every inner package', () => {
  const forbidden = [
    'export const a = Date.now();',
    'export const b = Math.random();',
    'export const c = Math.cbrt(3);',
    'export const d = (x: number): number => x ** 0.5;',
    'export const e = performance.now();',
  ].join('\n');
  const elsewhere = mkdtempSync(join(tmpdir(), 'quiclab-lint-')); // an imagined file in every package, without touching the packages
  try {
    for (const part of ['.biome.json', '.gitignore', 'scripts/lint']) cpSync(join(root, part), join(elsewhere, part), { recursive: true });
    for (const { path } of packages) {
      mkdirSync(join(elsewhere, path, 'src'), { recursive: true });
      writeFileSync(join(elsewhere, path, 'src/imagined.ts'), forbidden);
    }
    const { stdout, stderr } = spawnSync(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--colors=off', '--diagnostic-level=error', '--max-diagnostics=none', '.'],
      { cwd: elsewhere, encoding: 'utf8' },
    );
    for (const { name, path } of packages) {
      const found = [...(stdout + stderr).matchAll(/^(packages\S+imagined\.ts):(\d)/gm)]
        .filter((match) => match[1] === `${path}/src/imagined.ts`)
        .map((match) => Number(match[2]));
      const inner = ROWS[name]!.ring < 4 || ['netsim', 'trace', 'report', 'gateway'].includes(name);
      expect([...new Set(found)].sort(), name).toEqual(inner ? [1, 2, 3, 4, 5] : []);
    }
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
});

const tracked = ((): string[] | undefined => {
  try {
    return execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n');
  } catch {
    return undefined;
  }
})();

test.skipIf(tracked === undefined)('nothing else lies at the top of the repository (needs git)', () => {
  const top = new Set(tracked!.map((file) => file.split('/')[0]!));
  expect([...top].filter((entry) => !TOP.includes(entry))).toEqual([]);
});

test.skipIf(tracked === undefined)('no file is called utils, helpers, common or misc (needs git)', () => {
  expect(tracked!.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\.ts|\/)/.test(file))).toEqual([]);
});
