import { describe, expect, test } from 'vitest';
import { parsePlan } from '../src/index.ts';
import { presetsText } from '../src/presets/command.ts';
import { PRESET_NAMES, PRESET_SOURCES, PRESETS, type Preset } from '../src/presets/presets.ts';

const parse = (topology: string) =>
  parsePlan(`question: how is it there?\nworkload: small\nmodels: [h2, h3]\ntopology: ${topology}\n`, 'p.yaml', (name) => {
    throw new Error(`there is no file '${name}'`);
  });

describe.each(PRESET_NAMES)('preset %s', (name) => {
  const preset: Preset = PRESETS[name];

  test('is a path with rate, delay and queue each way', () => {
    for (const link of Object.values(parse(`{ preset: ${name} }`).variants[0]!.setup.links))
      expect(link).toMatchObject({ rate: expect.any(Number), delay: expect.any(Number), queue: { packets: expect.any(Number) } });
  });

  test('says of rate, round trip, queues and loss where they are from, and of one at least who published it', () => {
    const said = preset.figures.map(({ figure, note }) => `${figure} ${note}`).join();
    for (const word of [/rate/, /round trip|delay/, /queue/, /loss|lost/]) expect(said).toMatch(word);
    expect(preset.figures.some(({ source }) => source !== '')).toBe(true);
    for (const { source, note } of preset.figures)
      expect([source === '' || source in PRESET_SOURCES, note.length > 0]).toEqual([true, true]);
  });

  test('is listed with its sources', () => {
    expect(presetsText()).toContain(`${name}: ${preset.what}`);
    for (const { source } of preset.figures) expect(presetsText()).toContain(source === '' ? 'assumption' : PRESET_SOURCES[source]);
  });
});

test('every source has a year or says who cites it, and is used', () => {
  const used = new Set(Object.values<Preset>(PRESETS).flatMap(({ figures }) => figures.map(({ source }) => source)));
  for (const [key, text] of Object.entries(PRESET_SOURCES)) {
    expect(text).toMatch(/\b20\d\d\b|as cited in/);
    expect(used).toContain(key);
  }
});

describe('a plan with a preset', () => {
  test('has its links, and what it says itself instead', () => {
    const { links } = parse('{ preset: lte, down: { rate: 20Mbit } }').variants[0]!.setup;
    expect(links.up).toMatchObject({ rate: 6e6, delay: 27_500 });
    expect(links.down).toMatchObject({ rate: 20e6, delay: 27_500, queue: { packets: 270 } });
  });

  test('Starlink: a slot of 15 s after another, and nothing arrives when one ends', () => {
    const { down } = parse('{ preset: starlink }').variants[0]!.setup.links;
    expect(down.schedule!.slice(0, 3).map(({ at }) => at)).toEqual([1e6, 16e6, 31e6]);
    expect(down.schedule!.every(({ delay }) => delay! >= 20_000 && delay! <= 30_000)).toBe(true);
  });

  test('meant another', () => {
    expect(() => parse('{ preset: let }')).toThrow("'let' is not a preset; did you mean 'lte'?");
  });
});
