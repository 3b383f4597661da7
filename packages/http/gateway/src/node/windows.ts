import type { Http2Options } from '@quiclab/http2';
import type { TransportConfig } from '@quiclab/quic';
import type { Windows } from '../windows.ts';

export const http2Windows = ({
  stream,
  connection,
}: Windows): Pick<Http2Options, 'streamWindow' | 'maxStreamWindow' | 'connectionWindow' | 'maxConnectionWindow'> => ({
  streamWindow: stream,
  maxStreamWindow: stream,
  connectionWindow: connection,
  maxConnectionWindow: connection,
});

export const quicWindows = ({ stream, connection }: Windows): Partial<TransportConfig> => ({
  initialMaxStreamData: stream,
  maxStreamDataWindow: stream,
  initialMaxData: connection,
  maxDataWindow: connection,
});
