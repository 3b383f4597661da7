import { seededRandom } from '@quiclab/sansio';
import {
  definePage,
  filesWorkload,
  generatePage,
  medianPage,
  type PageError,
  PageProgress,
  parsePage,
  smallPage,
  urlPath,
} from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

const problems = (act: () => unknown): readonly string[] => {
  try {
    act();
  } catch (error) {
    return (error as PageError).problems;
  }
  return [];
};

describe('a page', () => {
  test('has defaults for all but path and size', () => {
    expect(definePage({ name: 'p', objects: [{ path: '/a', size: 7 }] }).objects).toEqual([
      {
        id: '/a',
        host: 'localhost',
        method: 'GET',
        path: '/a',
        size: 7,
        upload: 0,
        priority: { urgency: 3, incremental: false },
        serverTime: 0,
        after: [],
      },
    ]);
  });

  test('is refused with every problem named', () => {
    const draft = {
      name: 'p',
      objects: [
        { path: 'a', size: -1 },
        { path: '/b', size: 1.5, after: ['/c', '/c'], method: 'GE T' },
        { path: '/b', size: 1, priority: { urgency: 8, incremental: false } },
      ],
    };
    expect(problems(() => definePage(draft))).toEqual([
      "'a': path 'a' does not begin with '/'",
      "'a': size is -1; it must be a whole number from 0 on",
      "'/b': method 'GE T' is no token",
      "'/b': size is 1.5; it must be a whole number from 0 on",
      "'/b': it waits for the same object twice",
      "'/b': two objects have this id",
      "'/b': urgency is 8; it must be a whole number from 0 to 7",
      "'/b': waits for '/c', which is not on the page",
      "'/b': waits for '/c', which is not on the page",
    ]);
    expect(problems(() => definePage({ name: 'p', objects: [] }))).toEqual(['it has no objects']);
  });

  test('whose objects wait for each other is refused, and the circle is named', () => {
    const objects = [
      { path: '/free', size: 1 },
      { path: '/outside', size: 1, after: ['/a'] },
      { path: '/a', size: 1, after: ['/free', '/b'] },
      { path: '/b', size: 1, after: ['/c'] },
      { path: '/c', size: 1, after: ['/a'] },
    ];
    expect(problems(() => definePage({ name: 'p', objects }))).toEqual(['these wait for each other: /a → /b → /c → /a']);
    expect(problems(() => definePage({ name: 'p', objects: [{ path: '/s', size: 1, after: ['/s'] }] }))).toEqual([
      'these wait for each other: /s → /s',
    ]);
  });

  test('read from JSON has every field of the right type', () => {
    expect(parsePage(JSON.parse('{"name":"p","objects":[{"path":"/a","size":1}]}'))).toEqual(
      definePage({ name: 'p', objects: [{ path: '/a', size: 1 }] }),
    );
    expect(problems(() => parsePage([]))).toEqual(['a page is an object, this is a list']);
    expect(problems(() => parsePage({ objects: 1, hosts: 2 }))).toEqual([
      'name must be a text, it is missing',
      "there is no field 'hosts'",
      'objects must be a list, it is a number',
    ]);
    expect(problems(() => parsePage({ name: 'p', objects: [null, { path: 1, sise: 2, after: '/', priority: {} }] }))).toEqual([
      'objects[0] must be an object, it is null',
      'objects[1] has no size',
      'objects[1].path must be a text, it is a number',
      "objects[1] has a field 'sise', which there is not",
      'objects[1].after must be a list of ids, it is a string',
      'objects[1].priority must be { urgency: number, incremental: boolean }, it is a object',
    ]);
  });
});

test('fields of all requests and responses are checked, too', () => {
  const page = { name: 'p', objects: [{ path: '/', size: 1 }] };
  expect(definePage(page)).toMatchObject({ requestFields: [], responseFields: [] });
  expect(parsePage({ ...page, requestFields: [['accept', '*/*']] }).requestFields).toEqual([['accept', '*/*']]);
  expect(problems(() => parsePage({ ...page, responseFields: [['server']] }))).toEqual(['responseFields must be a list of pairs of texts']);
  expect(
    problems(() =>
      definePage({
        ...page,
        requestFields: [
          ['Accept', '*/*'],
          ['a', 'b\n'],
        ],
      }),
    ),
  ).toEqual(["field 'Accept': a name is a token in small letters", "field 'a': 'b\n' is no value"]);
});

