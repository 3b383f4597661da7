use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;
use crate::{Failure, HQ, KeyLog, initial_suite, provider, transport};

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let certificates = CertificateDer::pem_file_iter(arguments.required("cert")?)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(arguments.required("key")?)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider(arguments))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    tls.alpn_protocols = vec![arguments.required("alpn")?.into()];
    tls.key_log = KeyLog::open(arguments)?;
    tls.max_early_data_size = u32::MAX;

    let crypto = QuicServerConfig::with_initial(Arc::new(tls), initial_suite())?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(transport(arguments));
    match arguments.get("preferred").map(str::parse) {
        Some(Ok(std::net::SocketAddr::V4(address))) => config.preferred_address_v4(Some(address)),
        Some(Ok(std::net::SocketAddr::V6(address))) => config.preferred_address_v6(Some(address)),
        _ => &mut config,
    };
    let host: std::net::IpAddr = arguments.get("host").unwrap_or("127.0.0.1").parse()?;
    let endpoint = quinn::Endpoint::server(config, (host, arguments.number("port").unwrap_or(0) as u16).into())?;
    println!("listening {}", endpoint.local_addr()?.port());

    let root = PathBuf::from(arguments.required("root")?);
    let mut stopped = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = stopped.recv() => break,
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { break };
                if arguments.has("retry") && !incoming.remote_address_validated() {
                    incoming.retry()?;
                    continue;
                }
                let hq = arguments.get("alpn") == Some(HQ);
                tokio::spawn(serve(incoming, hq, root.clone()));
            }
        }
    }
    endpoint.close(0u32.into(), b"the server stops");
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), endpoint.wait_idle()).await;
    Ok(())
}

async fn serve(incoming: quinn::Incoming, hq: bool, root: PathBuf) {
    let Ok(connecting) = incoming.accept() else { return };
    // requests in 0-RTT are answered at once, in 0.5-RTT
    let connection = match connecting.into_0rtt() {
        Ok((connection, _)) => connection,
        Err(connecting) => match connecting.await {
            Ok(connection) => connection,
            Err(error) => return eprintln!("quinn: {error}"),
        },
    };
    if hq { serve_hq(connection, root).await } else { serve_h3(connection, root).await }
}

fn content(root: &Path, path: &str) -> Option<Vec<u8>> {
    let path = path.trim_start_matches('/');
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    std::fs::read(root.join(path)).ok()
}

async fn serve_hq(connection: quinn::Connection, root: PathBuf) {
    while let Ok((mut answer, mut request)) = connection.accept_bi().await {
        let root = root.clone();
        tokio::spawn(async move {
            let Ok(octets) = request.read_to_end(4096).await else { return };
            let line = String::from_utf8_lossy(&octets);
            // HTTP/0.9 has no way to say that there is nothing but an empty answer
            if let Some(body) = line.trim_end().strip_prefix("GET ").and_then(|path| content(&root, path)) {
                let _ = answer.write_chunk(body.into()).await;
            }
            let _ = answer.finish();
        });
    }
}

async fn serve_h3(connection: quinn::Connection, root: PathBuf) {
    let Ok(mut http) = h3::server::Connection::<_, Bytes>::new(h3_quinn::Connection::new(connection)).await else { return };
    while let Ok(Some(resolver)) = http.accept().await {
        let root = root.clone();
        tokio::spawn(async move {
            let Ok((request, mut stream)) = resolver.resolve_request().await else { return };
            let body = content(&root, request.uri().path());
            let status = if body.is_some() { 200 } else { 404 };
            let response = http::Response::builder().status(status).body(()).expect("a response of numbers");
            let _ = stream.send_response(response).await;
            let _ = stream.send_data(body.unwrap_or_default().into()).await;
            let _ = stream.finish().await;
        });
    }
}
