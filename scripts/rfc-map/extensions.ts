import { both, client, none, type Requirement, server } from './requirement.ts';

const VERSION_ERROR = 'VERSION_NEGOTIATION_ERROR';

/** RFC 9221 (datagrams), 9287 (the QUIC bit), 9368 (versions); RFC 9369 (version 2) names no codes. */
export const EXTENSIONS: readonly Requirement[] = [
  both('9221/3/not-announced', 'MUST', 'PROTOCOL_VIOLATION', 'has not indicated support', 'DATAGRAM that was not announced'),
  both(
    '9221/3/too-large',
    'MUST',
    'PROTOCOL_VIOLATION',
    'a DATAGRAM frame that is larger than the value',
    'DATAGRAM larger than announced',
  ),
  client(
    'only clients send 0-RTT',
    '9221/3/reduced',
    'MUST',
    'PROTOCOL_VIOLATION',
    'with their 0-RTT state',
    'early data taken with a smaller max_datagram_frame_size than was remembered',
  ),
  both('9287/3/not-empty', 'MUST', 'TRANSPORT_PARAMETER_ERROR', 'a non-empty value of', 'grease_quic_bit with a value'),
  both(
    '9368/4/parse',
    'MUST',
    'TRANSPORT_PARAMETER_ERROR',
    'its length is not divisible by four',
    'version_information that does not parse',
  ),
  none(
    'about versions, not about peers',
    '9368/4/define',
    'MUST',
    VERSION_ERROR,
    'MUST define a method for closing the connection',
    'none',
  ),
  server('only a client can', '9368/4/differ', 'MUST', VERSION_ERROR, 'If the two differ', 'another chosen version than in the packets'),
  server(
    'only a client can',
    '9368/4/not-one',
    'MUST',
    VERSION_ERROR,
    'is not set to 0x00000001',
    'another chosen version in packets of version 1',
  ),
  client(
    'only a server can',
    '9368/4/not-available',
    'MUST',
    VERSION_ERROR,
    "the server's Chosen Version was not sent by the client",
    'a chosen version that the client does not have',
  ),
  client(
    'only a server can',
    '9368/4/missing',
    'MUST',
    VERSION_ERROR,
    "the server's Version Information was missing",
    'no version_information after Version Negotiation',
  ),
  client(
    'only a server can',
    '9368/4/different',
    'MUST',
    VERSION_ERROR,
    'would have selected a different version',
    'Version Negotiation that hid a better version',
  ),
  client(
    'only a server can',
    '9368/4/empty',
    'MUST',
    VERSION_ERROR,
    'Available Versions field is empty',
    'no available versions after Version Negotiation',
  ),
  client(
    'only a server can',
    '9368/4/not-equal',
    'MUST',
    VERSION_ERROR,
    'is equal to the Negotiated Version',
    'another chosen version than the negotiated one',
  ),
];
