export { AckRecord, type EcnCounts, MAX_ACK_RANGES, writeAck } from './ack.ts';
export { TransportError, TransportErrorCode, transportErrorName } from './errors.ts';
export { FrameReader } from './frame-reader.ts';
export { FrameType, frameName } from './frame-types.ts';
export {
  ackFrequencySize,
  applicationCloseSize,
  connectionCloseSize,
  cryptoDataRoom,
  cryptoHeaderSize,
  datagramDataRoom,
  datagramSize,
  newConnectionIdSize,
  newTokenSize,
  oneNumberSize,
  PATH_FRAME_SIZE,
  resetStreamAtSize,
  resetStreamSize,
  stopSendingSize,
  streamDataRoom,
  streamHeaderSize,
  streamLimitSize,
  writeAckFrequency,
  writeApplicationClose,
  writeConnectionClose,
  writeCryptoHeader,
  writeDataBlocked,
  writeDatagramHeader,
  writeHandshakeDone,
  writeImmediateAck,
  writeMaxData,
  writeMaxStreamData,
  writeMaxStreams,
  writeNewConnectionId,
  writeNewToken,
  writePadding,
  writePathChallenge,
  writePathResponse,
  writePing,
  writeResetStream,
  writeResetStreamAt,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamHeader,
  writeStreamsBlocked,
} from './frame-writer.ts';
export { type HeaderFault, MAX_CONNECTION_ID_LENGTH, PacketHeader, PacketType, RETRY_TAG_LENGTH, readHeader } from './header.ts';
export { longHeaderSize, setLength, shortHeaderSize, writeLongHeader, writeShortHeader } from './header-writer.ts';
export { expandPacketNumber, packetNumberLength, readPacketNumber, writePacketNumber } from './packet-number.ts';
export {
  decodeTransportParameters,
  defaultTransportParameters,
  encodeTransportParameters,
  type OtherParameter,
  type PreferredAddress,
  type TransportParameters,
  type VersionInformation,
} from './transport-parameters.ts';
export {
  MIN_STATELESS_RESET,
  RESET_TOKEN_LENGTH,
  type RetryPacket,
  readRetry,
  readVersions,
  writeRetry,
  writeStatelessReset,
  writeVersionNegotiation,
} from './unprotected.ts';
export { isReserved, VERSION_1, VERSION_2 } from './versions.ts';
