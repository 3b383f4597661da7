/** `pnpm judges [NAME …]`: programs that others use to judge HTTP servers and clients, on ours. What is not on this machine is skipped by name. */
import { HTTP2_JUDGES, PeerMissing } from './judges/http2.ts';

const wanted = process.argv.slice(2);
let failures = 0;
for (const { name, judge } of HTTP2_JUDGES) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  try {
    console.log(`${name}: passed (${await judge()})`);
  } catch (error) {
    if (error instanceof PeerMissing) console.log(`${name}: skipped (${error.message})`);
    else {
      failures++;
      console.log(`${name}: FAILED: ${(error as Error).message}`);
    }
  }
}
process.exitCode = failures > 0 ? 1 : 0;
