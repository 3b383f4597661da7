use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use quiche::{ConnectionId, RecvInfo};

use crate::arguments::Arguments;
use crate::http::Downloads;
use crate::socket::{Outbox, Socket};
use crate::{DATAGRAM, Failure, HQ, fresh_id, log_keys};

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut config = crate::config(arguments)?;
    config.verify_peer(!arguments.has("insecure"));
    if let Some(file) = arguments.get("ca") {
        config.load_verify_locations_from_file(file)?;
    }
    if arguments.has("early") {
        config.enable_early_data();
    }
    let timeout = Duration::from_secs_f64(arguments.get("timeout").unwrap_or("60").parse()?);
    let deadline = Instant::now() + timeout;
    let paths = &arguments.paths;
    if arguments.has("separately") {
        for path in paths {
            download(arguments, &mut config, std::slice::from_ref(path), None, deadline)?;
        }
    } else if arguments.has("resume") || arguments.has("early") {
        let session = download(arguments, &mut config, &paths[..1], None, deadline)?.ok_or("the server gave no session ticket")?;
        download(arguments, &mut config, &paths[1..], Some(session), deadline)?;
    } else {
        download(arguments, &mut config, paths, None, deadline)?;
    }
    Ok(())
}

/// One connection from beginning to end. Returns the session that it left, if any.
fn download(
    arguments: &Arguments,
    config: &mut quiche::Config,
    paths: &[String],
    session: Option<Vec<u8>>,
    deadline: Instant,
) -> Result<Option<Vec<u8>>, Failure> {
    let remote: SocketAddr = arguments.required("connect")?.parse()?;
    let mut socket = Socket::bind(if remote.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse()?)?;
    let name = arguments.get("server-name").unwrap_or("localhost");
    let hq = arguments.get("alpn") == Some(HQ);
    let out = Path::new(arguments.required("out")?);

    let started_at = Instant::now();
    let mut connection = quiche::connect(Some(name), &ConnectionId::from_ref(&fresh_id()), socket.address, remote, config)?;
    log_keys(&mut connection, arguments)?;
    let early = session.is_some() && arguments.has("early");
    if let Some(session) = &session {
        connection.set_session(session)?;
    }
    let wants_session = session.is_none() && (arguments.has("resume") || arguments.has("early"));
    let mut outbox = Outbox::default();
    let mut downloads: Option<Downloads> = None;
    let mut established = false;
    let mut octets = vec![0; DATAGRAM];
    loop {
        if !established && connection.is_established() {
            established = true;
            println!("handshake {:.6}", started_at.elapsed().as_secs_f64());
        }
        if downloads.is_none() && (established || (early && connection.is_in_early_data())) {
            downloads = Some(Downloads::new(&mut connection, hq, name, out, paths)?);
        }
        if let Some(downloads) = &mut downloads {
            downloads.advance(&mut connection)?;
            if downloads.complete() && established && !(wants_session && connection.session().is_none()) {
                if hq {
                    // an application's close, asked for before HANDSHAKE_DONE has come, makes quiche send Handshake ACKs without end
                    connection.close(false, 0, b"")?;
                } else {
                    connection.close(true, 0x100, b"")?; // H3_NO_ERROR
                }
                outbox.flush(&mut connection, &socket)?;
                return Ok(connection.session().map(<[u8]>::to_vec));
            }
        }
        let due = outbox.flush(&mut connection, &socket)?;
        if downloads.is_none() && early && connection.is_in_early_data() {
            continue; // the first flight made the keys for 0-RTT
        }
        if connection.is_closed() {
            let why = connection.peer_error().or(connection.local_error());
            return Err(match why {
                Some(error) => format!("connection closed: {:#x} {}", error.error_code, String::from_utf8_lossy(&error.reason)).into(),
                None => "the connection timed out".into(),
            });
        }
        if Instant::now() >= deadline {
            return Err("not complete in time".into());
        }
        socket.wait([due, connection.timeout_instant(), Some(deadline)].into_iter().flatten().min())?;
        while let Some((length, from)) = socket.receive(&mut octets) {
            let _ = connection.recv(&mut octets[..length], RecvInfo { to: socket.address, from });
        }
        if connection.timeout_instant().is_some_and(|at| at <= Instant::now()) {
            connection.on_timeout();
        }
        while connection.path_event_next().is_some() {}
    }
}
