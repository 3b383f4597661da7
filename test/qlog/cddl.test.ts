import { describe, expect, test } from 'vitest';
import { Schema } from './cddl.ts';

// What the drafts' schema is checked with must itself refuse what RFC 8610 refuses.

const schema = new Schema(`
; a comment with "quotes" and = signs
small = uint .size 1
hexstring = text .regexp "([0-9a-f]{2})*"
Token = hexstring .size 2
Color = "red" / "green"   ; two of them
$Shape /= "round"
$Shape /= "square" /
          "flat"
Range = [1*2 small]
Base = { kind: text, ? note: text }
Thing = {
    ~Base
    id: small
    ? color: Color
    ? shape: $Shape
    ? tokens: [+ Token]
    ? ranges: [* Range]
    ? done: bool .default false
    ? size: float32
    ? details: { * text => any }
    ? either: small / text

    * $$thing-extension
}
Open = { name: text
  * text => any }
Dashed-Name = "x" / Thing
$$thing-extension //= ( ? weight: uint )
`);
const thing = { kind: 'a', id: 1 };

describe('CDDL (RFC 8610)', () => {
  test.each([
    ['the least', thing],
    ['a member that is optional', { ...thing, note: '' }],
    ['choices of strings', { ...thing, color: 'green', shape: 'round' }],
    ['choices added to a socket (§3.9)', { ...thing, shape: 'flat' }],
    ['members added to a group socket (§3.9)', { ...thing, weight: 3 }],
    ['arrays', { ...thing, tokens: ['00ff'], ranges: [] }],
    ['arrays with a number of elements', { ...thing, ranges: [[1], [1, 255]] }],
    ['simple types', { ...thing, done: true, size: 1.5, either: 7 }],
    ['anything', { ...thing, details: { a: [null, {}] }, either: 'seven' }],
  ])('takes %s', (_, value) => {
    expect(schema.check('Thing', value)).toBe('');
  });

  test.each([
    ['what lacks a member', { id: 1 }, 'Thing lacks kind'],
    ['what lacks a member of its own', { kind: 'a' }, 'Thing lacks id'],
    ['what nobody knows', { ...thing, other: 1 }, 'Thing has other, which is unknown'],
    ['what is no map', [thing], 'no map'],
    ['a member of a group socket that is of another type', { ...thing, weight: 'heavy' }, 'Thing.weight is "heavy", no uint'],
    ['null', null, 'no map'],
    ['a text for a number', { ...thing, id: '1' }, 'Thing.id is "1", no uint'],
    ['a fraction', { ...thing, id: 1.5 }, 'no uint'],
    ['a negative number', { ...thing, id: -1 }, 'no uint'],
    ['more than one octet (§3.8.1)', { ...thing, id: 256 }, 'more than 1 octets hold'],
    ['a string that is none of them', { ...thing, color: 'blue' }, 'none of its 2 choices'],
    ['a string that is in no part of a socket', { ...thing, shape: 'red' }, 'Thing.shape'],
    ['an empty array where one is wanted', { ...thing, tokens: [] }, '0 elements'],
    ['three of at most two', { ...thing, ranges: [[1, 2, 3]] }, 'Thing.ranges[0] has 3 elements'],
    ['none of at least one', { ...thing, ranges: [[]] }, '0 elements'],
    ['half an octet of a hexstring (§3.8.3)', { ...thing, tokens: ['00f'] }, 'not of the form'],
    ['capital letters in a hexstring', { ...thing, tokens: ['00FF'] }, 'not of the form'],
    ['a token of another size', { ...thing, tokens: ['0000ff'] }, '3 octets, not 2'],
    ['an element that does not fit', { ...thing, tokens: ['00ff', 7] }, 'Thing.tokens[1] is 7, no text'],
    ['a text for a truth', { ...thing, done: 'true' }, 'no bool'],
    ['what is not finite', { ...thing, size: Number.NaN }, 'no float32'],
    ['a map where a text or a number is', { ...thing, either: {} }, 'none of its 2 choices'],
    ['undefined that is there', { ...thing, note: undefined }, 'nothing, no text'],
  ])('refuses %s', (_, value, fault) => {
    expect(schema.check('Thing', value)).toContain(fault);
  });

  test('an open map takes any other member, and still wants its own', () => {
    expect(schema.check('Open', { name: '', other: {} })).toBe('');
    expect(schema.check('Open', { other: {} })).toBe('Open lacks name');
  });

  test('of several choices the one that came farthest says what is wrong', () => {
    expect(schema.check('Dashed-Name', { ...thing, id: 256 })).toContain('Dashed-Name.id is 256');
  });

  test.each([
    ['a', 'ends in the middle'],
    ['a = tstr .within b', '.within is not known here'],
    ['a = { b => tstr }', 'keys of type b'],
    ['a = tstr a = tstr', 'defined twice'],
    ['a = tstr // b', 'a type begins with /'],
    ['a = tstr & b', 'no CDDL that is known here'],
    ['= tstr', 'a rule begins with ='],
    ['a //= b', 'is followed by a group'],
    ['a => b', 'only =, /= and //= are known'],
    ['a = [uint, tstr]', 'several kinds'],
    ['a = nobody', 'no nobody'],
  ])('what is not known is an error, not passed over: %s', (source, error) => {
    expect(() => new Schema(source).check('a', source.includes('[') ? [] : 'x')).toThrow(error);
  });
});
