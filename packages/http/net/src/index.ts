export { type ClientTls, ConnectError, type ConnectFailure, type ConnectOptions, connect } from './connect.ts';
export { type DriveOptions, driveStream, processClock, type StreamDriver, type StreamMachine } from './driver.ts';
export { type CertificatePem, Listener, type ListenerCounters, type ListenOptions, type ServerTls } from './listen.ts';
export { SEND_BUFFER, SocketStream, type TlsFacts } from './stream.ts';
