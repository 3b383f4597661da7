//! quiche as a peer: see ../../README.md for the arguments.
mod arguments;
mod client;
mod http;
mod server;
mod socket;

use arguments::Arguments;

pub type Failure = Box<dyn std::error::Error>;
pub const HQ: &str = "hq-interop";
/// Room for the largest UDP payload.
pub const DATAGRAM: usize = 65_535;
/// What we send: Ethernet's 1,500 octets hold it with IPv6, too.
const SENT_DATAGRAM: usize = 1_350;

/// The exit code for what cannot be done here, as in the QUIC interop runner.
const UNSUPPORTED: i32 = 127;

/// What a peer of this make has no means for.
fn lacking(arguments: &Arguments) -> Option<&'static str> {
    if arguments.has("v2") {
        return Some("it knows version 1 only (quiche::version_is_supported)");
    }
    if arguments.has("preferred") || arguments.has("migrate") {
        return Some("it neither encodes nor decodes preferred_address (a TODO in its transport_params.rs)");
    }
    if arguments.has("key-update") {
        return Some("it follows key updates, and quiche::Connection has no call that begins one");
    }
    None
}

fn main() {
    let arguments = Arguments::parse(std::env::args().skip(1)).unwrap_or_else(|reason| end(&reason, 2));
    if let Some(reason) = lacking(&arguments) {
        end(reason, UNSUPPORTED);
    }
    let result = if arguments.role == "server" { server::run(&arguments) } else { client::run(&arguments) };
    if let Err(error) = result {
        end(&error.to_string(), 1);
    }
}

fn end(reason: &str, code: i32) -> ! {
    eprintln!("quiche: {reason}");
    std::process::exit(code)
}

/// What both roles have in common.
pub fn config(arguments: &Arguments) -> Result<quiche::Config, Failure> {
    let version = match arguments.get("version") {
        Some(text) => u32::from_str_radix(text.trim_start_matches("0x"), 16)?,
        None => quiche::PROTOCOL_VERSION,
    };
    let mut config = if arguments.has("chacha20") {
        quiche::Config::with_boring_ssl_ctx_builder(version, only_chacha20()?)?
    } else {
        quiche::Config::new(version)?
    };
    let window = arguments.number("window");
    config.set_application_protos(&[arguments.required("alpn")?.as_bytes()])?;
    config.set_max_idle_timeout(30_000);
    config.set_max_recv_udp_payload_size(DATAGRAM);
    config.set_max_send_udp_payload_size(SENT_DATAGRAM);
    config.set_initial_max_data(window.unwrap_or(1 << 20));
    config.set_initial_max_stream_data_bidi_local(window.unwrap_or(512 << 10));
    config.set_initial_max_stream_data_bidi_remote(window.unwrap_or(512 << 10));
    config.set_initial_max_stream_data_uni(window.unwrap_or(512 << 10));
    config.set_initial_max_streams_bidi(100);
    config.set_initial_max_streams_uni(100);
    config.set_active_connection_id_limit(4);
    if arguments.has("keylog") {
        config.log_keys();
    }
    Ok(config)
}

/// The boring crate has no name for BoringSSL's call: it is made as C makes it.
fn only_chacha20() -> Result<boring::ssl::SslContextBuilder, Failure> {
    const CHACHA20_POLY1305_SHA256: u16 = 0x1303;
    let builder = boring::ssl::SslContextBuilder::new(boring::ssl::SslMethod::tls())?;
    // SAFETY: the context lives in the builder, and one suite is what the length says
    let done = unsafe { boring_sys::SSL_CTX_set1_tls13_ciphers(builder.as_ptr(), &CHACHA20_POLY1305_SHA256, std::ptr::null(), 1) };
    if done == 1 { Ok(builder) } else { Err("BoringSSL refuses the cipher suite".into()) }
}

pub fn log_keys(connection: &mut quiche::Connection, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = arguments.get("keylog") {
        connection.set_keylog(Box::new(std::fs::OpenOptions::new().create(true).append(true).open(path)?));
    }
    Ok(())
}

/// Octets that nobody guesses are not needed here: what tells connections of one run apart is enough.
pub fn fresh_id() -> [u8; 16] {
    use std::hash::{BuildHasher, Hasher};
    let draw = || std::hash::RandomState::new().build_hasher().finish().to_be_bytes();
    [draw(), draw()].concat().try_into().expect("sixteen octets")
}
