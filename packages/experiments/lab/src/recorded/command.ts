import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { capturedLosses, udpOf } from './captures.ts';
import { lossList } from './loss-list.ts';
import { qlogLosses } from './qlog-losses.ts';

const captured = (file: string) => {
  try {
    return udpOf(readFileSync(file));
  } catch (problem) {
    throw new Error(`${file}: ${(problem as Error).message}`);
  }
};

interface LossesOptions {
  readonly qlog?: string;
  readonly sent?: string;
  readonly arrived?: string;
  readonly flow: string;
  readonly out?: string;
}

/** `losses`: what a recorded path lost, as a list that plans take. */
export const lossesCommand = (): Command =>
  new Command('losses')
    .description('list the datagrams that a recorded path lost, for `loss: { trace: FILE }` in a plan')
    .option('--qlog <file>', "a sender's qlog: what it declared lost, which may have been late only")
    .option('--sent <file>', 'pcap or pcapng, where the datagrams were sent; with --arrived')
    .option('--arrived <file>', 'the same where they should have arrived')
    .option('--flow <address:port>', 'the sender, as it is in --sent; usually whoever sent most', '')
    .option('--out <file>', 'instead of standard output')
    .action(({ qlog, sent, arrived, flow, out }: LossesOptions) => {
      if ((qlog === undefined) === (sent === undefined && arrived === undefined))
        throw new Error('losses are told by --qlog FILE, or by --sent FILE with --arrived FILE');
      let text: string;
      if (qlog !== undefined) {
        const losses = qlogLosses(readFileSync(qlog, 'utf8'));
        text = lossList(
          losses.lost,
          `${losses.lost.length} of ${losses.sent} datagrams, by a qlog: ${losses.declared} packets declared lost`,
        );
      } else {
        if (sent === undefined || arrived === undefined)
          throw new Error('one capture cannot tell what UDP lost: --sent and --arrived are needed, from both ends of the path');
        const losses = capturedLosses(captured(sent), captured(arrived), flow);
        text = lossList(losses.lost, `${losses.lost.length} of ${losses.sent} datagrams of ${losses.flow}, by two captures`);
        if (losses.trailing > 0)
          process.stderr.write(`The last ${losses.trailing} did not arrive, and none behind them: did --arrived end before --sent?\n`);
      }
      if (out === undefined) process.stdout.write(text);
      else writeFileSync(out, text);
    });
