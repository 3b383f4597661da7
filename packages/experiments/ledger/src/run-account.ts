import type { ExchangeAccount, ExchangeId, Piece } from './account.ts';
import { audit, type BlockedTime } from './audit.ts';
import { packetOf } from './carriers.ts';
import { Ledger } from './ledger.ts';
import { liveAgain } from './lives.ts';
import { Messages, NOWHERE } from './messages.ts';
import { connectionOf, flowOfCarrier, type RunLog } from './run-log.ts';
import type { ExchangeLife } from './states.ts';

/** What became of one exchange: its states, and what of that time octets of it lay waiting for others. */
export interface ExchangeRecord extends ExchangeLife {
  readonly blocked: BlockedTime;
}

/** The account of a whole run. */
export interface RunAccount {
  /** By number. */
  readonly exchanges: readonly ExchangeRecord[];
  /** Blame, blocked octet-time and late octets from arrivals alone, by exchange and carrier. */
  readonly overlay: readonly ExchangeAccount[];
  /** Where those come from; what `influence` compares. */
  readonly ledger: Ledger;
}

/** Works out both accounts of a run, and holds them against each other. Throws where they part. EXPERIMENTS §4. */
export function accountOf(log: RunLog): RunAccount {
  const messages = new Messages(log);
  const ledger = blameOf(log, messages);
  const overlay = ledger.exchanges();
  const byExchange = new Map<ExchangeId, ExchangeAccount[]>();
  for (const account of overlay) {
    const own = byExchange.get(account.exchange);
    if (own === undefined) byExchange.set(account.exchange, [account]);
    else own.push(account);
  }
  const exchanges = liveAgain(log, messages).map((lived) => ({
    ...lived.life,
    blocked: audit(lived, byExchange.get(lived.life.exchange) ?? []),
  }));
  return { exchanges, overlay, ledger };
}

/** What the receivers noted, as a ledger: enough for blame, where nothing is known of the senders. */
export function ledgerOf(log: RunLog): Ledger {
  return blameOf(log, new Messages(log));
}

function blameOf(log: RunLog, messages: Messages): Ledger {
  const ledger = new Ledger();
  const { bindings, frames, receipts } = log;
  const exchangeOf: Map<number, ExchangeId>[] = []; // by connection and id
  for (let i = 0; i < bindings.length; i += 4) (exchangeOf[bindings[i + 2]!] ??= new Map()).set(bindings[i + 3]!, bindings[i + 1]!);
  for (let i = 0; i < frames.length; i += 7) {
    const carrier = frames[i + 1]!;
    const exchange = exchangeOf[connectionOf(carrier)]?.get(frames[i + 2]!);
    if (exchange === undefined) continue;
    const offset = frames[i + 3]!;
    messages.eachStretch(carrier, offset, offset + frames[i + 4]!, (from, to) => {
      if (from < NOWHERE) ledger.onOwner(carrier, from, to - from, exchange);
    });
  }
  const rows: number[] = [];
  let inOrder = true;
  for (let i = 0; i < receipts.length; i += 4) {
    if (i > 0 && receipts[i]! < receipts[i - 4]!) inOrder = false;
    rows.push(i);
  }
  if (!inOrder) rows.sort((a, b) => receipts[a]! - receipts[b]!);
  for (const i of rows) ledger.onArrived(receipts[i]!, receipts[i + 1]!, receipts[i + 2]!, receipts[i + 3]!);
  addDrops(log, ledger);
  ledger.close(Math.max(log.end, rows.length === 0 ? 0 : receipts[rows.at(-1)!]!));
  return ledger;
}

function addDrops({ drops, sendings }: RunLog, ledger: Ledger): void {
  if (drops.length === 0) return;
  const pieces = new Map<number, Piece[]>();
  for (let i = 0; i < drops.length; i += 3) pieces.set(packetOf(drops[i + 1]!, drops[i + 2]!), []);
  for (let i = 0; i < sendings.length; i += 6) {
    const carrier = sendings[i + 1]!;
    pieces.get(packetOf(flowOfCarrier(carrier), sendings[i + 5]!))?.push({ carrier, offset: sendings[i + 2]!, length: sendings[i + 3]! });
  }
  for (let i = 0; i < drops.length; i += 3) ledger.onDropped(drops[i]!, pieces.get(packetOf(drops[i + 1]!, drops[i + 2]!))!);
}
