import { describe, expect, test } from 'vitest';
import { HarError, type HarOptions, harReportLines, type PageObject, pageFromHar } from '../src/index.ts';

/** An entry as Chromium writes it, with what a test says instead. Instants and durations in ms from the start. */
interface Said {
  readonly url: string;
  readonly at?: number;
  readonly time?: number;
  readonly method?: string;
  readonly status?: number;
  readonly request?: Readonly<Record<string, unknown>>;
  readonly response?: Readonly<Record<string, unknown>>;
  readonly size?: number;
  readonly timings?: Readonly<Record<string, number>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

const entry = ({ url, at = 0, time = 10, method = 'GET', status = 200, request, response, size = 1_000, timings, more }: Said) => ({
  startedDateTime: `2024-05-01T12:00:${String(Math.floor(at / 1_000)).padStart(2, '0')}.${String(at % 1_000).padStart(3, '0')}Z`,
  time,
  request: { method, url, headers: [], headersSize: -1, bodySize: 0, ...request },
  response: { status, headers: [], headersSize: -1, bodySize: size, content: { size, mimeType: '' }, redirectURL: '', ...response },
  cache: {},
  timings: { connect: -1, ssl: -1, wait: 0, ...timings },
  ...more,
});
const har = (...entries: Said[]) => ({ log: { version: '1.2', creator: { name: 'test', version: '1' }, entries: entries.map(entry) } });

const pageOf = (entries: Said[], options?: HarOptions) => pageFromHar(har(...entries), options);
const objectsOf = (entries: Said[], options?: HarOptions): Readonly<Record<string, PageObject>> =>
  Object.fromEntries(pageOf(entries, options).page.objects.map((object) => [object.path, object]));
const notesOf = (entries: Said[], options?: HarOptions): Record<string, number> =>
  Object.fromEntries(pageOf(entries, options).report.notes.map(({ text, count }) => [text, count]));
const problemOf = (value: unknown, options?: HarOptions): string => {
  try {
    pageFromHar(value, options);
  } catch (error) {
    if (error instanceof HarError) return error.message;
    throw error;
  }
  return 'none';
};

const ROOT: Said = { url: 'https://a.example/', at: 0, time: 100 };

describe('what is no HAR is refused, and said why', () => {
  test.each([
    ['{"log":', 'it is not JSON'],
    ['[]', 'log is missing: it is no HAR'],
    ['{"entries":[]}', 'log is missing; it must be an object'],
    ['{"log":{}}', 'log.entries is missing; it must be a list'],
    ['{"log":{"entries":{}}}', 'log.entries must be a list, it is an object'],
    ['{"log":{"entries":[]}}', 'log.entries is empty: nothing was recorded'],
    ['', 'it is not JSON'],
  ])('%s', (text, problem) => expect(problemOf(text)).toContain(problem));

  test('every entry that lacks something, by number and key', () => {
    const good = entry(ROOT);
    const entries = [
      good,
      null,
      { ...good, request: undefined },
      { ...good, response: 'none' },
      { ...good, request: { ...good.request, method: 'G E T' } },
      { ...good, request: { ...good.request, url: 7 } },
      { ...good, startedDateTime: 'yesterday' },
      { ...good, response: { ...good.response, status: '200' } },
    ];
    expect(problemOf({ log: { entries } }).split('\n').slice(1)).toEqual([
      '  entry 2: must be an object, it is null',
      '  entry 3, request: is missing; it must be an object',
      "  entry 4, response: must be an object, it is 'none'",
      "  entry 5, request.method: must be a method, it is 'G E T'",
      "  entry 6, request.url: must be a URL, it is '7'",
      "  entry 7, startedDateTime: must be an instant like 2024-05-01T12:00:00.000Z, it is 'yesterday'",
      "  entry 8, response.status: must be a number, it is '200'",
    ]);
  });

  test('of a thousand bad entries the first ten', () => {
    expect(problemOf({ log: { entries: Array(1_000).fill({}) } }).split('\n')).toHaveLength(11);
  });

  test('too much of it', () => {
    const text = JSON.stringify(har(ROOT, ROOT));
    expect(problemOf(text, { limits: { characters: 100 } })).toContain(`it has ${text.length} characters; 100 are the most`);
    expect(problemOf(text, { limits: { entries: 1 } })).toContain('log.entries has 2 entries; 1 are the most');
    expect(problemOf(har({ ...ROOT, size: 1e12 }))).toContain('entry 1, response: 1000000000000 octets of content');
  });

  test('a page that needed no network', () => {
    expect(problemOf(har({ url: 'data:text/html,hello' }))).toContain('1 data: URL, which needs no network, left out');
  });
});

describe('sizes', () => {
  const sized = (response: Readonly<Record<string, unknown>>, said: Partial<Said> = {}): number =>
    objectsOf([{ ...ROOT, ...said, response }])['/']!.size;
  const headers = (...pairs: [string, string][]) => pairs.map(([name, value]) => ({ name, value }));

  test('Content-Length says what was sent', () => {
    const response = {
      headers: headers(['Content-Length', '700'], ['Content-Encoding', 'gzip']),
      bodySize: 1_200,
      content: { size: 3_000 },
    };
    expect(sized(response)).toBe(700);
  });
  test('what was not encoded was sent as it was decoded', () => {
    expect(sized({ headers: headers(['server', 'x']), bodySize: 1_200, content: { size: 1_000 } })).toBe(1_000);
  });
  test('bodySize where Chromium has it', () => {
    expect(sized({ headers: headers(['content-encoding', 'br']), bodySize: 400, content: { size: 1_000, compression: 600 } })).toBe(400);
  });
  test('compression where bodySize is not known', () => {
    expect(sized({ bodySize: -1, content: { size: 1_000, compression: 600 } })).toBe(400);
  });
  test('_transferSize of HTTP/2 and HTTP/3, with its header section', () => {
    expect(sized({ headers: headers(['content-encoding', 'br']), bodySize: -1, _transferSize: 450, content: { size: 1_000 } })).toBe(450);
  });
  test('the decoded size where nothing else is there, nothing where there is nothing', () => {
    expect(sized({ bodySize: -1, content: { size: 900 } })).toBe(900);
    expect(sized({ bodySize: -1, content: {} })).toBe(0);
    expect(notesOf([{ ...ROOT, response: { bodySize: -1, content: {} } }])).toHaveProperty('of unknown size, taken as 0');
  });
  test('responses that have no content (RFC 9110 §6.4.1)', () => {
    const response = { headers: headers(['content-length', '700']) };
    for (const said of [{ method: 'HEAD' }, { status: 304 }, { status: 204 }]) expect(sized(response, said)).toBe(0);
  });
});

describe('what was not fetched from a server is left out, and said so', () => {
  test.each([
    [{ url: 'data:image/png;base64,xyz' }, 'data: URL, which needs no network, left out'],
    [{ url: 'blob:https://a.example/1' }, 'blob: URL, which needs no network, left out'],
    [{ url: 'chrome-extension://abc/x.js' }, 'chrome-extension: URL, which needs no network, left out'],
    [{ url: 'wss://a.example/live', status: 101 }, 'WebSocket, left out'],
    [{ url: 'https://a.example/live', more: { _resourceType: 'websocket' } }, 'WebSocket, left out'],
    [{ url: 'https://a.example/x', status: 0, response: { status: 0, _error: 'net::ERR_ABORTED' } }, 'aborted or blocked, left out'],
    [{ url: 'https://a.example/x', more: { _fromCache: 'memory' } }, 'from a cache (memory), left out'],
    [{ url: 'https://a.example/x', more: { _fromDiskCache: true } }, 'from a cache (disk), left out'],
    [{ url: 'https://a.example/x', more: { cache: { afterRequest: null } } }, 'from a cache (cache), left out'],
    [{ url: 'https://a.example/x', more: { _fetchType: 'Disk Cache' } }, 'from a cache (disk), left out'],
    [
      { url: 'https://a.example/x', response: { _fetchedViaServiceWorker: true, _transferSize: 0 } },
      'answered by a service worker, left out',
    ],
  ] as [Said, string][])('%j', (said, note) => {
    const { page, report } = pageOf([ROOT, { at: 10, ...said }]);
    expect(page.objects).toHaveLength(1);
    expect(report.notes.find(({ text }) => text === note)?.count).toBe(1);
  });

  test('from a cache: fetched, where asked for', () => {
    const cached: Said = {
      url: 'https://a.example/x',
      at: 200,
      more: { _fromCache: 'disk' },
      response: { bodySize: 0, content: { size: 5_000 } },
    };
    expect(objectsOf([ROOT, cached], { cached: 'fetch' })['/x']!.size).toBe(5_000);
  });

  test('every entry is an object or in a note', () => {
    const entries: Said[] = [
      ROOT,
      { url: 'data:,' },
      { url: 'wss://a.example/' },
      { url: 'https://b.example/x', at: 3 },
      { url: 'x', at: 4 },
    ];
    const { report } = pageOf(entries);
    const left = report.notes.filter(({ text }) => text.endsWith('left out')).reduce((sum, { count }) => sum + count, 0);
    expect(report.objects + left).toBe(report.entries);
  });
});

describe('the tree', () => {
  const initiator = (url: string) => ({ _initiator: { type: 'parser', url } });

  test('after what Chromium says asked for it; a script by the innermost frame that is there', () => {
    const frames = (...urls: string[]) => urls.map((url) => ({ url, functionName: '', lineNumber: 1 }));
    const objects = objectsOf([
      ROOT,
      { url: 'https://a.example/app.js', at: 20, more: initiator('https://a.example/') },
      { url: 'https://a.example/style.css', at: 20, more: initiator('https://a.example/') },
      { url: 'https://a.example/font.woff2', at: 60, more: initiator('https://a.example/style.css') },
      {
        url: 'https://a.example/data.json',
        at: 90,
        more: {
          _initiator: {
            type: 'script',
            stack: { callFrames: frames('', 'https://gone.example/x'), parent: { callFrames: frames('https://a.example/app.js') } },
          },
        },
      },
    ]);
    expect(Object.fromEntries(Object.entries(objects).map(([path, { after }]) => [path, after]))).toEqual({
      '/': [],
      '/app.js': ['a.example/'],
      '/style.css': ['a.example/'],
      '/font.woff2': ['a.example/style.css'],
      '/data.json': ['a.example/app.js'],
    });
  });

  test('without initiators: after what finished last before it, and after the document while that is still coming', () => {
    const objects = objectsOf([
      { url: 'https://a.example/', at: 0, time: 100 },
      { url: 'https://a.example/early', at: 50, time: 20 },
      { url: 'https://a.example/next', at: 71, time: 10 },
      { url: 'https://a.example/last', at: 101, time: 10 },
    ]);
    expect([objects['/early']!.after, objects['/next']!.after, objects['/last']!.after]).toEqual([
      ['a.example/'],
      ['a.example/early'],
      ['a.example/'],
    ]);
  });

  test('redirects are a chain of exchanges', () => {
    const redirect = (redirectURL: string) => ({ redirectURL, bodySize: 0, content: { size: 0 } });
    const { page } = pageOf([
      { url: 'https://a.example/old', at: 0, time: 5, status: 301, response: redirect('/older') },
      { url: 'https://a.example/older', at: 6, time: 5, status: 302, response: redirect('https://b.example/new#top') },
      { url: 'https://b.example/new', at: 12 },
    ]);
    expect(page.objects.map(({ id, after, size }) => [id, after, size])).toEqual([
      ['a.example/old', [], 0],
      ['a.example/older', ['a.example/old'], 0],
      ['b.example/new', ['a.example/older'], 1_000],
    ]);
  });

  test('what was left out is passed over to what it waited for itself', () => {
    const objects = objectsOf([
      ROOT,
      { url: 'https://a.example/app.js', at: 20, more: { _fromCache: 'disk', ...initiator('https://a.example/') } },
      { url: 'https://a.example/data', at: 120, more: initiator('https://a.example/app.js') },
    ]);
    expect(objects['/data']!.after).toEqual(['a.example/']);
  });

  test('ten thousand entries that took no time, all at once, are a page', () => {
    const { page } = pageFromHar(har(...Array.from({ length: 10_000 }, () => ({ ...ROOT, time: 0 }))));
    expect(page.objects).toHaveLength(10_000);
  });
});

describe('priorities (RFC 9218 §4)', () => {
  test.each([
    [
      { request: { headers: [{ name: 'Priority', value: 'u=5, i' }] }, more: { _priority: 'VeryHigh' } },
      { urgency: 5, incremental: true },
    ],
    [{ more: { _priority: 'VeryHigh', _resourceType: 'stylesheet' } }, { urgency: 0, incremental: false }],
    [{ more: { _priority: 'Low', _resourceType: 'image' } }, { urgency: 3, incremental: true }],
    [{ more: { _priority: 'Low', _resourceType: 'script' } }, { urgency: 3, incremental: false }],
    [{ response: { content: { size: 10, mimeType: 'text/css; charset=utf-8' } } }, { urgency: 0, incremental: false }],
    [{ response: { content: { size: 10, mimeType: 'x-unknown' } } }, { urgency: 3, incremental: false }],
  ] as [Partial<Said>, PageObject['priority']][])('%j', (said, priority) =>
    expect(objectsOf([{ ...ROOT, ...said }])['/']!.priority).toEqual(priority),
  );
});

describe('server time', () => {
  test('is the wait less the round trip that the TCP handshake shows', () => {
    const objects = objectsOf([
      { ...ROOT, timings: { connect: 60, ssl: 40, wait: 50 } },
      { url: 'https://a.example/x', at: 200, timings: { wait: 20.5 } },
      { url: 'https://alone.example/y', at: 200, timings: { wait: 70 } },
    ]);
    expect([objects['/']!.serverTime, objects['/x']!.serverTime, objects['/y']!.serverTime]).toEqual([30_000, 500, 0]);
  });
});

describe('hosts and paths', () => {
  test('hosts stay apart, ports included; a path is one object’s', () => {
    const { page, report } = pageOf([
      ROOT,
      { url: 'https://b.example:8443/', at: 10 },
      { url: 'https://127.0.0.1/x y', at: 10 },
      { url: 'https://a.example/?q=1', at: 20 },
      { url: 'https://a.example/?q=2', at: 30, method: 'POST', request: { bodySize: 77 } },
    ]);
    expect(page.objects.map(({ host, path }) => [host, path])).toEqual([
      ['a.example', '/'],
      ['b.example-8443', '/?2'],
      ['ip-127-0-0-1', '/x%20y'],
      ['a.example', '/?q=x'],
      ['a.example', '/?q=x&2'],
    ]);
    expect(page.objects[4]).toMatchObject({ method: 'POST', upload: 77 });
    expect(report.hosts).toHaveLength(3);
  });

  test('of several pages the first, or the one that is asked for', () => {
    const entries = [
      { ...ROOT, more: { pageref: 'one' } },
      { url: 'https://a.example/two', at: 500, more: { pageref: 'two' } },
    ];
    expect(Object.keys(objectsOf(entries))).toEqual(['/']);
    expect(notesOf(entries)).toHaveProperty('of another page, left out', 1);
    expect(Object.keys(objectsOf(entries, { page: 'two' }))).toEqual(['/two']);
    expect(problemOf(har(...entries), { page: 'three' })).toContain("there is no page 'three' with entries; there is one, two");
  });
});

describe('what is nobody’s business stays in the file', () => {
  const secret = [
    { name: 'Cookie', value: 'session=SECRET' },
    { name: 'Authorization', value: 'Bearer SECRET' },
  ];
  const entries: Said[] = [
    {
      ...ROOT,
      url: 'https://user:SECRET@a.example/?token=SECRET&s=SECRET#SECRET',
      request: { headers: secret },
      response: { headers: secret },
    },
    { url: 'data:text/plain,SECRET' },
    { url: 'https://a.example/x?SECRET', at: 10, more: { _fromCache: 'disk' } },
  ];

  test('neither values of fields, cookies and queries nor users are in page or report; their octets are', () => {
    const { page, report } = pageOf(entries);
    expect(JSON.stringify({ page, lines: harReportLines(report) })).not.toContain('SECRET');
    expect(page.objects[0]!.path).toBe('/?token=xxxxxx&s=xxxxxx');
    const octets = page.requestFields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    expect(octets).toBe('cookie: session=SECRET\r\n'.length + 'authorization: Bearer SECRET\r\n'.length);
  });
});
