//! HTTP/0.9 and HTTP/3 over a connection, from the client's and from the server's side.
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use quiche::h3::{self, NameValue};

use crate::Failure;

/// The answers of a server that are under way.
pub struct Answers {
    root: PathBuf,
    h3: Option<h3::Connection>,
    requests: HashMap<u64, Vec<u8>>,
    sending: HashMap<u64, Answer>,
}

struct Answer {
    /// Until they are sent.
    head: Option<Vec<h3::Header>>,
    body: Vec<u8>,
    sent: usize,
}

impl Answers {
    pub fn new(connection: &mut quiche::Connection, hq: bool, root: &Path) -> Result<Self, Failure> {
        let h3 = if hq { None } else { Some(h3::Connection::with_transport(connection, &h3::Config::new()?)?) };
        Ok(Self { root: root.into(), h3, requests: HashMap::new(), sending: HashMap::new() })
    }

    /// After anything has arrived.
    pub fn advance(&mut self, connection: &mut quiche::Connection) {
        match self.h3.take() {
            None => self.take_hq_requests(connection),
            Some(mut http) => {
                self.take_h3_requests(connection, &mut http);
                self.h3 = Some(http);
            }
        }
        let ids: Vec<u64> = self.sending.keys().copied().collect();
        for id in ids {
            self.send(connection, id);
        }
    }

    fn take_hq_requests(&mut self, connection: &mut quiche::Connection) {
        let mut octets = [0; 4096];
        for id in connection.readable() {
            let request = self.requests.entry(id).or_default();
            let mut ended = false;
            while let Ok((length, fin)) = connection.stream_recv(id, &mut octets) {
                request.extend_from_slice(&octets[..length]);
                ended |= fin;
            }
            if !ended {
                continue;
            }
            let line = String::from_utf8_lossy(request).trim_end().to_string();
            self.requests.remove(&id);
            // HTTP/0.9 has no way to say that there is nothing but an empty answer
            let body = line.strip_prefix("GET ").and_then(|path| content(&self.root, path)).unwrap_or_default();
            self.sending.insert(id, Answer { head: None, body, sent: 0 });
        }
    }

    fn take_h3_requests(&mut self, connection: &mut quiche::Connection, http: &mut h3::Connection) {
        while let Ok((id, event)) = http.poll(connection) {
            let h3::Event::Headers { list, .. } = event else { continue };
            let path = list.iter().find(|field| field.name() == b":path").map(|field| String::from_utf8_lossy(field.value()).into_owned());
            let body = path.and_then(|path| content(&self.root, &path));
            let status = if body.is_some() { b"200" } else { b"404" };
            let body = body.unwrap_or_default();
            let head = vec![
                h3::Header::new(b":status", status),
                h3::Header::new(b"content-length", body.len().to_string().as_bytes()),
            ];
            self.sending.insert(id, Answer { head: Some(head), body, sent: 0 });
        }
    }

    fn send(&mut self, connection: &mut quiche::Connection, id: u64) {
        let Some(answer) = self.sending.get_mut(&id) else { return };
        if let (Some(head), Some(http)) = (&answer.head, self.h3.as_mut()) {
            match http.send_response(connection, id, head, false) {
                Ok(()) => answer.head = None,
                Err(h3::Error::StreamBlocked) => return,
                Err(_) => {
                    self.sending.remove(&id);
                    return;
                }
            }
        }
        loop {
            let rest = &answer.body[answer.sent..];
            let taken = match self.h3.as_mut() {
                Some(http) => http.send_body(connection, id, rest, true).map_err(|error| error == h3::Error::Done),
                None => connection.stream_send(id, rest, true).map_err(|error| error == quiche::Error::Done),
            };
            match taken {
                Ok(length) if length == rest.len() => break,
                Ok(0) | Err(true) => return, // until there is room again
                Ok(length) => answer.sent += length,
                Err(false) => break,
            }
        }
        self.sending.remove(&id);
    }
}

fn content(root: &Path, path: &str) -> Option<Vec<u8>> {
    let path = path.trim_start_matches('/');
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    std::fs::read(root.join(path)).ok()
}

/// The files that a client asks for.
pub struct Downloads {
    authority: String,
    out: PathBuf,
    h3: Option<h3::Connection>,
    next_id: u64,
    /// Octets of the first waiting request that are on their way.
    sent: usize,
    waiting: VecDeque<String>,
    running: HashMap<u64, (String, Vec<u8>)>,
}

