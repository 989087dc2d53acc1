//! Key pairs of customer master keys: signing, and encryption to a public key.
//!
//! | spec | signs | encrypts, at most bytes |
//! |---|---|---|
//! | RSA_2048 | PSS, PKCS #1 v1.5 | OAEP: 214 (SHA-1), 190 (SHA-256) |
//! | RSA_3072 | PSS, PKCS #1 v1.5 | OAEP: 342 (SHA-1), 318 (SHA-256) |
//! | EC_P256, EC_P256K | ECDSA | – |
//! | EC_SM2 | SM2DSA | SM2PKE: 6047 |
//!
//! The input of a signature is always a digest of 32 bytes that the caller has computed: SHA-256, or for SM2DSA the
//! number `e` of GB/T 32918.2, which is SM3 over the signer's `Z` and the message.
//!
//! Private keys are wiped when dropped. Intermediate values on the stack are not, which concerns mainly SM2.

mod curves;
mod rsa_keys;

#[cfg(test)]
mod interop;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use std::fmt;

use rand::CryptoRng;
use rsa::pkcs8::{self, DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding, spki};
use zeroize::Zeroizing;

/// Length of the digest to sign, in bytes.
pub const DIGEST_LEN: usize = 32;

/// The longest plaintext of SM2PKE, in bytes: a limit of the service, not of the algorithm.
const SM2_MAX_PLAINTEXT: usize = 6047;

/// The type of a key pair: algorithm family and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPairSpec {
    /// RSA, modulus of 2048 bits.
    Rsa2048,
    /// RSA, modulus of 3072 bits.
    Rsa3072,
    /// The NIST curve P-256, also called secp256r1 and prime256v1.
    EcP256,
    /// The curve secp256k1.
    EcP256K,
    /// The curve of GB/T 32918.5.
    EcSm2,
}

impl KeyPairSpec {
    /// All specs.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::EcP256, Self::EcP256K, Self::EcSm2];

    /// The service's name of the spec, as in `KeySpec`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::EcP256 => "EC_P256",
            Self::EcP256K => "EC_P256K",
            Self::EcSm2 => "EC_SM2",
        }
    }

    /// Whether a key of this spec can sign with this algorithm.
    pub const fn supports_signing(self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm::{EcdsaSha256, RsaPkcs1Sha256, RsaPssSha256, Sm2Dsa};
        match self {
            Self::Rsa2048 | Self::Rsa3072 => matches!(algorithm, RsaPssSha256 | RsaPkcs1Sha256),
            Self::EcP256 | Self::EcP256K => matches!(algorithm, EcdsaSha256),
            Self::EcSm2 => matches!(algorithm, Sm2Dsa),
        }
    }

    /// Whether a key of this spec can encrypt with this algorithm.
    pub const fn supports_encryption(self, algorithm: EncryptionAlgorithm) -> bool {
        self.max_plaintext_len(algorithm).is_some()
    }

    /// The longest plaintext, in bytes. `None` when the spec does not support the algorithm.
    pub const fn max_plaintext_len(self, algorithm: EncryptionAlgorithm) -> Option<usize> {
        use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256, Sm2Pke};
        // OAEP uses two hashes and two bytes of the modulus.
        match (self.modulus_len(), self, algorithm) {
            (Some(modulus), _, RsaesOaepSha1) => Some(modulus - 2 * 20 - 2),
            (Some(modulus), _, RsaesOaepSha256) => Some(modulus - 2 * 32 - 2),
            (None, Self::EcSm2, Sm2Pke) => Some(SM2_MAX_PLAINTEXT),
            _ => None,
        }
    }

    /// Length of an RSA modulus in bytes.
    const fn modulus_len(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(2048 / 8),
            Self::Rsa3072 => Some(3072 / 8),
            Self::EcP256 | Self::EcP256K | Self::EcSm2 => None,
        }
    }
}

/// Signature algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// ECDSA over a SHA-256 digest, the signature in ASN.1 DER.
    EcdsaSha256,
    /// SM2 over `e`, the signature in ASN.1 DER.
    Sm2Dsa,
}

impl SignatureAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 4] = [Self::RsaPssSha256, Self::RsaPkcs1Sha256, Self::EcdsaSha256, Self::Sm2Dsa];

    /// The service's name of the algorithm, as in `Algorithm` of `AsymmetricSign`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPssSha256 => "RSA_PSS_SHA_256",
            Self::RsaPkcs1Sha256 => "RSA_PKCS1_SHA_256",
            Self::EcdsaSha256 => "ECDSA_SHA_256",
            Self::Sm2Dsa => "SM2DSA",
        }
    }
}

