//! RSA. Every operation with the private key is blinded by the caller's randomness.

use rand::CryptoRng;
use rsa::traits::PublicKeyParts;
use rsa::{PrivateKey, PublicKey};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AsymmetricError, DIGEST_LEN, EncryptionAlgorithm, SignatureAlgorithm, decode};

/// Generates a key with the public exponent 65537.
pub(super) fn generate(bits: usize, rng: &mut dyn CryptoRng) -> Result<PrivateKey, AsymmetricError> {
    PrivateKey::new(rng, bits).map_err(opaque)
}

/// Parses a key whose modulus must have exactly this length in bits.
pub(super) fn from_pkcs8_der(der: &[u8], modulus_len: Option<usize>) -> Result<PrivateKey, AsymmetricError> {
    let key: PrivateKey = decode(der)?;
    let bits = usize::try_from(key.n().bit_width()).ok();
    if bits.is_some() && bits == modulus_len.map(|bytes| bytes * 8) {
        Ok(key)
    } else {
        Err(AsymmetricError::MalformedKey)
    }
}

pub(super) fn sign(
    key: &PrivateKey,
    algorithm: SignatureAlgorithm,
    digest: &[u8; DIGEST_LEN],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    match algorithm {
        SignatureAlgorithm::RsaPssSha256 => key.pss_sign_prehash_with_rng::<Sha256, _>(rng, digest),
        SignatureAlgorithm::RsaPkcs1Sha256 => key.pkcs1v15_sign_prehash_with_rng::<Sha256, _>(rng, digest),
        SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::Sm2Dsa => {
            return Err(AsymmetricError::UnsupportedAlgorithm);
        }
    }
    .map_err(opaque)
}

pub(super) fn verify(
    key: &PublicKey,
    algorithm: SignatureAlgorithm,
    digest: &[u8; DIGEST_LEN],
    signature: &[u8],
) -> bool {
    match algorithm {
        SignatureAlgorithm::RsaPssSha256 => key.pss_verify_prehash::<Sha256>(digest, signature).is_ok(),
        SignatureAlgorithm::RsaPkcs1Sha256 => {
            key.pkcs1v15_verify_prehash::<Sha256>(digest, signature).is_ok()
        }
        SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::Sm2Dsa => false,
    }
}

pub(super) fn encrypt(
    key: &PublicKey,
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => key.oaep_encrypt_with_rng::<Sha1, _>(rng, plaintext),
        EncryptionAlgorithm::RsaesOaepSha256 => key.oaep_encrypt_with_rng::<Sha256, _>(rng, plaintext),
        EncryptionAlgorithm::Sm2Pke => return Err(AsymmetricError::UnsupportedAlgorithm),
    }
    .map_err(opaque)
}

pub(super) fn decrypt(
    key: &PrivateKey,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => key.oaep_decrypt_with_rng::<Sha1, _>(rng, ciphertext),
        EncryptionAlgorithm::RsaesOaepSha256 => key.oaep_decrypt_with_rng::<Sha256, _>(rng, ciphertext),
        EncryptionAlgorithm::Sm2Pke => return Err(AsymmetricError::UnsupportedAlgorithm),
    }
    .map(Zeroizing::new)
    .map_err(opaque)
}

/// Decrypts PKCS #1 v1.5 with implicit rejection: invalid padding is not an error but yields synthetic bytes.
pub(super) fn decrypt_pkcs1(
    key: &PrivateKey,
    ciphertext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
    key.pkcs1v15_decrypt_with_rng(rng, ciphertext).map(Zeroizing::new).map_err(opaque)
}

fn opaque(_reason: rsa::Error) -> AsymmetricError {
    AsymmetricError::Failed
}
