/** Wall and CPU time of a stretch of this process. */
export class Stopwatch {
  readonly #at = process.hrtime.bigint();
  readonly #cpu = process.cpuUsage();

  get seconds(): number {
    return Number(process.hrtime.bigint() - this.#at) / 1e9;
  }

  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    return (user + system) / 1e6;
  }
}

/** Half a second was too short: until the compiler is done, a rate says how much code there is, not how fast it is. */
const WARM_UP_SECONDS = 2;
/** For handshakes: a server that has a thousand connections, those included that are closing, refuses more. */
export const SHORT_WARM_UP_SECONDS = 0.5;
const MEASURED_SECONDS = 1.5;

/**
 * The rate of something that goes on: counted for a second and a half, after a time of which nobody takes notice.
 * @param count   how often it has happened so far
 * @param warmUp  that time, in seconds
 */
export async function measureRate(count: () => number, warmUp = WARM_UP_SECONDS): Promise<{ value: number; cpuSeconds: number }> {
  await pause(warmUp);
  const watch = new Stopwatch();
  const before = count();
  await pause(MEASURED_SECONDS);
  return { value: (count() - before) / watch.seconds, cpuSeconds: watch.cpuSeconds };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