/// Algorithms of public-key encryption.
///
/// Decryption with OAEP ignores the first byte of the padded message, which other implementations require to be zero. Not
/// checking it prevents Manger's attack (draft-irtf-cfrg-rsa-guidance).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncryptionAlgorithm {
    /// RSAES-OAEP with SHA-1, MGF1 with SHA-1 and an empty label.
    RsaesOaepSha1,
    /// RSAES-OAEP with SHA-256, MGF1 with SHA-256 and an empty label.
    RsaesOaepSha256,
    /// SM2 public-key encryption with SM3, the ciphertext in the ASN.1 DER of GM/T 0009 (`C1`, `C3`, `C2`).
    Sm2Pke,
}

impl EncryptionAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 3] = [Self::RsaesOaepSha1, Self::RsaesOaepSha256, Self::Sm2Pke];

    /// The service's name of the algorithm, as in `Algorithm` of `AsymmetricEncrypt`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
            Self::Sm2Pke => "SM2PKE",
        }
    }
}

/// Algorithms that encrypt key material for an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrappingAlgorithm {
    /// As [`EncryptionAlgorithm::RsaesOaepSha1`].
    RsaesOaepSha1,
    /// As [`EncryptionAlgorithm::RsaesOaepSha256`].
    RsaesOaepSha256,
    /// RSAES-PKCS1-v1_5, for imports only; see [`KeyPair::unwrap_key_material`].
    RsaesPkcs1V15,
}

impl WrappingAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 3] = [Self::RsaesOaepSha1, Self::RsaesOaepSha256, Self::RsaesPkcs1V15];

    /// The service's name of the algorithm, as in `WrappingAlgorithm` of `GetParametersForImport`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
            Self::RsaesPkcs1V15 => "RSAES_PKCS1_V1_5",
        }
    }
}

/// Why an operation with a key pair failed. Contains nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AsymmetricError {
    /// A key of this spec does not support the algorithm.
    #[error("the key does not support the algorithm")]
    UnsupportedAlgorithm,
    /// The input to sign or verify is not a digest of 32 bytes; its length is given.
    #[error("a digest of {0} bytes, where 32 are needed")]
    DigestLength(usize),
    /// The plaintext is longer than the key can encrypt at once, or empty where that is not allowed.
    #[error("a plaintext of {length} bytes, where at most {limit} can be encrypted")]
    PlaintextLength {
        /// Its length in bytes.
        length: usize,
        /// The longest plaintext that the key can encrypt.
        limit: usize,
    },
    /// The ciphertext has a length that this key never produces.
    #[error("a ciphertext of {0} bytes, which the key cannot have made")]
    CiphertextLength(usize),
    /// Not a private key of this spec in PKCS #8.
    #[error("malformed private key")]
    MalformedKey,
    /// Any other failure, such as a ciphertext of another key or altered bytes. It does not say which.
    #[error("the operation failed")]
    Failed,
}

/// A private key with its public key. Wiped when dropped, never shown by `Debug`, neither comparable nor clonable; share
/// it in an `Arc`.
pub struct KeyPair {
    spec: KeyPairSpec,
    key: Box<PrivateKey>,
}

enum PrivateKey {
    Rsa(rsa::PrivateKey),
    P256(p256::ecdsa::SigningKey),
    K256(k256::ecdsa::SigningKey),
    /// With the public key, which the crate would otherwise compute each time.
    Sm2(sm2::SecretKey, sm2::PublicKey),
}

impl PrivateKey {
    fn sm2(key: sm2::SecretKey) -> Self {
        let public = key.public_key();
        Self::Sm2(key, public)
    }
}

impl KeyPair {
    /// Generates a key pair. RSA takes from some ten milliseconds to a second, depending on luck: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`] when no RSA key was found, which does not happen with a working source of randomness.
    pub fn generate(spec: KeyPairSpec, rng: &mut dyn CryptoRng) -> Result<Self, AsymmetricError> {
        let key = match spec {
            KeyPairSpec::Rsa2048 => PrivateKey::Rsa(rsa_keys::generate(2048, rng)?),
            KeyPairSpec::Rsa3072 => PrivateKey::Rsa(rsa_keys::generate(3072, rng)?),
            KeyPairSpec::EcP256 => PrivateKey::P256(curves::generate(rng)),
            KeyPairSpec::EcP256K => PrivateKey::K256(curves::generate(rng)),
            KeyPairSpec::EcSm2 => PrivateKey::sm2(curves::generate(rng)),
        };
        Ok(Self { spec, key: Box::new(key) })
    }

