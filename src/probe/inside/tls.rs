//! TLS towards what is asked, whatever certificate it shows: that it answers is to be seen, not who it is.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::probe::request::{Failure, FailureKind};

/// Speaks TLS over a connection, with this Host as the name that is asked for (SNI).
pub(super) async fn over(
    stream: TcpStream,
    to: SocketAddr,
    host: &str,
) -> Result<TlsStream<TcpStream>, Failure> {
    let config = config().map_err(|error| failure(FailureKind::Vantage, &error.to_string()))?;
    TlsConnector::from(config).connect(name(to, host), stream).await.map_err(|error| {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
        let kind = match cause {
            // The other side does not speak TLS.
            Some(Error::InvalidMessage(_)) => FailureKind::NotHttp,
            _ => FailureKind::Closed,
        };
        failure(kind, &cause.map_or_else(|| error.to_string(), ToString::to_string))
    })
}

fn failure(kind: FailureKind, why: &str) -> Failure {
    Failure { kind, message: format!("TLS: {why}") }
}

/// The name in a Host header, without its port. What is no name is not sent.
fn name(to: SocketAddr, host: &str) -> ServerName<'static> {
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    ServerName::try_from(name.to_owned()).unwrap_or_else(|_| ServerName::IpAddress(to.ip().into()))
}

fn config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = CONFIG.get() {
        return Ok(Arc::clone(known));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_host_is_asked_for_without_its_port() {
        let to = SocketAddr::from(([127, 0, 0, 1], 443));
        let asked = |host: &str| name(to, host).to_str().into_owned();
        assert_eq!(asked("a.example.com"), "a.example.com");
        assert_eq!(asked("a.example.com:8443"), "a.example.com");
        assert_eq!(asked("a b"), "127.0.0.1");
        assert_eq!(asked("[::1]:443"), "127.0.0.1");
    }
}
