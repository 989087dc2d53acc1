//! Key pairs of customer master keys: signing, and encryption to a public key.
//!
//! | spec | signs | encrypts, at most bytes |
//! |---|---|---|
//! | RSA_2048 | PSS, PKCS #1 v1.5 | OAEP: 214 (SHA-1), 190 (SHA-256) |
//! | RSA_3072 | PSS, PKCS #1 v1.5 | OAEP: 342 (SHA-1), 318 (SHA-256) |
//! | EC_P256, EC_P256K | ECDSA | – |
//! | EC_SM2 | SM2DSA | SM2PKE: 6047 |
//!
//! What is signed is always a digest of 32 bytes that the caller has computed: SHA-256, for SM2DSA the
//! number `e` of GB/T 32918.2, which is SM3 over the signer's `Z` and the message.
//!
//! Private keys are wiped when dropped. What the arithmetic leaves on the stack, of SM2 above all, is not.

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

/// Length of what is signed, in bytes.
pub const DIGEST_LEN: usize = 32;

/// The most that SM2PKE encrypts at once, in bytes: a limit of the service, not of the algorithm.
const SM2_MAX_PLAINTEXT: usize = 6047;

/// What kind of key pair: the algorithm family and the size.
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
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::EcP256, Self::EcP256K, Self::EcSm2];

    /// The name the service gives it, as in `KeySpec`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::EcP256 => "EC_P256",
            Self::EcP256K => "EC_P256K",
            Self::EcSm2 => "EC_SM2",
        }
    }

    /// Whether a key of this spec can make signatures of this kind.
    pub const fn supports_signing(self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm::{EcdsaSha256, RsaPkcs1Sha256, RsaPssSha256, Sm2Dsa};
        match self {
            Self::Rsa2048 | Self::Rsa3072 => matches!(algorithm, RsaPssSha256 | RsaPkcs1Sha256),
            Self::EcP256 | Self::EcP256K => matches!(algorithm, EcdsaSha256),
            Self::EcSm2 => matches!(algorithm, Sm2Dsa),
        }
    }

    /// Whether a key of this spec can encrypt in this way.
    pub const fn supports_encryption(self, algorithm: EncryptionAlgorithm) -> bool {
        self.max_plaintext_len(algorithm).is_some()
    }

    /// How many bytes can be encrypted at once; `None` when the spec does not support the algorithm.
    pub const fn max_plaintext_len(self, algorithm: EncryptionAlgorithm) -> Option<usize> {
        use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256, Sm2Pke};
        // OAEP takes two hashes and two bytes of the modulus.
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

/// How to sign.
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RsaPssSha256, Self::RsaPkcs1Sha256, Self::EcdsaSha256, Self::Sm2Dsa];

    /// The name the service gives it, as in `Algorithm` of `AsymmetricSign`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPssSha256 => "RSA_PSS_SHA_256",
            Self::RsaPkcs1Sha256 => "RSA_PKCS1_SHA_256",
            Self::EcdsaSha256 => "ECDSA_SHA_256",
            Self::Sm2Dsa => "SM2DSA",
        }
    }
}

/// How to encrypt to a public key.
///
/// Decrypting OAEP ignores the first byte of the padded message, which is zero as others write it: not to
/// look at it closes Manger's attack (draft-irtf-cfrg-rsa-guidance).
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RsaesOaepSha1, Self::RsaesOaepSha256, Self::Sm2Pke];

    /// The name the service gives it, as in `Algorithm` of `AsymmetricEncrypt`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
            Self::Sm2Pke => "SM2PKE",
        }
    }
}

/// How key material that is imported has been encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrappingAlgorithm {
    /// As [`EncryptionAlgorithm::RsaesOaepSha1`].
    RsaesOaepSha1,
    /// As [`EncryptionAlgorithm::RsaesOaepSha256`].
    RsaesOaepSha256,
    /// RSAES-PKCS1-v1_5, which exists for imports alone; see [`KeyPair::unwrap_key_material`].
    RsaesPkcs1V15,
}

impl WrappingAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RsaesOaepSha1, Self::RsaesOaepSha256, Self::RsaesPkcs1V15];

    /// The name the service gives it, as in `WrappingAlgorithm` of `GetParametersForImport`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
            Self::RsaesPkcs1V15 => "RSAES_PKCS1_V1_5",
        }
    }
}