    /// The private key as an unencrypted PKCS #8 `PrivateKeyInfo`, to be sealed and stored. Wiped when
    /// dropped.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`], which does not happen with keys that this module generated or parsed.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
        let document = match self.key.as_ref() {
            PrivateKey::Rsa(key) => key.to_pkcs8_der(),
            PrivateKey::P256(key) => key.to_pkcs8_der(),
            PrivateKey::K256(key) => key.to_pkcs8_der(),
            PrivateKey::Sm2(key, _) => key.to_pkcs8_der(),
        };
        Ok(document.map_err(|_encoding| AsymmetricError::Failed)?.to_bytes())
    }

    /// Parses a PKCS #8 private key, written by [`KeyPair::to_pkcs8_der`] or another program. Checks the curve or the
    /// length of the modulus, and that the private and the public part belong together.
    ///
    /// # Errors
    /// [`AsymmetricError::MalformedKey`] when it is not a key of this spec.
    pub fn from_pkcs8_der(spec: KeyPairSpec, der: &[u8]) -> Result<Self, AsymmetricError> {
        let key = match spec {
            KeyPairSpec::Rsa2048 | KeyPairSpec::Rsa3072 => {
                rsa_keys::from_pkcs8_der(der, spec.modulus_len()).map(PrivateKey::Rsa)
            }
            KeyPairSpec::EcP256 => decode(der).map(PrivateKey::P256),
            KeyPairSpec::EcP256K => decode(der).map(PrivateKey::K256),
            KeyPairSpec::EcSm2 => decode(der).map(PrivateKey::sm2),
        };
        Ok(Self { spec, key: Box::new(key?) })
    }

    /// The type of the key pair.
    pub fn spec(&self) -> KeyPairSpec {
        self.spec
    }

    /// The public key as a PEM `SubjectPublicKeyInfo`: lines of 64 characters, each terminated by a line feed, exactly as
    /// `openssl pkey -pubout` prints it.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`], which does not happen with keys that this module generated or parsed.
    pub fn public_key_pem(&self) -> Result<String, AsymmetricError> {
        let pem: spki::Result<String> = match self.key.as_ref() {
            PrivateKey::Rsa(key) => key.as_public_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::P256(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::K256(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::Sm2(_, key) => key.to_public_key_pem(LineEnding::LF),
        };
        pem.map_err(|_encoding| AsymmetricError::Failed)
    }

    /// Signs a digest. The random numbers are the salt of PSS, blind the RSA private key, and hedge the deterministic
    /// nonce of the curves (RFC 6979). Signatures of the same digest therefore differ, except those of PKCS #1 v1.5.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::DigestLength`], and [`AsymmetricError::Failed`],
    /// which is not expected.
    pub fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, AsymmetricError> {
        let digest = self.digest(algorithm, digest)?;
        match self.key.as_ref() {
            PrivateKey::Rsa(key) => rsa_keys::sign(key, algorithm, digest, rng),
            PrivateKey::P256(key) => curves::sign_p256(key, digest, rng),
            PrivateKey::K256(key) => curves::sign_k256(key, digest, rng),
            PrivateKey::Sm2(key, _) => curves::sign_sm2(key, digest, rng),
        }
    }

    /// Whether a signature of the digest was made by this key. False for a signature that is malformed or has the wrong
    /// length. Both forms of an ECDSA signature are accepted.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::DigestLength`].
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, AsymmetricError> {
        let digest = self.digest(algorithm, digest)?;
        Ok(match self.key.as_ref() {
            PrivateKey::Rsa(key) => rsa_keys::verify(key.as_public_key(), algorithm, digest, signature),
            PrivateKey::P256(key) => curves::verify_p256(key.verifying_key(), digest, signature),
            PrivateKey::K256(key) => curves::verify_k256(key.verifying_key(), digest, signature),
            PrivateKey::Sm2(_, key) => curves::verify_sm2(*key, digest, signature),
        })
    }

    /// Encrypts to the public key. The limits are those of [`KeyPairSpec::max_plaintext_len`]; SM2PKE cannot encrypt an
    /// empty plaintext.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::PlaintextLength`], and
    /// [`AsymmetricError::Failed`], which is not expected.
    pub fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, AsymmetricError> {
        let limit = self.spec.max_plaintext_len(algorithm).ok_or(AsymmetricError::UnsupportedAlgorithm)?;
        let length = plaintext.len();
        let least = usize::from(algorithm == EncryptionAlgorithm::Sm2Pke);
        if !(least..=limit).contains(&length) {
            return Err(AsymmetricError::PlaintextLength { length, limit });
        }
        match self.key.as_ref() {
            PrivateKey::Rsa(key) => rsa_keys::encrypt(key.as_public_key(), algorithm, plaintext, rng),
            PrivateKey::Sm2(_, key) => curves::encrypt_sm2(*key, plaintext, rng),
            PrivateKey::P256(_) | PrivateKey::K256(_) => Err(AsymmetricError::UnsupportedAlgorithm),
        }
    }

    /// Decrypts with the private key, blinded by the random numbers. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::CiphertextLength`]; [`AsymmetricError::Failed`]
    /// for every other reason.
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
        if !self.spec.supports_encryption(algorithm) {
            return Err(AsymmetricError::UnsupportedAlgorithm);
        }
        match self.key.as_ref() {
            PrivateKey::Rsa(key) => {
                self.check_rsa_ciphertext(ciphertext)?;
                rsa_keys::decrypt(key, algorithm, ciphertext, rng)
            }
            PrivateKey::Sm2(key, _) => curves::decrypt_sm2(key, SM2_MAX_PLAINTEXT, ciphertext),
            PrivateKey::P256(_) | PrivateKey::K256(_) => Err(AsymmetricError::UnsupportedAlgorithm),
        }
    }

    /// Decrypts key material of a known length that was encrypted to this RSA key for an import.
    ///
    /// PKCS #1 v1.5 cannot report invalid padding without helping an attacker who tries many ciphertexts
    /// (Bleichenbacher, Marvin). Invalid padding is therefore not an error: it yields bytes that look random and depend
    /// only on the key and the ciphertext. Their length looks random too and usually is not the expected one. About one
    /// invalid ciphertext in 250 passes, as material that nobody knows. OAEP does not have this problem; prefer it.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`] when the key is not RSA, [`AsymmetricError::CiphertextLength`];
    /// [`AsymmetricError::Failed`] for every other reason, such as material of another length.
    pub fn unwrap_key_material(
        &self,
        algorithm: WrappingAlgorithm,
        wrapped: &[u8],
        length: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
        let PrivateKey::Rsa(key) = self.key.as_ref() else {
            return Err(AsymmetricError::UnsupportedAlgorithm);
        };
        self.check_rsa_ciphertext(wrapped)?;
        let material = match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => {
                rsa_keys::decrypt(key, EncryptionAlgorithm::RsaesOaepSha1, wrapped, rng)
            }
            WrappingAlgorithm::RsaesOaepSha256 => {
                rsa_keys::decrypt(key, EncryptionAlgorithm::RsaesOaepSha256, wrapped, rng)
            }
            WrappingAlgorithm::RsaesPkcs1V15 => rsa_keys::decrypt_pkcs1(key, wrapped, rng),
        }?;
        if material.len() == length { Ok(material) } else { Err(AsymmetricError::Failed) }
    }

    /// The digest, if the key supports the algorithm and the length is right.
    fn digest<'a>(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &'a [u8],
    ) -> Result<&'a [u8; DIGEST_LEN], AsymmetricError> {
        if !self.spec.supports_signing(algorithm) {
            return Err(AsymmetricError::UnsupportedAlgorithm);
        }
        digest.try_into().map_err(|_length| AsymmetricError::DigestLength(digest.len()))
    }

    /// Checks that a ciphertext is as long as the modulus, which is public.
    fn check_rsa_ciphertext(&self, ciphertext: &[u8]) -> Result<(), AsymmetricError> {
        if self.spec.modulus_len() == Some(ciphertext.len()) {
            Ok(())
        } else {
            Err(AsymmetricError::CiphertextLength(ciphertext.len()))
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({}, redacted)", self.spec.name())
    }
}

fn decode<K: DecodePrivateKey>(der: &[u8]) -> Result<K, AsymmetricError> {
    K::from_pkcs8_der(der).map_err(|_malformed: pkcs8::Error| AsymmetricError::MalformedKey)
}
