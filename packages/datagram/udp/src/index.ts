export { type MonotonicClock, monotonicClock } from './clock.ts';
export { type DriveOptions, type Driver, type DriverCounters, drive } from './driver.ts';
export { type DatagramSender, type DatagramSocket, type OnMessage, UdpSocket, type UdpSocketOptions } from './socket.ts';
