use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Buf;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::{Failure, HQ, KeyLog, initial_suite, provider, transport};

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let remote: std::net::SocketAddr = arguments.required("connect")?.parse()?;
    let mut endpoint = match arguments.get("version").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()) {
        None => quinn::Endpoint::client(unspecified(remote))?,
        Some(version) => {
            let mut config = quinn::EndpointConfig::default();
            config.supported_versions(vec![version]);
            let socket = std::net::UdpSocket::bind(unspecified(remote))?;
            quinn::Endpoint::new(config, None, socket, Arc::new(quinn::TokioRuntime))?
        }
    };
    endpoint.set_default_client_config(config(arguments)?);
    let timeout = Duration::from_secs_f64(arguments.get("timeout").unwrap_or("60").parse()?);
    tokio::time::timeout(timeout, download(arguments, &endpoint, remote)).await.map_err(|_| format!("not complete after {timeout:?}"))??;
    let _ = tokio::time::timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
    Ok(())
}

fn unspecified(remote: std::net::SocketAddr) -> std::net::SocketAddr {
    if remote.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse().expect("a literal")
}

fn config(arguments: &Arguments) -> Result<quinn::ClientConfig, Failure> {
    let builder = rustls::ClientConfig::builder_with_provider(provider(arguments)).with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut tls = if arguments.has("insecure") {
        let verifier = Arc::new(Anyone(provider(arguments)));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    } else {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(arguments.required("ca")?)? {
            roots.add(certificate?)?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    tls.alpn_protocols = vec![arguments.required("alpn")?.into()];
    tls.enable_early_data = arguments.has("early");
    tls.key_log = KeyLog::open(arguments)?;
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::with_initial(Arc::new(tls), initial_suite())?));
    config.transport_config(transport(arguments));
    if let Some(version) = arguments.get("version") {
        config.version(u32::from_str_radix(version.trim_start_matches("0x"), 16)?);
    }
    Ok(config)
}

async fn download(arguments: &Arguments, endpoint: &quinn::Endpoint, remote: std::net::SocketAddr) -> Result<(), Failure> {
    let paths = &arguments.paths;
    if arguments.has("separately") {
        for path in paths {
            connection(arguments, endpoint, remote, std::slice::from_ref(path), false).await?;
        }
    } else if arguments.has("resume") || arguments.has("early") {
        connection(arguments, endpoint, remote, &paths[..1], false).await?;
        connection(arguments, endpoint, remote, &paths[1..], arguments.has("early")).await?;
    } else {
        connection(arguments, endpoint, remote, paths, false).await?;
    }
    Ok(())
}

/// One connection from beginning to end.
async fn connection(
    arguments: &Arguments,
    endpoint: &quinn::Endpoint,
    remote: std::net::SocketAddr,
    paths: &[String],
    early: bool,
) -> Result<(), Failure> {
    let started_at = Instant::now();
    let connecting = endpoint.connect(remote, arguments.get("server-name").unwrap_or("localhost"))?;
    let connection = if early {
        let (connection, _accepted) = connecting.into_0rtt().map_err(|_| "there is no session to resume with 0-RTT")?;
        connection
    } else {
        connecting.await?
    };
    println!("handshake {:.6}", started_at.elapsed().as_secs_f64());
    if arguments.has("key-update") {
        connection.force_key_update();
    }
    let out = PathBuf::from(arguments.required("out")?);
    if arguments.get("alpn") == Some(HQ) {
        let mut running = JoinSet::new();
        for path in paths {
            // asked in one go, so that the requests share packets
            let answer = ask_hq(&connection, path).await?;
            running.spawn(save_hq(answer, path.clone(), out.clone()));
        }
        all(running).await?;
        connection.close(0u32.into(), b"");
    } else {
        let (mut driver, requests) = h3::client::new(h3_quinn::Connection::new(connection.clone())).await?;
        let driving = tokio::spawn(async move { driver.wait_idle().await });
        let name = arguments.get("server-name").unwrap_or("localhost");
        let mut running = JoinSet::new();
        for path in paths {
            running.spawn(get_h3(requests.clone(), format!("https://{name}{path}"), path.clone(), out.clone()));
        }
        all(running).await?;
        drop(requests);
        connection.close(0x100u32.into(), b""); // H3_NO_ERROR
        let _ = driving.await;
    }
    Ok(())
}

async fn all(mut running: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(result) = running.join_next().await {
        result??;
    }
    Ok(())
}

async fn ask_hq(connection: &quinn::Connection, path: &str) -> Result<quinn::RecvStream, Failure> {
    let (mut request, answer) = connection.open_bi().await?;
    request.write_all(format!("GET {path}\r\n").as_bytes()).await?;
    request.finish()?;
    Ok(answer)
}

async fn save_hq(mut answer: quinn::RecvStream, path: String, out: PathBuf) -> Result<(), Failure> {
    save(&out, &path, &answer.read_to_end(1 << 30).await?)
}

async fn get_h3(
    mut requests: h3::client::SendRequest<h3_quinn::OpenStreams, bytes::Bytes>,
    uri: String,
    path: String,
    out: PathBuf,
) -> Result<(), Failure> {
    let mut stream = requests.send_request(http::Request::get(uri).body(())?).await?;
    stream.finish().await?;
    let response = stream.recv_response().await?;
    if response.status() != 200 {
        return Err(format!("{path}: status {}", response.status()).into());
    }
    let mut body = Vec::new();
    while let Some(mut piece) = stream.recv_data().await? {
        let octets = piece.copy_to_bytes(piece.remaining());
        body.extend_from_slice(&octets);
    }
    save(&out, &path, &body)
}

fn save(out: &Path, path: &str, body: &[u8]) -> Result<(), Failure> {
    Ok(std::fs::write(out.join(path.trim_start_matches('/')), body)?)
}

/// `--insecure`: verifies nothing.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
