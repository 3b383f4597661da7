export type Side = 'client' | 'server';

/** What an RFC demands of an endpoint whose peer breaks a rule: the error code that the connection is closed with. */
export interface Requirement {
  /** RFC, section and a name of ours: '9000/4.1/stream-limit'. Tests say it in their titles. */
  readonly id: string;
  readonly level: 'MUST' | 'SHOULD' | 'MAY';
  /** Names of codes, any of which will do; alerts of TLS as 0x01XX; 'discard' where the RFC lets an endpoint ignore the packet instead. */
  readonly codes: readonly string[];
  /** A few words of the sentence, as they stand in the editors' text: by them the sentence is found. */
  readonly words: string;
  /** What the peer does wrong, in ours. */
  readonly breach: string;
  /** Who can be the victim, and is tested. */
  readonly at: readonly Side[];
  /** Why not both. */
  readonly why: string;
}

export const rfcOf = ({ id }: Requirement): number => Number(id.split('/')[0]);
export const sectionOf = ({ id }: Requirement): string => id.split('/')[1]!;

type Row = readonly [id: string, level: Requirement['level'], codes: string, words: string, breach: string];

const requirement = ([id, level, codes, words, breach]: Row, at: readonly Side[], why: string): Requirement => ({
  id,
  level,
  codes: codes.split('|'),
  words,
  breach,
  at,
  why,
});

/** At client and server. */
export const both = (...row: Row): Requirement => requirement(row, ['client', 'server'], '');
/** Only a client can be the victim. */
export const client = (why: string, ...row: Row): Requirement => requirement(row, ['client'], why);
export const server = (why: string, ...row: Row): Requirement => requirement(row, ['server'], why);
/** The sentence leaves it to us, or is not about what a peer does; or we cannot get there. */
export const none = (why: string, ...row: Row): Requirement => requirement(row, [], why);
