//! The certificate authority: one key, and the certificates that it signs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, crypto};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{TlsError, pem};
use crate::domain::Timestamp;

/// How long the authority is valid: ten years.
const AUTHORITY_DAYS: i64 = 3653;
/// How long a certificate is valid after it was signed.
const LEAF_DAYS: i64 = 90;
/// How long a certificate is used before the next one is signed.
const USED_DAYS: i64 = 60;
/// How long before its creation a certificate is already valid, because clients' clocks may be wrong and ours may be
/// set back.
const EARLIER_DAYS: i64 = 7;

/// The authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    key: Zeroizing<Vec<u8>>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate with its key, and the time until which it is used.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) key: Arc<CertifiedKey>,
    from: Timestamp,
    until: Timestamp,
}

impl Leaf {
    pub(super) fn serves(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl Authority {
    /// Creates an authority with a new key.
    pub(super) fn make(now: Timestamp) -> Result<Self, TlsError> {
        Self::of_key(KeyPair::generate()?, now)
    }

    /// An authority for a given key, with a new certificate. Its name is derived from the key.
    pub(super) fn of_key(key: KeyPair, now: Timestamp) -> Result<Self, TlsError> {
        let certificate = params(&key, now).self_signed(&key)?.der().clone();
        let text = pem::encode("CERTIFICATE", &certificate).to_string();
        Ok(Self::new(key, certificate, text, now))
    }

    /// Reads an authority from its two PEM files. `None` when the key or the certificate cannot be parsed.
    pub(super) fn from_pem(
        key: &str,
        certificate: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Self>, TlsError> {
        let Ok(PrivateKeyDer::Pkcs8(der)) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else {
            return Ok(None);
        };
        let Ok(key) = KeyPair::try_from(&der) else { return Ok(None) };
        let Some(text) = certificate else { return Self::of_key(key, now).map(Some) };
        let Ok(certificate) = CertificateDer::from_pem_slice(text.as_bytes()) else { return Ok(None) };
        Ok(Some(Self::new(key, certificate, text.to_owned(), now)))
    }

    fn new(key: KeyPair, certificate: CertificateDer<'static>, pem: String, now: Timestamp) -> Self {
        let der = Zeroizing::new(key.serialize_der());
        Self { issuer: Issuer::new(params(&key, now), key), key: der, certificate, pem }
    }

    /// The certificate as PEM, for clients.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The key as PEM, for its file.
    pub(super) fn key_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.key)
    }

    /// Whether clients that trust the certificate accept what the key signs. Expiry is not checked: some clients ignore
    /// it, and the others report it to their users themselves.
    pub(super) fn fits(&self, now: Timestamp) -> Result<bool, TlsError> {
        let address = std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST);
        let leaf = self.sign(vec![SanType::IpAddress(address)], now)?;
        let mut roots = RootCertStore::empty();
        if roots.add(self.certificate.clone()).is_err() {
            return Ok(false);
        }
        let provider = Arc::new(crypto::ring::default_provider());
        let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()
        else {
            return Ok(false);
        };
        let name = ServerName::IpAddress(IpAddr::from(address));
        let now = UnixTime::since_unix_epoch(since_1970(now));
        Ok(verifier.verify_server_cert(leaf.key.end_entity_cert()?, &[], &name, &[], now).is_ok())
    }

    /// Signs a certificate for these names, with a new key.
    pub(super) fn sign(&self, names: Vec<SanType>, now: Timestamp) -> Result<Leaf, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Sesame server");
        params.subject_alt_names = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let from = now.plus_days(-EARLIER_DAYS);
        valid(&mut params, from, now.plus_days(LEAF_DAYS));
        let certificate = params.signed_by(&key, &self.issuer)?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = crypto::ring::sign::any_ecdsa_type(&secret)?;
        let key = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signing));
        Ok(Leaf { key, from, until: now.plus_days(USED_DAYS) })
    }
}

