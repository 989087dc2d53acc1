//! The client side: which servers a command trusts.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
pub use tokio_rustls::client::TlsStream as ClientStream;

use super::{TlsError, files};

/// Why there is no secure connection to a server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The certificate is signed by an authority that is not trusted.
    #[error("its certificate is not signed by an authority that is trusted here")]
    Issuer,
    /// The certificate is for other names.
    #[error("its certificate is not for the name {0}")]
    Name(String),
    /// The certificate is invalid for another reason, such as expiry.
    #[error("its certificate is not valid: {0}")]
    Certificate(CertificateError),
    /// The name cannot occur in a certificate.
    #[error("{0} is neither a host name nor an address")]
    NoName(String),
    /// The server does not speak TLS, or the connection broke.
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
}

/// The authorities whose servers are trusted.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Trusts only the certificates in a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read, or contains no certificate or a damaged one.
    pub fn only(file: &Path) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        add(&mut roots, file)?;
        Self::of(roots)
    }

    /// Trusts the system's root certificates.
    ///
    /// # Errors
    /// When the TLS library refuses its own settings.
    pub fn system() -> Result<Self, TlsError> {
        Self::system_and(Path::new(""))
    }

    /// Trusts the certificates in a PEM file, if it exists, and the system's root certificates. Root certificates that
    /// cannot be loaded are ignored, so what they signed is not trusted.
    ///
    /// # Errors
    /// When the file exists and cannot be read, or contains no certificate or a damaged one.
    pub fn system_and(file: &Path) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        if file.exists() {
            add(&mut roots, file)?;
        }
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, TlsError> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Performs the handshake with the server `name`, a host name or an address. Sends nothing of the caller's before the
    /// certificate has been verified for that name.
    ///
    /// # Errors
    /// When the certificate is not trusted, the server does not speak TLS or the connection breaks.
    pub async fn connect<S>(&self, stream: S, name: &str) -> Result<ClientStream<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let server = ServerName::try_from(name.to_owned());
        let server = server.map_err(|_malformed| ConnectError::NoName(name.to_owned()))?;
        let connected = TlsConnector::from(Arc::clone(&self.0)).connect(server, stream).await;
        connected.map_err(|error| reason(error, name))
    }
}

/// Reads the certificates of a PEM file.
fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), TlsError> {
    let wrong = |what| TlsError::Content { path: file.to_owned(), what };
    let text = files::read(file)?;
    let all = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let all = all.ok().filter(|all| !all.is_empty());
    for certificate in all.ok_or_else(|| wrong("contains no certificate in PEM form"))? {
        roots.add(certificate).map_err(|_damaged| wrong("contains a damaged certificate"))?;
    }
    Ok(())
}

/// Translates an error of the TLS library.
fn reason(error: io::Error, name: &str) -> ConnectError {
    let found = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match found {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => ConnectError::Issuer,
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => ConnectError::Name(name.to_owned()),
        Some(rustls::Error::InvalidCertificate(wrong)) => ConnectError::Certificate(wrong.clone()),
        _ => ConnectError::Handshake(error),
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}
