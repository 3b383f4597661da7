/**
 * Where Node's server (llhttp 9) decides otherwise about a shape of the corpus, and why we do not. What it does: the method and the
 * content of each request that it takes, and 'refused' if anything is answered with an error.
 */
export interface Difference {
  readonly why: string;
  readonly shapes: Readonly<Record<string, readonly string[]>>;
}

const taken = (...names: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(names.map((name) => [name, ['GET ']]));

export const DIFFERENCES: readonly Difference[] = [
  {
    why: 'llhttp has a list of methods; here any token is one, and the application says 501 (RFC 9110 §9.1)',
    shapes: {
      'a method that nobody knows': ['refused'],
      'a method in lower case, which is another method (RFC 9110 §9.1)': ['refused'],
    },
  },
  {
    why: 'a message of a higher minor version is to be taken as one of ours (RFC 9110 §2.5)',
    shapes: { 'a minor version above ours (RFC 9110 §2.5)': ['refused'] },
  },
  {
    why: 'Node answers 400 to what stands behind the last request; we leave it unread (RFC 9112 §9.6)',
    shapes: {
      'a request with `close`, and another behind it, which is not read (RFC 9112 §9.6)': ['GET ', 'refused'],
      'HTTP/1.0 (RFC 9112 §9.3)': ['GET ', 'refused'],
    },
  },
  {
    why: 'Node gives HTTP/1.0 its keep-alive; a proxy must not, and who serves may be one (RFC 9112 §9.3)',
    shapes: { 'HTTP/1.0 that asks for keep-alive, which a proxy must not give (RFC 9112 §9.3)': ['GET ', 'GET '] },
  },
  {
    why: 'the framing of such a message is to be taken as faulty (RFC 9112 §6.1); Node reads it as chunked',
    shapes: { 'Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)': ['POST '] },
  },
  {
    why: 'llhttp passes over what is empty in the list of codings; who does so and who does not, read different messages',
    shapes: {
      "a Transfer-Encoding of ', chunked' (RFC 9112 §6.1, §6.3)": ['POST ', 'GET '],
      "a Transfer-Encoding of '' (RFC 9112 §6.1, §6.3)": ['POST ', 'refused'],
    },
  },
  {
    why: 'Node hands on content that is still coded; we answer 501, since nobody here takes codings off (RFC 9112 §6.1)',
    shapes: {
      'a transfer coding that we do not understand (RFC 9112 §6.1)': ['POST ', 'GET '],
      'the same in two lines': ['POST ', 'GET '],
    },
  },
  {
    why: 'llhttp takes any number of zeros in front; we take 16 digits',
    shapes: { "a chunk size of '00000000000000003'": ['POST abc', 'GET '] },
  },
  {
    why: 'chunk extensions that are not understood are to be ignored, within limits (RFC 9112 §7.1.1); our limit is 0',
    shapes: {
      'a chunk extension (RFC 9112 §7.1.1)': ['POST abc', 'GET '],
      'a chunk extension of the last chunk': ['POST abc', 'GET '],
    },
  },
  {
    why: 'llhttp takes Host for an end-to-end trailer like any other',
    shapes: { "'Host: b' as a trailer (RFC 9110 §6.5.1)": ['POST a', 'GET '] },
  },
  {
    why: 'llhttp passes over any number of CRs and LFs before a request; RFC 9112 §2.2 asks for one CRLF at least',
    shapes: taken('a bare CR before a request', 'two empty lines before a request'),
  },
  {
    why: 'llhttp passes over spaces around the target, as RFC 9112 §3 allows and warns of',
    shapes: taken('two spaces before the target', 'two spaces behind the target'),
  },
  {
    why: 'llhttp reads versions 0.9 and 2.0, and a line without one as 0.9; none of them is spoken here (RFC 9110 §15.6.6)',
    shapes: taken('no version, as in HTTP/0.9', "a version of 'HTTP/0.9' (RFC 9110 §15.6.6)", "a version of 'HTTP/2.0' (RFC 9110 §15.6.6)"),
  },
  {
    why: 'Node hands targets on as they came; here they are judged, since :authority and :path are made from them (RFC 9112 §3.2)',
    shapes: {
      ...taken(
        'a fragment in the target',
        'the absolute-form of another scheme',
        'the absolute-form without an authority (RFC 9110 §4.2.1)',
        'user information in the target (RFC 9110 §4.2.4)',
        'the asterisk-form with another method (RFC 9112 §3.2.4)',
      ),
      // a server without a listener for CONNECT closes without an answer
      'CONNECT in origin-form (RFC 9112 §3.2.3)': [],
      'CONNECT without a port (RFC 9110 §9.3.6)': [],
      'CONNECT in absolute-form': [],
      'CONNECT with content (RFC 9110 §9.3.6)': [],
    },
  },
  {
    why: 'Node wants a Host and does not look at it; of two it takes the first. 400 is a MUST for both (RFC 9112 §3.2)',
    shapes: taken(
      'two Hosts that differ',
      'two Hosts that agree',
      'two Hosts in absolute-form',
      ...['', 'a b', 'a/b', 'a@b', 'http://a', 'a:b', 'a:80:80', 'a, b', '[::1', 'a:999999', 'a%', 'a?b', 'a\\b', '\xe4'].map(
        (value) => `a Host of '${value}'`,
      ),
    ),
  },
];
