/** The programs that can stand at an end of a path, and how each is made ready on this machine. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inOneLine } from '@quiclab/lab/tunnel';

const execute = promisify(execFile);
/** The slowest build takes some minutes. */
const LONGEST_BUILD_MS = 30 * 60_000;
export const run = (
  command: string,
  words: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
) => execute(command, words, { timeout: LONGEST_BUILD_MS, maxBuffer: 16 << 20, ...(cwd && { cwd }), ...(env && { env }) });

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(ROOT, 'test/interop/peers');
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'quiclab', 'peers');

/** The beginning of a command line: `client` or `server` and the arguments of test/interop/peers/README.md follow. */
export type Program = readonly string[];

/** Why a peer is not there; the cases with it are skipped. */
export class PeerMissing extends Error {}

export interface ProgramPeer {
  readonly name: string;
  /** Octets of UDP payload in its full packets, where a path takes IP packets of 1,400; default 1,200. */
  readonly datagram?: number;
  /** Makes it ready, from the cache if it can. Throws PeerMissing. */
  prepare(): Promise<Program>;
}

/** Octets of its full IP packets: IPv4's header and UDP's are 28. */
export const packetOf = ({ datagram = 1_200 }: ProgramPeer): number => datagram + 28;

const ourProgram = (file: string) => async (): Promise<Program> => [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  join(ROOT, 'scripts/interop', file),
];

export const OURS: ProgramPeer = { name: 'quiclab', prepare: ourProgram('endpoint.ts') };

/** What a browser meets: @quiclab/web on top of the same stack. */
export const OUR_WEB_SERVER: ProgramPeer = { name: 'quiclab', prepare: ourProgram('web-server.ts') };

const AIOQUIC: ProgramPeer = {
  name: 'aioquic',
  async prepare() {
    const source = join(SOURCES, 'aioquic');
    const directory = await cached('aioquic', source, async (target) => {
      await orMissing('python3 cannot make a virtual environment', run('python3', ['-m', 'venv', target]));
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(source, 'requirements.txt')];
      await orMissing('pip cannot install aioquic', run(join(target, 'bin/python'), install));
    });
    return [join(directory, 'bin/python'), join(source, 'peer.py')];
  },
};

const QUIC_GO: ProgramPeer = {
  name: 'quic-go',
  datagram: 1_372, // it looks for what the path takes (RFC 8899), and finds it but for a few octets
  async prepare() {
    const source = join(SOURCES, 'quic-go');
    const directory = await cached('quic-go', source, async (target) => {
      await orMissing('no go command', run('go', ['version']));
      await orMissing('go cannot build quic-go', run('go', ['build', '-o', join(target, 'quic-go'), '.'], { cwd: source }));
    });
    return [join(directory, 'quic-go')];
  },
};

const QUINN: ProgramPeer = {
  name: 'quinn',
  datagram: 1_357, // as quic-go
  async prepare() {
    const source = join(SOURCES, 'quinn');
    const directory = await cached('quinn', source, (target) => cargoBuild('quinn', source, target, {}));
    return [join(directory, 'quinn-peer')];
  },
};

const QUICHE: ProgramPeer = {
  name: 'quiche',
  datagram: 1_350,
  async prepare() {
    const source = join(SOURCES, 'quiche');
    const directory = await cached('quiche', source, async (target) => {
      await orMissing('no cargo command', run('cargo', ['--version']));
      await orMissing('no cmake command, which BoringSSL needs', run('cmake', ['--version']));
      await cargoBuild('quiche', source, target, await bindgen(source));
    });
    return [join(directory, 'quiche-peer')];
  },
};

export const PROGRAM_PEERS: readonly ProgramPeer[] = [AIOQUIC, QUIC_GO, QUINN, QUICHE, OURS];

/** Dependencies are built once, whatever becomes of the program: BoringSSL alone takes minutes. */
async function cargoBuild(name: string, source: string, target: string, env: NodeJS.ProcessEnv): Promise<void> {
  await orMissing('no cargo command', run('cargo', ['--version']));
  const built = join(CACHE, `${name}-build`);
  process.stderr.write(`building ${name}; the first time takes minutes\n`);
  const build = run('nice', ['cargo', 'build', '--release', '--locked', '--quiet', '-j2'], {
    cwd: source,
    env: { ...process.env, ...env, CARGO_TARGET_DIR: built },
  });
  await orMissing(`cargo cannot build ${name}`, build);
  copyFileSync(join(built, 'release', `${name}-peer`), join(target, `${name}-peer`));
}

/** What makes Rust of BoringSSL's headers is libclang: PyPI has it for machines without clang, and the C compiler has the headers. */
async function bindgen(source: string): Promise<NodeJS.ProcessEnv> {
  const environment = join(CACHE, 'libclang');
  await orMissing('python3 cannot make a virtual environment', run('python3', ['-m', 'venv', environment]));
  const python = join(environment, 'bin/python');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(source, 'requirements.txt')];
  await orMissing('pip cannot install libclang', run(python, install));
  const { stdout: library } = await run(python, ['-c', 'import clang; print(clang.__path__[0])']);
  const { stdout: headers } = await orMissing('no cc command', run('cc', ['-print-file-name=include']));
  return { LIBCLANG_PATH: join(library.trim(), 'native'), BINDGEN_EXTRA_CLANG_ARGS: `-I${headers.trim()}` };
}

/** A directory in the cache, made anew when a file of the peer's source has changed. */
export async function cached(name: string, source: string, make: (target: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(txt|go|mod|sum|s|toml|lock|rs)$/.test(file)) hash.update(file).update(readFileSync(join(source, file)));
  const directory = join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  const complete = `${directory}.complete`; // a virtual environment knows its own path: it is made in place and marked when done
  if (existsSync(complete)) return directory;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  try {
    await make(directory);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  mkdirSync(complete, { recursive: true }); // another run may have made it meanwhile
  return directory;
}

export async function orMissing<T>(reason: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new PeerMissing(`${reason}: ${inOneLine(stderr || message).slice(0, 200)}`);
  }
}
