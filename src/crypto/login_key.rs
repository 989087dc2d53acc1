//! Key pairs for logins over SSH: RSA with 2048 bits, as OpenSSH and its relatives read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::CryptoRng;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use zeroize::Zeroizing;

use super::asymmetric::AsymmetricError;

/// Modulus, in bits.
const BITS: usize = 2048;
/// What a public key of this kind begins with.
const KIND: &str = "ssh-rsa";

/// A fresh key pair of a login.
pub struct LoginKey {
    /// The private key in PEM (`BEGIN RSA PRIVATE KEY`), which every SSH client reads.
    pub private_pem: Zeroizing<String>,
    /// The public key as one line of `authorized_keys`, without a comment.
    pub public_line: String,
}

impl std::fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginKey").field("public_line", &self.public_line).finish_non_exhaustive()
    }
}

impl LoginKey {
    /// Makes a key pair. It takes from some hundredths of a second to a second, by luck: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`AsymmetricError::Failed`], which does not happen with a working source of randomness.
    pub fn generate(rng: &mut dyn CryptoRng) -> Result<Self, AsymmetricError> {
        let key = rsa::PrivateKey::new(rng, BITS).map_err(|_reason| AsymmetricError::Failed)?;
        let private_pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|_encoding| AsymmetricError::Failed)?;
        let mut blob = Vec::new();
        field(&mut blob, KIND.as_bytes());
        number(&mut blob, &key.e().to_be_bytes());
        number(&mut blob, &key.n().to_be_bytes());
        Ok(Self { private_pem, public_line: format!("{KIND} {}", STANDARD.encode(blob)) })
    }
}

/// A field of RFC 4251: its length in four bytes, and its bytes.
fn field(blob: &mut Vec<u8>, bytes: &[u8]) {
    blob.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    blob.extend(bytes);
}

/// A positive number of RFC 4251: without leading zeros, but with one where the first bit is set.
fn number(blob: &mut Vec<u8>, bytes: &[u8]) {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(first..).unwrap_or_default();
    let sign = digits.first().is_some_and(|byte| *byte >= 0x80);
    let padded: Vec<u8> = sign.then_some(0).into_iter().chain(digits.iter().copied()).collect();
    field(blob, &padded);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use rsa::pkcs1::DecodeRsaPrivateKey;

    use super::*;

    fn made() -> LoginKey {
        LoginKey::generate(&mut ChaCha20Rng::seed_from_u64(5)).unwrap()
    }

    #[test]
    fn numbers_have_no_leading_zeros_but_one_for_the_sign() {
        let of = |bytes: &[u8]| {
            let mut blob = Vec::new();
            number(&mut blob, bytes);
            blob
        };
        assert_eq!(of(&[0, 0, 1, 0, 1]), [0, 0, 0, 3, 1, 0, 1]);
        assert_eq!(of(&[0x80]), [0, 0, 0, 2, 0, 0x80]);
        assert_eq!(of(&[0]), [0, 0, 0, 0]);
    }

    #[test]
    fn rule_dy6_3_a_pair_has_2048_bits_and_its_halves_belong_together() {
        let pair = made();
        let key = rsa::PrivateKey::from_pkcs1_pem(&pair.private_pem).unwrap();
        assert_eq!(key.n().bit_width(), 2048);
        let blob = STANDARD.decode(pair.public_line.strip_prefix("ssh-rsa ").unwrap()).unwrap();
        assert_eq!(blob.len(), 4 + 7 + 4 + 3 + 4 + 257);
        assert_eq!(blob[22..], key.n().to_be_bytes()[..]);
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }

    /// Where OpenSSH is installed, it says the same.
    #[test]
    fn open_ssh_makes_the_same_public_key_of_the_private_one() {
        let pair = made();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(pair.private_pem.as_bytes()).unwrap();
        match Command::new("ssh-keygen").arg("-y").arg("-f").arg(file.path()).output() {
            Ok(said) => {
                let line = String::from_utf8(said.stdout).unwrap();
                assert_eq!(line.trim(), pair.public_line, "{}", String::from_utf8_lossy(&said.stderr));
            }
            Err(error) => eprintln!("skipped: ssh-keygen cannot be run: {error}"),
        }
    }
}
