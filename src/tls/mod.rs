//! HTTPS: the certificate authority of a data directory, certificates for the names that clients ask for, and the
//! handshake. The only module that uses a TLS library.
//!
//! Certificates are valid by the machine's clock, not by the one that `/_sesame/clock` moves, because clients check them by
//! their own clocks. The authority is created when it is first needed, and signs only after it has been stored durably.

mod authority;
mod files;
mod leaves;
mod names;
mod own;
mod pem;
mod trust;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::server::Acceptor;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, crypto};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::LazyConfigAcceptor;
pub use tokio_rustls::server::TlsStream as Stream;

use self::authority::Authority;
use self::files::Files;
use self::leaves::Leaves;
pub use self::names::{TlsName, is_known_host};
pub use self::trust::{ClientStream, ConnectError, Trust};
use crate::domain::with_causes;
use crate::ports::Clock;

/// The first byte of a connection that begins with a TLS handshake. No HTTP request begins with it.
pub const FIRST_BYTE: u8 = 0x16;

/// Why there is no certificate to use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// What was attempted.
        verb: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file does not have the expected contents.
    #[error("{} {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The certificate does not belong to the key.
    #[error("{} does not belong to the key in {}", certificate.display(), key.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate or a key could not be created.
    #[error("cannot make a certificate")]
    Making(#[from] rcgen::Error),
    /// The TLS library refuses a certificate that we created.
    #[error("cannot use a certificate")]
    Using(#[from] rustls::Error),
}

/// The server side of HTTPS.
pub struct Tls {
    /// The settings that all connections share; each one adds its certificate. Made when first needed.
    shared: OnceLock<ServerConfig>,
    source: Source,
}

enum Source {
    /// One certificate for all clients, provided by the administrator.
    Own(Arc<CertifiedKey>),
    /// Certificates signed by Sesame's own authority.
    Signed(Box<Signer>),
}

struct Signer {
    /// Where the authority is stored. `None` when all data is in memory.
    files: Option<Files>,
    authority: OnceCell<Arc<Authority>>,
    leaves: Leaves,
    clock: Arc<dyn Clock>,
}

impl Tls {
    /// Uses the certificate and the key in two PEM files for all clients.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn own(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self { shared: OnceLock::new(), source: Source::Own(own::load(certificate, key)?) })
    }

    /// Uses certificates for the names that clients ask for, signed by the authority in `tls` of the data directory, or
    /// by one that lives as long as this process. The files of an existing authority are only checked for their form
    /// now; it is loaded or created when it is first needed. The default certificate is also valid for the address
    /// `listen`.
    ///
    /// # Errors
    /// When the authority's files are damaged.
    pub fn signed(
        data_dir: Option<&Path>,
        names: Vec<TlsName>,
        listen: IpAddr,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let files = data_dir.map(Files::of);
        if let Some(files) = &files {
            files.glance()?;
        }
        let signer = Signer { files, authority: OnceCell::new(), leaves: Leaves::new(names, listen), clock };
        Ok(Self { shared: OnceLock::new(), source: Source::Signed(Box::new(signer)) })
    }

    /// The certificate that clients must trust, as PEM. `None` when the administrator provided a certificate.
    ///
    /// # Errors
    /// When there is no authority yet and it cannot be created.
    pub async fn ca_pem(&self) -> Result<Option<String>, TlsError> {
        match &self.source {
            Source::Own(_) => Ok(None),
            Source::Signed(signer) => Ok(Some(signer.authority().await?.pem().to_owned())),
        }
    }

    /// Performs the handshake on a stream whose first byte is [`FIRST_BYTE`]. `local` is the address that the client
    /// connected to.
    ///
    /// # Errors
    /// When the client does not speak TLS or disconnects, or there is no certificate.
    pub async fn accept<S>(&self, stream: S, local: IpAddr) -> io::Result<Stream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let hello = handshake.client_hello();
        let key = match self.certificate(hello.server_name(), local).await {
            Ok(key) => key,
            Err(error) => {
                tracing::warn!(error = %with_causes(&error), "there is no certificate for HTTPS");
                return Err(io::Error::other(error));
            }
        };
        let mut config = self.shared().map_err(io::Error::other)?.clone();
        config.cert_resolver = Arc::new(SingleCertAndKey::from(key));
        handshake.into_stream(Arc::new(config)).await
    }

    fn shared(&self) -> Result<&ServerConfig, TlsError> {
        match self.shared.get() {
            Some(shared) => Ok(shared),
            None => {
                let made = shared_config()?;
                Ok(self.shared.get_or_init(|| made))
            }
        }
    }

    async fn certificate(&self, name: Option<&str>, local: IpAddr) -> Result<Arc<CertifiedKey>, TlsError> {
        match &self.source {
            Source::Own(key) => Ok(Arc::clone(key)),
            Source::Signed(signer) => {
                let authority = signer.authority().await?;
                signer.leaves.get(&authority, name, local, signer.clock.wall())
            }
        }
    }
}

impl Signer {
    /// The authority. Creates and stores it first if there is none.
    async fn authority(&self) -> Result<Arc<Authority>, TlsError> {
        let made = self.authority.get_or_try_init(|| async {
            let now = self.clock.wall();
            let Some(files) = self.files.clone() else { return Authority::make(now).map(Arc::new) };
            // This blocks on the disk. If the client that caused it disconnects, the next one finds the files.
            let made = tokio::task::spawn_blocking(move || files.load_or_make(now)).await;
            made.map_err(|gone| TlsError::Using(rustls::Error::General(gone.to_string())))?.map(Arc::new)
        });
        made.await.map(Arc::clone)
    }
}

/// The certificate of the authority in `tls` of a data directory, as PEM. Creates the authority if there is none. A server
/// that uses the directory at the same time finds it when it needs it.
///
/// # Errors
/// When it can neither be read nor created.
pub fn ca_pem(data_dir: &Path, clock: &dyn Clock) -> Result<String, TlsError> {
    Files::of(data_dir).load_or_make(clock.wall()).map(|authority| authority.pem().to_owned())
}

/// The file of the authority's certificate in a data directory. It need not exist.
pub fn ca_file(data_dir: &Path) -> PathBuf {
    Files::of(data_dir).certificate()
}

/// TLS 1.2 and 1.3, HTTP/1.1, session resumption from memory; without a certificate.
fn shared_config() -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoCertificate));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A placeholder until a connection's certificate is known.
#[derive(Debug)]
struct NoCertificate;

impl rustls::server::ResolvesServerCert for NoCertificate {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

impl fmt::Debug for Tls {
    /// Omits the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.source {
            Source::Own(_) => "own",
            Source::Signed(_) => "signed",
        };
        f.debug_struct("Tls").field("source", &kind).finish_non_exhaustive()
    }
}
