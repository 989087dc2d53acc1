//! A certificate and a key that the administrator provides.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{TlsError, files};

/// Loads a certificate chain, the server's own certificate first, and its key.
pub(super) fn load(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let wrong = |path: &Path, what| TlsError::Content { path: path.to_owned(), what };
    let text = files::read(certificate)?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| wrong(certificate, "contains no certificate in PEM form"))?;
    let text = files::read(key)?;
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|_without_its_text| {
        wrong(key, "contains no private key in PEM form without a passphrase")
    })?;
    match CertifiedKey::from_der(chain, secret, &crypto::ring::default_provider()) {
        Ok(pair) => Ok(Arc::new(pair)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(rustls::Error::InvalidCertificate(_)) => {
            Err(wrong(certificate, "contains a damaged certificate"))
        }
        Err(_) => {
            Err(wrong(key, "contains a key of an unsupported type; expected RSA, P-256, P-384 or Ed25519"))
        }
    }
}
