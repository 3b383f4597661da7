/** A runner with one server, which ignores SIGTERM and holds a connection to the port it is given: programs.test.ts kills the runner. */
import { startServer } from '../../scripts/interop/programs.ts';

const program = `
  const socket = require('node:net').connect(${Number(process.argv[2])}, '127.0.0.1');
  for (const event of ['close', 'error']) socket.on(event, () => process.exit());
  process.on('SIGTERM', () => {});
  socket.on('connect', () => console.log('listening 1'));`;
await startServer([process.execPath, '-e', program], '.');
process.stdout.write('it serves\n');
setInterval(() => {}, 1_000);