impl Downloads {
    pub fn new(connection: &mut quiche::Connection, hq: bool, authority: &str, out: &Path, paths: &[String]) -> Result<Self, Failure> {
        let h3 = if hq { None } else { Some(h3::Connection::with_transport(connection, &h3::Config::new()?)?) };
        let waiting = paths.iter().cloned().collect();
        Ok(Self { authority: authority.into(), out: out.into(), h3, next_id: 0, sent: 0, waiting, running: HashMap::new() })
    }

    pub fn complete(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    pub fn advance(&mut self, connection: &mut quiche::Connection) -> Result<(), Failure> {
        self.request(connection)?;
        match self.h3.take() {
            None => self.receive_hq(connection),
            Some(mut http) => {
                let result = self.receive_h3(connection, &mut http);
                self.h3 = Some(http);
                result
            }
        }
    }

    fn request(&mut self, connection: &mut quiche::Connection) -> Result<(), Failure> {
        while let Some(path) = self.waiting.front() {
            let id = match self.h3.as_mut() {
                Some(http) => {
                    let head = [
                        h3::Header::new(b":method", b"GET"),
                        h3::Header::new(b":scheme", b"https"),
                        h3::Header::new(b":authority", self.authority.as_bytes()),
                        h3::Header::new(b":path", path.as_bytes()),
                    ];
                    match http.send_request(connection, &head, true) {
                        Ok(id) => id,
                        Err(h3::Error::StreamBlocked | h3::Error::TransportError(quiche::Error::StreamLimit)) => return Ok(()),
                        Err(error) => return Err(error.into()),
                    }
                }
                None => {
                    if connection.peer_streams_left_bidi() == 0 {
                        return Ok(());
                    }
                    let line = format!("GET {path}\r\n");
                    match connection.stream_send(self.next_id, &line.as_bytes()[self.sent..], true) {
                        Ok(length) => self.sent += length,
                        Err(quiche::Error::Done | quiche::Error::StreamLimit) => return Ok(()),
                        Err(error) => return Err(error.into()),
                    }
                    if self.sent < line.len() {
                        return Ok(()); // the window is full
                    }
                    self.sent = 0;
                    self.next_id += 4;
                    self.next_id - 4
                }
            };
            self.running.insert(id, (self.waiting.pop_front().expect("looked at above"), Vec::new()));
        }
        Ok(())
    }

    fn receive_hq(&mut self, connection: &mut quiche::Connection) -> Result<(), Failure> {
        let mut octets = vec![0; 65_536];
        for id in connection.readable() {
            loop {
                match connection.stream_recv(id, &mut octets) {
                    Ok((length, fin)) => {
                        if let Some((_, body)) = self.running.get_mut(&id) {
                            body.extend_from_slice(&octets[..length]);
                        }
                        if fin {
                            self.save(id)?;
                            break;
                        }
                    }
                    Err(quiche::Error::Done) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    fn receive_h3(&mut self, connection: &mut quiche::Connection, http: &mut h3::Connection) -> Result<(), Failure> {
        let mut octets = vec![0; 65_536];
        loop {
            match http.poll(connection) {
                Ok((_, h3::Event::Headers { list, .. })) => {
                    let status = list.iter().find(|field| field.name() == b":status").map(|field| field.value().to_vec());
                    if status.as_deref() != Some(b"200") {
                        return Err(format!("status {:?}", status.map(|value| String::from_utf8_lossy(&value).into_owned())).into());
                    }
                }
                Ok((id, h3::Event::Data)) => {
                    while let Ok(length) = http.recv_body(connection, id, &mut octets) {
                        if let Some((_, body)) = self.running.get_mut(&id) {
                            body.extend_from_slice(&octets[..length]);
                        }
                    }
                }
                Ok((id, h3::Event::Finished)) => self.save(id)?,
                Ok((_, h3::Event::Reset(code))) => return Err(format!("reset with code {code:#x}").into()),
                Ok(_) => {}
                Err(h3::Error::Done) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn save(&mut self, id: u64) -> Result<(), Failure> {
        let Some((path, body)) = self.running.remove(&id) else { return Ok(()) };
        Ok(std::fs::write(self.out.join(path.trim_start_matches('/')), body)?)
    }
}
