//! Elliptic curves: ECDSA on P-256 and secp256k1, SM2 signatures and SM2 encryption.

use k256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use p256::elliptic_curve::Generate;
use p256::pkcs8::der::{Decode, Encode};
use rand::CryptoRng;
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use sm3::Sm3;
use zeroize::Zeroizing;

use super::{AsymmetricError, DIGEST_LEN};

/// The default identity of a signer in GM/T 0009. It is an input of `e`, which the caller computes, so it has no effect
/// here.
const DEFAULT_ID: &str = "1234567812345678";

/// How much longer an SM2 ciphertext can be than the plaintext: three tags and lengths of at most four bytes, two numbers
/// of at most 35 bytes, and the hash with tag and length.
const SM2_MAX_OVERHEAD: usize = 2 * 4 + 2 * 35 + 34;

type Sm2Ciphertext<'a> = sm2::pke::Cipher<'a, sm2::Sm2, Sm3>;

/// Generates a private key of the curve given by the type.
pub(super) fn generate<K: Generate>(rng: &mut dyn CryptoRng) -> K {
    K::generate_from_rng(rng)
}

pub(super) fn sign_p256(
    key: &p256::ecdsa::SigningKey,
    digest: &[u8; DIGEST_LEN],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    let signature: Result<p256::ecdsa::Signature, _> = key.sign_prehash_with_rng(rng, digest);
    Ok(signature.map_err(opaque)?.to_der().as_bytes().to_vec())
}

pub(super) fn verify_p256(
    key: &p256::ecdsa::VerifyingKey,
    digest: &[u8; DIGEST_LEN],
    signature: &[u8],
) -> bool {
    p256::ecdsa::Signature::from_der(signature)
        .and_then(|signature| key.verify_prehash(digest, &signature))
        .is_ok()
}

pub(super) fn sign_k256(
    key: &k256::ecdsa::SigningKey,
    digest: &[u8; DIGEST_LEN],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    let signature: Result<k256::ecdsa::Signature, _> = key.sign_prehash_with_rng(rng, digest);
    Ok(signature.map_err(opaque)?.to_der().as_bytes().to_vec())
}

/// Accepts both forms of a signature, because other implementations make both. The crate accepts only the one with the
/// lower number, as Bitcoin requires.
pub(super) fn verify_k256(
    key: &k256::ecdsa::VerifyingKey,
    digest: &[u8; DIGEST_LEN],
    signature: &[u8],
) -> bool {
    k256::ecdsa::Signature::from_der(signature)
        .and_then(|signature| key.verify_prehash(digest, &signature.normalize_s()))
        .is_ok()
}

pub(super) fn sign_sm2(
    key: &sm2::SecretKey,
    digest: &[u8; DIGEST_LEN],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    let key = sm2::dsa::SigningKey::new(DEFAULT_ID, key).map_err(opaque)?;
    let signature = key.sign_prehash_with_rng(rng, digest).map_err(opaque)?;
    Ok(signature.to_der().to_vec())
}

pub(super) fn verify_sm2(key: sm2::PublicKey, digest: &[u8; DIGEST_LEN], signature: &[u8]) -> bool {
    sm2::dsa::VerifyingKey::new(DEFAULT_ID, key)
        .and_then(|key| key.verify_prehash(digest, &sm2::dsa::Signature::from_der(signature)?))
        .is_ok()
}

pub(super) fn encrypt_sm2(
    key: sm2::PublicKey,
    plaintext: &[u8],
    mut rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AsymmetricError> {
    let key = EncryptingKey::new_with_mode(key, Mode::C1C3C2);
    let ciphertext: Sm2Ciphertext<'_> = key.encrypt_cipher(&mut rng, plaintext).map_err(opaque)?;
    ciphertext.to_der().map_err(opaque)
}

/// Decrypts a plaintext of at most `limit` bytes.
pub(super) fn decrypt_sm2(
    key: &sm2::SecretKey,
    limit: usize,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, AsymmetricError> {
    if ciphertext.len() > limit + SM2_MAX_OVERHEAD {
        return Err(AsymmetricError::CiphertextLength(ciphertext.len()));
    }
    let ciphertext = Sm2Ciphertext::from_der(ciphertext).map_err(opaque)?;
    let length = ciphertext.c2().len();
    if !(1..=limit).contains(&length) {
        return Err(AsymmetricError::Failed);
    }
    let mut plaintext = Zeroizing::new(vec![0; length]);
    DecryptingKey::new_with_mode(key.to_nonzero_scalar(), Mode::C1C3C2)
        .decrypt_cipher_with_buf(&ciphertext, &mut plaintext)
        .map_err(opaque)?;
    Ok(plaintext)
}

/// Discards the reason.
fn opaque<E>(_reason: E) -> AsymmetricError {
    AsymmetricError::Failed
}
