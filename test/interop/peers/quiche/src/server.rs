use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

use quiche::{ConnectionId, Header, RecvInfo, Type};

use crate::arguments::Arguments;
use crate::http::Answers;
use crate::socket::{Outbox, Socket};
use crate::{DATAGRAM, Failure, HQ, fresh_id, log_keys};

struct Served {
    connection: quiche::Connection,
    answers: Option<Answers>,
    outbox: Outbox,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut config = crate::config(arguments)?;
    config.load_cert_chain_from_pem_file(arguments.required("cert")?)?;
    config.load_priv_key_from_pem_file(arguments.required("key")?)?;
    config.enable_early_data();
    let host: IpAddr = arguments.get("host").unwrap_or("127.0.0.1").parse()?;
    let mut socket = Socket::bind((host, arguments.number("port").unwrap_or(0) as u16).into())?;
    println!("listening {}", socket.address.port());

    let root = PathBuf::from(arguments.required("root")?);
    let hq = arguments.get("alpn") == Some(HQ);
    let mut served: Vec<Option<Served>> = Vec::new();
    let mut by_id: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut octets = vec![0; DATAGRAM];
    let mut wake: Option<Instant> = None;
    loop {
        socket.wait(wake)?;
        while let Some((length, from)) = socket.receive(&mut octets) {
            let Ok(header) = Header::from_slice(&mut octets[..length], quiche::MAX_CONN_ID_LEN.min(16)) else { continue };
            let known = by_id.get(&header.dcid.to_vec()).copied();
            let index = match known {
                Some(index) => index,
                None => {
                    let Some((connection, ids)) = admit(arguments, &mut config, &socket, &header, from)? else { continue };
                    served.push(Some(Served { connection, answers: None, outbox: Outbox::default() }));
                    for id in ids {
                        by_id.insert(id, served.len() - 1);
                    }
                    served.len() - 1
                }
            };
            let Some(one) = &mut served[index] else { continue };
            let received = one.connection.recv(&mut octets[..length], RecvInfo { to: socket.address, from });
            if known.is_none() && received.is_err() {
                // a damaged first packet ends the connection that it made, and must not keep the next one away
                served[index] = None;
                by_id.retain(|_, at| *at != index);
                continue;
            }
            let Served { connection, answers, .. } = one;
            if answers.is_none() && (connection.is_established() || connection.is_in_early_data()) {
                *answers = Some(Answers::new(connection, hq, &root)?);
            }
            if connection.is_established() {
                while connection.scids_left() > 0 {
                    let id = fresh_id();
                    connection.new_scid(&ConnectionId::from_ref(&id), u128::from_be_bytes(fresh_id()), false)?;
                    by_id.insert(id.to_vec(), index);
                }
            }
            while connection.path_event_next().is_some() {}
        }

        wake = None;
        for (index, slot) in served.iter_mut().enumerate() {
            let Some(one) = slot else { continue };
            if one.connection.timeout_instant().is_some_and(|at| at <= Instant::now()) {
                one.connection.on_timeout();
            }
            if let Some(answers) = &mut one.answers {
                answers.advance(&mut one.connection);
            }
            let due = one.outbox.flush(&mut one.connection, &socket)?;
            if one.connection.is_closed() {
                *slot = None;
                by_id.retain(|_, at| *at != index);
                continue;
            }
            wake = [wake, due, one.connection.timeout_instant()].into_iter().flatten().min();
        }
    }
}

/// A first packet: a new connection and the IDs that lead to it, or an answer without one.
fn admit(
    arguments: &Arguments,
    config: &mut quiche::Config,
    socket: &Socket,
    header: &Header,
    from: SocketAddr,
) -> Result<Option<(quiche::Connection, Vec<Vec<u8>>)>, Failure> {
    let mut out = vec![0; DATAGRAM];
    if header.ty != Type::Initial {
        return Ok(None);
    }
    if !quiche::version_is_supported(header.version) {
        let length = quiche::negotiate_version(&header.scid, &header.dcid, &mut out)?;
        socket.send(&out[..length], from);
        return Ok(None);
    }
    let id = fresh_id();
    let token = header.token.as_deref().unwrap_or_default();
    if arguments.has("retry") && token.is_empty() {
        let token = [TOKEN, from.to_string().as_bytes(), b" ", &header.dcid].concat();
        let source = ConnectionId::from_ref(&id);
        let length = quiche::retry(&header.scid, &header.dcid, &source, &token, header.version, &mut out)?;
        socket.send(&out[..length], from);
        return Ok(None);
    }
    let mark = [TOKEN, from.to_string().as_bytes(), b" "].concat();
    let original = token.strip_prefix(mark.as_slice()).map(ConnectionId::from_ref);
    if arguments.has("retry") && original.is_none() {
        return Ok(None);
    }
    // after a Retry the client's packets come to the ID that it named
    let source = if original.is_some() { header.dcid.clone() } else { ConnectionId::from_ref(&id) };
    let mut connection = quiche::accept(&source, original.as_ref(), socket.address, from, config)?;
    log_keys(&mut connection, arguments)?;
    let ids = vec![source.to_vec(), header.dcid.to_vec()];
    Ok(Some((connection, ids)))
}

const TOKEN: &[u8] = b"quiclab test ";