/// Whether these have the form of a key and a certificate.
pub(super) fn is_pem(key: &[u8], certificate: &[u8]) -> bool {
    matches!(PrivateKeyDer::from_pem_slice(key), Ok(PrivateKeyDer::Pkcs8(_)))
        && CertificateDer::from_pem_slice(certificate).is_ok()
}

/// The contents of the authority's certificate. Its name contains a part of the key's hash, so that two authorities in the
/// same trust store can be distinguished.
fn params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let hash = const_hex::encode(Sha256::digest(key.der_bytes()));
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("Sesame CA {}", hash.get(..8).unwrap_or_default()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now.plus_days(-EARLIER_DAYS), now.plus_days(AUTHORITY_DAYS));
    params
}

fn named(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// The last instant that a certificate can express, 9999-12-31T23:59:59Z.
const LAST_MS: u64 = 253_402_300_799_000;

fn since_1970(at: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0).min(LAST_MS))
}

/// Sets the period of validity of a certificate.
fn valid(params: &mut CertificateParams, from: Timestamp, to: Timestamp) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970(from);
    params.not_after = epoch + since_1970(to);
}

impl fmt::Debug for Authority {
    /// Omits the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("pem", &self.pem).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_491_000_000);

    #[test]
    fn an_authority_that_was_written_down_is_the_same() {
        let made = Authority::make(NOW).unwrap();
        let read = Authority::from_pem(&made.key_pem(), Some(made.pem()), NOW).unwrap().unwrap();
        assert_eq!((read.pem(), &read.key_pem()), (made.pem(), &made.key_pem()));
        assert!(read.fits(NOW).unwrap());
        assert!(!format!("{read:?}").contains(&*made.key_pem()));
    }

    #[test]
    fn a_certificate_that_was_lost_is_made_again_and_clients_that_trust_the_old_one_go_on() {
        let made = Authority::make(NOW).unwrap();
        let again = Authority::from_pem(&made.key_pem(), None, NOW.plus_days(400)).unwrap().unwrap();
        let mixed = Authority::from_pem(&again.key_pem(), Some(made.pem()), NOW).unwrap().unwrap();
        assert!(mixed.fits(NOW.plus_days(400)).unwrap());
    }

    #[test]
    fn an_authority_fits_only_its_own_key() {
        let made = Authority::make(NOW).unwrap();
        assert!(made.fits(NOW.plus_days(3650)).unwrap());
        let other = Authority::make(NOW).unwrap();
        let mixed = Authority::from_pem(&other.key_pem(), Some(made.pem()), NOW).unwrap().unwrap();
        assert!(!mixed.fits(NOW).unwrap());
        let leaf = made.sign(Vec::new(), NOW).unwrap();
        let leaf = pem::encode("CERTIFICATE", leaf.key.end_entity_cert().unwrap());
        let no_authority = Authority::from_pem(&made.key_pem(), Some(&leaf), NOW).unwrap().unwrap();
        assert!(!no_authority.fits(NOW).unwrap());
        let damaged = pem::encode("CERTIFICATE", b"no certificate");
        let damaged = Authority::from_pem(&made.key_pem(), Some(&damaged), NOW).unwrap().unwrap();
        assert!(!damaged.fits(NOW).unwrap());
    }

    #[test]
    fn other_files_than_a_key_and_a_certificate_are_refused() {
        let made = Authority::make(NOW).unwrap();
        assert!(Authority::from_pem("nothing", None, NOW).unwrap().is_none());
        assert!(Authority::from_pem(made.pem(), None, NOW).unwrap().is_none());
        assert!(Authority::from_pem(&made.key_pem(), Some("nothing"), NOW).unwrap().is_none());
    }

    #[test]
    fn times_that_no_certificate_can_say_are_bounded() {
        for ms in [i64::MIN, -1, i64::MAX] {
            let at = Timestamp::from_millis(ms);
            assert!(Authority::make(at).unwrap().fits(at).unwrap(), "{ms}");
        }
    }
}
