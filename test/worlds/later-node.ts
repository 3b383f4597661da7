import { spawnSync } from 'node:child_process';

/** A later major version than the one that this project is written for, pinned so that everybody compares with the same. */
export const LATER_NODE = '24.21.0';

/**
 * The path of that Node's executable. It comes from the npm registry, where Node is published as one package for each platform,
 * by way of npx, which keeps it for the next time. Throws an Error that says why it cannot be had.
 */
export function laterNode(): string {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const { status, stdout, stderr, error } = spawnSync(
    'npx',
    ['-y', `--package=${name}@${LATER_NODE}`, '--', 'node', '-p', 'process.version + " " + process.execPath'],
    {
      encoding: 'utf8',
      timeout: 240_000,
      shell: process.platform === 'win32',
      env: { ...process.env, npm_config_fetch_retries: '1', npm_config_fetch_retry_mintimeout: '1000' },
    },
  );
  const found = /^v(\S+) (.+)$/m.exec(stdout ?? '');
  if (status === 0 && found?.[1] === LATER_NODE) return found[2]!;
  const why = error?.message ?? (found === null ? (stderr.match(/^npm error .+$/gm) ?? []).slice(0, 4).join('; ') : `it is ${found[1]}`);
  throw new Error(`Node ${LATER_NODE} cannot be had from npm's registry as ${name}: ${why || `npx ended with ${status}`}`);
}
