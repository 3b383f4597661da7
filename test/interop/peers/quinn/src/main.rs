//! quinn as a peer: see ../../README.md for the arguments.
mod arguments;
mod client;
mod server;

use std::sync::Arc;

use arguments::Arguments;
use quinn::VarInt;
use rustls::crypto::CryptoProvider;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub const HQ: &str = "hq-interop";

/// The exit code for what cannot be done here, as in the QUIC interop runner.
const UNSUPPORTED: i32 = 127;

/// What a peer of this make has no means for.
fn lacking(arguments: &Arguments) -> Option<&'static str> {
    if arguments.has("v2") {
        return Some("it knows version 1 and drafts only (quinn_proto::crypto::rustls::interpret_version)");
    }
    if arguments.has("migrate") {
        return Some("its client takes the connection ID of a preferred address (quinn_proto::Connection::set_peer_params), and never goes there");
    }
    None
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse(std::env::args().skip(1)).unwrap_or_else(|reason| end(&reason, 2));
    if let Some(reason) = lacking(&arguments) {
        end(reason, UNSUPPORTED);
    }
    let result = match arguments.role.as_str() {
        "server" => server::run(&arguments).await,
        _ => client::run(&arguments).await,
    };
    if let Err(error) = result {
        if error.to_string().contains("unsupported QUIC version") {
            end("its client begins with no version but those it speaks (quinn_proto::crypto::rustls::interpret_version)", UNSUPPORTED);
        }
        end(&error.to_string(), 1);
    }
}

fn end(reason: &str, code: i32) -> ! {
    eprintln!("quinn: {reason}");
    std::process::exit(code)
}

/// ring, with ChaCha20 as its only suite where the arguments say so.
pub fn provider(arguments: &Arguments) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    if arguments.has("chacha20") {
        provider.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    }
    Arc::new(provider)
}

/// Initial packets are protected with AES-128-GCM, whatever is offered (RFC 9001 §5.2).
pub fn initial_suite() -> rustls::quic::Suite {
    rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(|suite| suite.quic_suite())
        .expect("ring has it")
}

pub fn transport(arguments: &Arguments) -> Arc<quinn::TransportConfig> {
    let mut transport = quinn::TransportConfig::default();
    if let Some(window) = arguments.number("window") {
        let window = VarInt::from_u64(window).expect("a window below 2^62");
        transport.receive_window(window).stream_receive_window(window);
    }
    if arguments.has("early") {
        // its probes of the path's MTU are 1-RTT packets of 1,400 octets: a few of them look like requests that came late
        transport.mtu_discovery_config(None);
    }
    Arc::new(transport)
}

/// Secrets in the NSS format.
#[derive(Debug)]
pub struct KeyLog(std::sync::Mutex<std::fs::File>);

impl KeyLog {
    pub fn open(arguments: &Arguments) -> Result<Arc<dyn rustls::KeyLog>, Failure> {
        let Some(path) = arguments.get("keylog") else { return Ok(Arc::new(rustls::NoKeyLog)) };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Arc::new(Self(std::sync::Mutex::new(file))))
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        use std::io::Write;
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        let _ = self.0.lock().unwrap().write_all(line.as_bytes());
    }
}
