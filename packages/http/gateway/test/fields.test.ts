import { latin1 } from '@quiclab/bytes';
import { type Fields, fieldValue, fieldValues } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { answering, ask, asking, type End, echo, upload, VERSIONS, World, type WorldOptions } from './world.ts';

/** What the origin was asked with. */
const asked = (world: World): Fields => world.origins.at(-1)!.events('request').at(-1)!.fields;
const after = (fields: Fields, options: WorldOptions = {}): Fields => {
  const world = new World(options);
  ask(world, world.client('3'), fields);
  return asked(world);
};

/** A raw client of HTTP/1.1, which may say what our own client would not. */
const say = (world: World, client: End, text: string): World => {
  client.wired.say(latin1(text));
  return world.run();
};

describe('what is about one hop ends there (RFC 9110 §7.6.1)', () => {
  test('in requests: Connection and what it names, Keep-Alive, TE, Transfer-Encoding, Upgrade, Proxy-Connection', () => {
    const world = new World();
    const client = world.client('1.1');
    const request = [
      'GET / HTTP/1.1',
      'Host: site.example',
      'Connection: keep-alive, X-Mine, Upgrade, TE',
      'Keep-Alive: timeout=5',
      'X-Mine: secret',
      'X-Yours: kept',
      'TE: deflate',
      'Upgrade: h2c',
      'Proxy-Connection: keep-alive',
      '',
      '',
    ];
    say(world, client, request.join('\r\n'));
    const names = asked(world).map(([name]) => name);
    expect(names).toEqual([':method', ':scheme', ':authority', ':path', 'x-yours', 'via']);
  });

  test('in responses', () => {
    const app = answering('x', ['x-kept', '1']);
    const world = new World({ app });
    const client = world.client('1.1');
    const id = ask(world, client);
    expect(client.response(id)!.fields.map(([name]) => name)).toEqual([':status', 'content-length', 'x-kept', 'via']);
  });

  test("'te: trailers' is said anew where the client said it, and nothing else of TE", () => {
    expect(fieldValue(after(asking('GET', '/', ['te', 'trailers'])), 'te')).toBe('trailers');
    expect(fieldValue(after(asking('GET')), 'te')).toBeUndefined();
  });

  test('the priority of a request goes on to the origin, and that of a response to the client (RFC 9218 §5)', () => {
    const world = new World({ back: '3', app: answering('x', ['priority', 'u=1']) });
    const client = world.client('3');
    const id = ask(world, client, asking('GET', '/', ['priority', 'u=5, i']));
    expect(fieldValue(asked(world), 'priority')).toBe('u=5, i');
    expect(fieldValue(client.response(id)!.fields, 'priority')).toBe('u=1');
  });
});

