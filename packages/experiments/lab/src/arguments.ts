import { InvalidArgumentError } from 'commander';

/** Turns a parser's Error into what commander prints behind the option's name, which need not be said twice. */
export const argument =
  <T>(parse: (text: string, what: string) => T) =>
  (text: string): T => {
    try {
      return parse(text, '');
    } catch (error) {
      throw new InvalidArgumentError((error instanceof Error ? error.message : String(error)).replace(/^: /, ''));
    }
  };

/** A whole number, 1 or more. */
export const atLeastOne = argument((text) => {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Error(`'${text}' is not a whole number, 1 or more`);
  return Number(text);
});
