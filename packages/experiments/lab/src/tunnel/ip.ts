/** Calling the system's programs that configure its network, and what of them is not there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Runs a program to its end. Throws an Error with what it said where it failed. */
export function system(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program}: ${error.message}`);
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')}: ${stderr.trim() || `exit code ${status}`}`);
  return stdout;
}

/** The same where a failure says only that there was nothing to do. */
export function attempt(program: string, ...args: readonly string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '';
}

const has = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).error === undefined;

/** What a tunnel needs and this machine does not have, each with what to do about it; none: it can be built. */
export function missing(controllers: readonly string[] = ['cubic']): string[] {
  if (process.platform !== 'linux') return [`network namespaces are Linux's, and this is ${process.platform}`];
  const lacks: string[] = [];
  if (process.getuid?.() !== 0) lacks.push('root: namespaces and devices are made for it only');
  if (!has('ip', '-V')) lacks.push("`ip`: Debian has it in the package 'iproute2'");
  if (!has('ethtool', '--version')) lacks.push("`ethtool`: Debian has it in the package 'ethtool'");
  const known = '/proc/sys/net/ipv4/tcp_available_congestion_control';
  const available = existsSync(known) ? readFileSync(known, 'utf8').trim().split(/\s+/) : [];
  for (const controller of controllers)
    if (!available.includes(controller))
      lacks.push(
        `the congestion controller '${controller}': the kernel has ${available.join(', ') || 'none'} (\`modprobe tcp_${controller}\`)`,
      );
  return lacks;
}
