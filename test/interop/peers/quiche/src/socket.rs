//! A UDP socket whose waiting ends with a datagram or a deadline, and packets that leave when quiche's pacer says so.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::{DATAGRAM, Failure};

pub struct Socket {
    poll: mio::Poll,
    events: mio::Events,
    socket: mio::net::UdpSocket,
    pub address: SocketAddr,
}

impl Socket {
    pub fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let mut socket = mio::net::UdpSocket::bind(address)?;
        let poll = mio::Poll::new()?;
        poll.registry().register(&mut socket, mio::Token(0), mio::Interest::READABLE)?;
        let address = socket.local_addr()?;
        Ok(Self { poll, events: mio::Events::with_capacity(16), socket, address })
    }

    pub fn wait(&mut self, until: Option<Instant>) -> Result<(), Failure> {
        let timeout = until.map(|at| at.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub fn receive(&mut self, into: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.socket.recv_from(into).ok()
    }

    pub fn send(&self, octets: &[u8], to: SocketAddr) {
        let _ = self.socket.send_to(octets, to); // a full socket loses it, as any link may
    }
}

/// Epoll knows milliseconds: what is due within one leaves now.
const GRANULARITY: Duration = Duration::from_millis(1);

/// More packets than any window lets out at once.
const MOST_AT_ONCE: usize = 20_000;

/// The packet of a connection that waits for its time.
#[derive(Default)]
pub struct Outbox {
    held: Option<(Instant, Vec<u8>, SocketAddr)>,
}

impl Outbox {
    /// Sends what may leave now. Returns when to come back for more.
    pub fn flush(&mut self, connection: &mut quiche::Connection, socket: &Socket) -> Result<Option<Instant>, Failure> {
        let mut octets = vec![0; DATAGRAM];
        for _ in 0..MOST_AT_ONCE {
            let now = Instant::now();
            if let Some((at, packet, to)) = self.held.take() {
                if at > now + GRANULARITY {
                    self.held = Some((at, packet, to));
                    return Ok(Some(at));
                }
                socket.send(&packet, to);
            }
            match connection.send(&mut octets) {
                Ok((length, info)) => self.held = Some((info.at, octets[..length].to_vec(), info.to)),
                Err(quiche::Error::Done) => return Ok(None),
                Err(_) => {
                    let _ = connection.close(false, 1, b"sending failed");
                    return Ok(None);
                }
            }
        }
        Err(format!("quiche::Connection::send has no end: {MOST_AT_ONCE} packets at once").into())
    }
}