/// Why an operation with a key pair did not succeed. Carries nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AsymmetricError {
    /// A key of this spec does not do this.
    #[error("the key does not support the algorithm")]
    UnsupportedAlgorithm,
    /// What is to be signed or verified is not a digest of 32 bytes, but so many.
    #[error("a digest of {0} bytes, where 32 are needed")]
    DigestLength(usize),
    /// What is to be encrypted is longer than the key can encrypt at once, or empty where that cannot be.
    #[error("a plaintext of {length} bytes, where at most {limit} can be encrypted")]
    PlaintextLength {
        /// Its length in bytes.
        length: usize,
        /// The most the key encrypts.
        limit: usize,
    },
    /// The ciphertext is of a length that this key never makes.
    #[error("a ciphertext of {0} bytes, which the key cannot have made")]
    CiphertextLength(usize),
    /// Not the private key of this spec in PKCS #8.
    #[error("malformed private key")]
    MalformedKey,
    /// Everything else: a ciphertext of another key, altered bytes. Which of them is not told.
    #[error("the operation failed")]
    Failed,
}

/// A private key and its public key. Wiped when dropped, never shown by `Debug`, not comparable and not
/// clonable; share it in an `Arc`.
pub struct KeyPair {
    spec: KeyPairSpec,
    key: Box<PrivateKey>,
}

enum PrivateKey {
    Rsa(rsa::PrivateKey),
    P256(p256::ecdsa::SigningKey),
    K256(k256::ecdsa::SigningKey),
    /// The public key beside it, which the crate else computes each time.
    Sm2(sm2::SecretKey, sm2::PublicKey),
}

impl PrivateKey {
    fn sm2(key: sm2::SecretKey) -> Self {
        let public = key.public_key();
        Self::Sm2(key, public)
    }
}

impl KeyPair {
    /// A fresh random key pair. RSA takes from some hundredths of a second to a second, by luck: call
    /// it where blocking is allowed.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`] when no RSA key was found, which does not happen with a working source
    /// of randomness.
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
    /// [`AsymmetricError::Failed`], which does not happen with the keys this module makes and takes.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
        let document = match self.key.as_ref() {
            PrivateKey::Rsa(key) => key.to_pkcs8_der(),
            PrivateKey::P256(key) => key.to_pkcs8_der(),
            PrivateKey::K256(key) => key.to_pkcs8_der(),
            PrivateKey::Sm2(key, _) => key.to_pkcs8_der(),
        };
        Ok(document.map_err(|_encoding| AsymmetricError::Failed)?.to_bytes())
    }

    /// Reads what [`KeyPair::to_pkcs8_der`] wrote, or another program. The key is checked: curve or modulus
    /// length, and that the private and the public part belong together.
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

    /// What kind of key pair it is.
    pub fn spec(&self) -> KeyPairSpec {
        self.spec
    }

    /// The public key as a PEM `SubjectPublicKeyInfo`: lines of 64 characters, each ended by a line feed,
    /// exactly what `openssl pkey -pubout` prints.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`], which does not happen with the keys this module makes and takes.
    pub fn public_key_pem(&self) -> Result<String, AsymmetricError> {
        let pem: spki::Result<String> = match self.key.as_ref() {
            PrivateKey::Rsa(key) => key.as_public_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::P256(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::K256(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            PrivateKey::Sm2(_, key) => key.to_public_key_pem(LineEnding::LF),
        };
        pem.map_err(|_encoding| AsymmetricError::Failed)
    }

    /// Signs a digest. The randomness is the salt of PSS, blinds the private key of RSA, and hedges the
    /// deterministic nonce of the curves (RFC 6979): a signature is a different one each time, except of
    /// PKCS #1 v1.5.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::DigestLength`]; otherwise
    /// [`AsymmetricError::Failed`], which is not to be expected.
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

    /// Whether a signature is one of this key over the digest. One that is malformed or of a wrong length is
    /// not. Of the two forms that each ECDSA signature has, both are.
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

    /// Encrypts to the public key. The limits are those of [`KeyPairSpec::max_plaintext_len`]; SM2PKE does
    /// not encrypt the empty plaintext.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::PlaintextLength`]; otherwise
    /// [`AsymmetricError::Failed`], which is not to be expected.
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

    /// Decrypts with the private key; the randomness blinds it. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`], [`AsymmetricError::CiphertextLength`]; for every other
    /// reason [`AsymmetricError::Failed`].
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

    /// Decrypts key material of a known length that somebody encrypted to this RSA key for an import.
    ///
    /// PKCS #1 v1.5 has no way to tell a good ciphertext from a bad one without helping whoever tries many
    /// of them (Bleichenbacher, Marvin). So none is refused for its padding: what does not decrypt gives
    /// bytes that look random and depend on key and ciphertext alone, of a length that looks random too and
    /// mostly is not the length wanted. About one bad ciphertext in 250 does pass, as material that nobody
    /// knows. OAEP has neither problem; prefer it.
    ///
    /// # Errors
    /// [`AsymmetricError::UnsupportedAlgorithm`] when the key is not RSA,
    /// [`AsymmetricError::CiphertextLength`]; for every other reason, the length of the material among them,
    /// [`AsymmetricError::Failed`].
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

    /// The digest, when the key supports the algorithm and the length is right.
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

    /// An RSA ciphertext is as long as the modulus, which is public.
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