describe('where the request goes', () => {
  test("the client's host is carried on; with `rewriteHost`, the origin is asked for its own", () => {
    expect(fieldValue(after(asking('GET')), ':authority')).toBe('site.example');
    expect(fieldValue(after(asking('GET'), { rewriteHost: true }), ':authority')).toBe('origin.example');
  });

  test('the scheme is that of the hop to the origin', () => {
    expect(fieldValue(after(asking('GET')), ':scheme')).toBe('http');
    expect(fieldValue(after(asking('GET'), { origin: { scheme: 'https', authority: 'o' }, back: '3' }), ':scheme')).toBe('https');
  });

  test('a client that names its host in Host alone is understood (RFC 9114 §4.3.1)', () => {
    const fields = after([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/'],
      ['host', 'site.example'],
    ]);
    expect(fieldValue(fields, ':authority')).toBe('site.example');
    expect(fieldValue(fields, 'host')).toBeUndefined();
  });

  test('Via says in which version a message came, that of HTTP/1.0 among them (RFC 9110 §7.6.3)', () => {
    const world = new World();
    const opens = world.opens.bind(world);
    world.opens = (back) => {
      opens(back);
      const { wired } = world.origins.at(-1)!;
      wired.tap((octets) => {
        heard += Buffer.from(octets).toString('latin1');
        wired.say(latin1('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      });
    };
    let heard = '';
    const client = world.client('1.1');
    let answer = '';
    client.wired.tap((octets) => {
      answer += Buffer.from(octets).toString('latin1');
    });
    say(world, client, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    expect([heard.match(/^via: .*$/m)?.[0], answer.match(/^via: .*$/m)?.[0]]).toEqual(['via: 1.0 gw', 'via: 1.0 gw']);
    const newer = world.client('2');
    const id = ask(world, newer);
    expect([heard.match(/^via: 2 gw$/m)?.[0], fieldValue(newer.response(id)!.fields, 'via')]).toEqual(['via: 2 gw', '1.0 gw']);
  });

  test('a client of HTTP/1.0 that names none is served by the origin for its own', () => {
    const world = new World();
    say(world, world.client('1.1'), 'GET / HTTP/1.0\r\n\r\n');
    expect(fieldValue(asked(world), ':authority')).toBe('origin.example');
  });

  test('OPTIONS * goes on as it is (RFC 9110 §9.3.7)', () => {
    expect(fieldValue(after(asking('OPTIONS', '*')), ':path')).toBe('*');
  });
});

describe('what is dropped', () => {
  test('names that CGI would take for those that a gateway judges or says, and Proxy (RFC 3875 §4.1.18)', () => {
    const disguised: Fields = [
      ['x_forwarded_for', '10.0.0.1'],
      ['x-forwarded_host', 'elsewhere'],
      ['content_length', '0'],
      ['transfer_encoding', 'chunked'],
      ['proxy', 'http://elsewhere/'],
    ];
    const fields = after(asking('GET', '/', ...disguised, ['my_own', 'kept']), { forwarded: 'both' });
    const names = fields.map(([name]) => name).filter((name) => !name.startsWith(':'));
    expect(names).toEqual(['my_own', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'via']);
  });

  test('trailers that would say something of the header section, which was judged without them (RFC 9110 §6.5.1)', () => {
    for (const back of VERSIONS) {
      const trailers: Fields = [
        ['authorization', 'x'],
        ['content-type', 'x'],
        ['x_forwarded_for', 'x'],
        ['alt-svc', 'x'],
        ['set-cookie', 'x'],
        ['x-sum', '1'],
      ];
      const world = new World({ back });
      world.app = (origin, event, now) => {
        if (event.type === 'request') origin.http.respond(now, event.id, [[':status', '200']], false);
        if (event.type !== 'body-readable') return;
        origin.read(event.id);
        if (origin.complete(event.id)) origin.http.finish(now, event.id, trailers);
      };
      const client = world.client('2');
      upload(world, client, asking('POST'), 'content', trailers);
      world.run();
      const [up, down] = [world.origins[0]!, client].map((end) => end.events('trailers').map(({ fields }) => fields));
      expect([back, up, down]).toEqual([back, [[['x-sum', '1']]], [[['x-sum', '1']]]]);
    }
  });
});

describe('who asked', () => {
  const lie: Fields = [
    ['forwarded', 'for=10.0.0.1'],
    ['x-forwarded-for', '10.0.0.1'],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-host', 'elsewhere'],
  ];
  const told = (options: WorldOptions, fields: Fields = lie): (string | undefined)[] => {
    const all = after(asking('GET', '/', ...fields), options);
    return ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'].map((name) => fieldValue(all, name));
  };

  test('nothing is said by default, and what the client says goes on', () => {
    expect(told({})).toEqual(['for=10.0.0.1', '10.0.0.1', 'http', 'elsewhere']);
  });

  test('Forwarded (RFC 7239 §4), X-Forwarded-*, or both, in place of what the client says', () => {
    const standard = 'for=192.0.2.7;proto=https;host=site.example';
    expect(told({ forwarded: 'forwarded' })).toEqual([standard, undefined, undefined, undefined]);
    expect(told({ forwarded: 'x-forwarded' })).toEqual([undefined, '192.0.2.7', 'https', 'site.example']);
    expect(told({ forwarded: 'both' })).toEqual([standard, '192.0.2.7', 'https', 'site.example']);
  });

  test('behind a gateway that is trusted, after what that one says', () => {
    expect(told({ forwarded: 'both', trustForwarded: true })).toEqual([
      'for=10.0.0.1, for=192.0.2.7;proto=https;host=site.example',
      '10.0.0.1, 192.0.2.7',
      'http',
      'elsewhere',
    ]);
  });

  test('an authority with a port, and an address of IPv6, are quoted (RFC 7239 §6)', () => {
    const world = new World({ forwarded: 'forwarded' });
    const fields = asking('GET').map(([name, value]) => [name, name === ':authority' ? 'site.example:8443' : value] as const);
    ask(world, world.client('3', {}, '2001:db8::7'), fields);
    expect(fieldValue(asked(world), 'forwarded')).toBe('for="[2001:db8::7]";proto=https;host="site.example:8443"');
  });
});

describe('loops and distances', () => {
  test('a request that was here before is refused (RFC 9110 §7.6.3)', () => {
    const world = new World();
    const client = world.client('3');
    const id = ask(world, client, asking('GET', '/', ['via', '1.1 front, 2 GW (a comment), 1.1 other']));
    expect(client.status(id)).toBe(508);
    expect(fieldValue(client.response(id)!.fields, 'proxy-status')).toMatch(/^gw; error=proxy_loop_detected/);
    expect(world.dialed).toBe(0);
  });

  test('a gateway with another name in Via is none of ours', () => {
    const world = new World();
    const client = world.client('3');
    expect(client.status(ask(world, client, asking('GET', '/', ['via', '1.1 gw2, 1.1 (gw)'])))).toBe(200);
  });

  test('Max-Forwards counts the hops of TRACE and OPTIONS, and of nothing else (RFC 9110 §7.6.2)', () => {
    expect(fieldValue(after(asking('OPTIONS', '/', ['max-forwards', '3'])), 'max-forwards')).toBe('2');
    expect(fieldValue(after(asking('TRACE', '/', ['max-forwards', '1'])), 'max-forwards')).toBe('0');
    expect(fieldValue(after(asking('GET', '/', ['max-forwards', '3'])), 'max-forwards')).toBe('3');
    expect(fieldValue(after(asking('OPTIONS', '/', ['max-forwards', 'many'])), 'max-forwards')).toBe('many');
  });

  test('at 0 the gateway is the last, and answers itself (RFC 9110 §9.3.7, §9.3.8)', () => {
    const world = new World();
    const client = world.client('3');
    const options = ask(world, client, asking('OPTIONS', '*', ['max-forwards', '0']));
    expect([client.status(options), fieldValue(client.response(options)!.fields, 'allow')]).toEqual([204, expect.stringContaining('GET')]);
    const trace = ask(world, client, asking('TRACE', '/x', ['max-forwards', '0'], ['cookie', 'secret=1'], ['x', 'y']));
    expect([client.status(trace), fieldValue(client.response(trace)!.fields, 'content-type')]).toEqual([200, 'message/http']);
    expect(client.body(trace)).toBe('TRACE /x HTTP/3\r\nhost: site.example\r\nmax-forwards: 0\r\nx: y\r\n\r\n');
    expect(world.dialed).toBe(0);
  });
});

describe('what is refused', () => {
  test('CONNECT: this is no proxy (RFC 9110 §9.3.6)', () => {
    for (const version of VERSIONS) {
      const world = new World();
      const client = world.client(version);
      const id = client.http.request(
        0,
        [
          [':method', 'CONNECT'],
          [':authority', 'elsewhere.example:443'],
        ],
        false,
      )!;
      world.run();
      expect([client.status(id), world.dialed]).toEqual([501, 0]);
    }
  });

  test('TRACE with content (RFC 9110 §9.3.8)', () => {
    const world = new World();
    const client = world.client('3');
    const id = client.http.request(0, asking('TRACE'), false)!;
    client.http.writeBody(0, id, latin1('x'));
    world.run();
    expect([client.status(id), world.dialed]).toEqual([400, 0]);
  });

  test('what came in early data goes on marked if it is safe, and is asked for again if not (RFC 8470 §5.1, §3)', () => {
    const world = new World();
    const client = world.client('3', { early: true });
    ask(world, client, asking('GET'));
    expect(fieldValue(asked(world), 'early-data')).toBe('1');
    const post = ask(world, client, asking('POST'));
    expect([client.status(post), world.origins[0]!.events('request').length]).toEqual([425, 1]);
  });
});

describe('responses', () => {
  test('clients of older versions learn where HTTP/3 is spoken; the origin’s own Alt-Svc ends here (RFC 7838 §3)', () => {
    const altSvc = 'h3=":8443"; ma=86400';
    const offered = (version: '1.1' | '3', secure: boolean): string[] => {
      const world = new World({ altSvc, app: answering('x', ['alt-svc', 'h3=":1"']) });
      const client = world.client(version, {}, undefined, secure);
      return fieldValues(client.response(ask(world, client))!.fields, 'alt-svc');
    };
    expect([offered('1.1', true), offered('1.1', false), offered('3', true)]).toEqual([[altSvc], [], []]);
  });

  test('one without Date is given one (RFC 9110 §6.6.1)', () => {
    const date = (now: number): string => `at ${now}`;
    const world = new World({ date, app: echo });
    const client = world.client('3');
    expect(fieldValue(client.response(ask(world, client))!.fields, 'date')).toBe(`at ${world.now}`);
    world.app = answering('x', ['date', 'long ago']);
    expect(fieldValues(client.response(ask(world, client))!.fields, 'date')).toEqual(['long ago']);
  });

  test('several fields Set-Cookie stay apart (RFC 9110 §5.3)', () => {
    const world = new World({ app: answering('x', ['set-cookie', 'a=1'], ['set-cookie', 'b=2']) });
    const client = world.client('1.1');
    expect(fieldValues(client.response(ask(world, client))!.fields, 'set-cookie')).toEqual(['a=1', 'b=2']);
  });
});