describe('progress', () => {
  test('an object is set free by the last arrival that it waits for', () => {
    const progress = new PageProgress(
      definePage({
        name: 'p',
        objects: [
          { path: '/a', size: 1 },
          { path: '/b', size: 1 },
          { path: '/c', size: 1, after: ['/a', '/b'] },
          { path: '/d', size: 1, after: ['/a'] },
        ],
      }),
    );
    const paths = (objects: readonly { readonly path: string }[]): string[] => objects.map((object) => object.path);
    expect(paths(progress.start())).toEqual(['/a', '/b']);
    expect(paths(progress.arrived('/a'))).toEqual(['/d']);
    expect(() => progress.arrived('/a')).toThrow("'/a' of page 'p' has arrived twice");
    expect(() => progress.arrived('/x')).toThrow("'/x' is not on page 'p'");
    expect(paths(progress.arrived('/b'))).toEqual(['/c']);
    expect(paths(progress.arrived('/d'))).toEqual([]);
    expect(progress.done).toBe(false);
    progress.arrived('/c');
    expect(progress.done).toBe(true);
  });

  test('every object of the built-in page is asked for once', () => {
    const progress = new PageProgress(smallPage);
    const asked = progress.start();
    for (let i = 0; i < asked.length; i++) asked.push(...progress.arrived(asked[i]!.id));
    expect(progress.done).toBe(true);
    expect(asked).toHaveLength(12);
    expect(asked.reduce((sum, object) => sum + object.size, 0)).toBe(225_000);
  });
});

test('files are one flat page, their paths percent-encoded', () => {
  const page = filesWorkload([
    { path: 'a b/c#d.ts', size: 3 },
    { path: 'ä.txt', size: 0 },
  ]);
  expect(page.objects.map(({ id, path, size, after }) => [id, path, size, after])).toEqual([
    ['a b/c#d.ts', '/a%20b/c%23d.ts', 3, []],
    ['ä.txt', '/%C3%A4.txt', 0, []],
  ]);
  expect(urlPath('/x/y')).toBe('/x/y');
});

describe('the generator', () => {
  test('gives the same page for the same seed, another for another', () => {
    expect(generatePage(seededRandom(1))).toEqual(generatePage(seededRandom(1)));
    expect(generatePage(seededRandom(1))).not.toEqual(generatePage(seededRandom(2)));
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('keeps its bounds (seed %i)', (seed) => {
    const bounds = { objects: 60, smallest: 300, largest: 70_000, depth: 2, hosts: 3, maxServerTime: 9 };
    const page = generatePage(seededRandom(seed), bounds);
    const depth = new Map<string, number>();
    for (const { id, after, size, serverTime } of page.objects) {
      depth.set(id, after.length === 0 ? 0 : depth.get(after[0]!)! + 1);
      expect(size).toBeGreaterThanOrEqual(300);
      expect(size).toBeLessThanOrEqual(70_000);
      expect(serverTime).toBeLessThanOrEqual(9);
      expect(depth.get(id)).toBeLessThanOrEqual(2);
    }
    expect(page.objects).toHaveLength(60);
    expect(new Set(page.objects.map((object) => object.host)).size).toBe(4); // the document's, and three
  });

  test('depth 0 asks for everything at once, and bounds are checked', () => {
    expect(generatePage(seededRandom(1), { depth: 0 }).objects.every((object) => object.after.length === 0)).toBe(true);
    expect(() => generatePage(seededRandom(1), { objects: 0 })).toThrow('objects is 0; it must be a whole number from 1 on');
    expect(() => generatePage(seededRandom(1), { smallest: 10, largest: 9 })).toThrow('largest is 9');
  });
});

describe('the median page', () => {
  const kindOf = (path: string): string =>
    ['/', '.html'].some((end) => path.endsWith(end))
      ? 'html'
      : (/\.(css|js|woff2|jpg|png)$/.exec(path)?.[1] ?? 'other').replace('png', 'jpg');

  test('73 objects, 2.0 MB, so many of each kind', () => {
    const kinds: Record<string, { count: number; octets: number }> = {};
    for (const { path, size } of medianPage.objects) {
      const kind = (kinds[kindOf(path)] ??= { count: 0, octets: 0 });
      kind.count++;
      kind.octets += size;
    }
    expect(kinds).toEqual({
      html: { count: 3, octets: 22_000 },
      css: { count: 8, octets: 82_000 },
      js: { count: 23, octets: 697_000 },
      woff2: { count: 4, octets: 139_000 },
      jpg: { count: 14, octets: 1_058_000 },
      other: { count: 21, octets: 22_000 },
    });
    expect(medianPage.objects.length).toBe(73);
  });

  test('begins with its document, and chains are six objects long at most', () => {
    const depths = new Map<string, number>();
    for (const { id, after } of medianPage.objects) depths.set(id, 1 + Math.max(0, ...after.map((parent) => depths.get(parent)!)));
    expect(new PageProgress(medianPage).start().map(({ path }) => path)).toEqual(['/']);
    expect(Math.max(...depths.values())).toBe(6);
  });
});
