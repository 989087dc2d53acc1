//! Interoperability with the `openssl` program, in both directions.
//!
//! Without the program the tests print a message and pass; if `CI` is set they fail.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::super::testing::random;
use super::tests::{encryption, keys, signing};
use super::*;

const DIGEST: [u8; 32] = [0x3c; 32];

/// A directory to run `openssl` in.
struct OpenSsl(TempDir);

impl OpenSsl {
    fn find() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
            return Some(Self(tempfile::tempdir().unwrap()));
        }
        #[expect(clippy::disallowed_methods, reason = "CI must not skip these tests")]
        let in_ci = std::env::var_os("CI").is_some();
        assert!(!in_ci, "openssl is not installed");
        eprintln!("openssl is not installed: nothing tested");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    fn try_run(&self, command: &str) -> Output {
        Command::new("openssl").args(command.split(' ')).current_dir(self.path()).output().unwrap()
    }

    #[track_caller]
    fn run(&self, command: &str) -> Vec<u8> {
        let output = self.try_run(command);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {complaint}");
        output.stdout
    }

    /// Signs, verifies, encrypts and decrypts with a key that both sides have.
    fn check(&self, key: &KeyPair) {
        self.write("key.der", &key.to_pkcs8_der().unwrap());
        let public = key.public_key_pem().unwrap();
        let printed = self.run("pkey -inform DER -in key.der -pubout");
        assert_eq!(String::from_utf8(printed).unwrap(), public);
        self.write("public.pem", public.as_bytes());
        self.write("digest", &DIGEST);
        for algorithm in signing(key) {
            self.check_signatures(key, algorithm);
        }
        for algorithm in encryption(key) {
            self.check_encryption(key, algorithm);
        }
    }

    fn check_signatures(&self, key: &KeyPair, algorithm: SignatureAlgorithm) {
        let options = match algorithm {
            SignatureAlgorithm::RsaPssSha256 => {
                " -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32 -pkeyopt rsa_mgf1_md:sha256"
            }
            SignatureAlgorithm::RsaPkcs1Sha256 => " -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pkcs1",
            SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::Sm2Dsa => "",
        };
        let verify =
            format!("pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature{options}");
        // Often enough to meet both forms of ECDSA and numbers of all lengths.
        let mut random = random();
        for _ in 0..8 {
            let signature = key.sign(algorithm, &DIGEST, &mut random).unwrap();
            self.write("signature", &signature);
            self.run(&verify);
            self.run(&format!(
                "pkeyutl -sign -inkey key.der -keyform DER -in digest -out signature{options}"
            ));
            let theirs = self.read("signature");
            assert_eq!(key.verify(algorithm, &DIGEST, &theirs), Ok(true), "{}", algorithm.name());
        }
        self.write("digest", &[0; 32]);
        assert!(!self.try_run(&verify).status.success());
        self.write("digest", &DIGEST);
    }

    fn check_encryption(&self, key: &KeyPair, algorithm: EncryptionAlgorithm) {
        let options = match algorithm {
            EncryptionAlgorithm::RsaesOaepSha1 => {
                " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1"
            }
            EncryptionAlgorithm::RsaesOaepSha256 => {
                " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"
            }
            EncryptionAlgorithm::Sm2Pke => "",
        };
        for length in [3, 32, 190] {
            let plaintext = vec![0x5a; length];
            self.write("ciphertext", &key.encrypt(algorithm, &plaintext, &mut random()).unwrap());
            let decrypted =
                self.run(&format!("pkeyutl -decrypt -inkey key.der -keyform DER -in ciphertext{options}"));
            assert_eq!(decrypted, plaintext, "{}", algorithm.name());
            self.write("plaintext", &plaintext);
            let theirs =
                self.run(&format!("pkeyutl -encrypt -pubin -inkey public.pem -in plaintext{options}"));
            assert_eq!(*key.decrypt(algorithm, &theirs, &mut random()).unwrap(), plaintext);
        }
    }
}

#[test]
fn openssl_takes_our_keys() {
    let Some(openssl) = OpenSsl::find() else { return };
    for key in keys() {
        openssl.check(key);
    }
}

#[test]
fn keys_of_openssl_are_accepted() {
    let Some(openssl) = OpenSsl::find() else { return };
    for spec in KeyPairSpec::ALL {
        let make = match spec {
            KeyPairSpec::Rsa2048 => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            KeyPairSpec::Rsa3072 => continue,
            KeyPairSpec::EcP256 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            KeyPairSpec::EcP256K => "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            KeyPairSpec::EcSm2 => "-algorithm SM2",
        };
        openssl.run(&format!("genpkey {make} -out key.pem"));
        openssl.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out their.der");
        let key = KeyPair::from_pkcs8_der(spec, &openssl.read("their.der")).unwrap();
        openssl.check(&key);
        // The other direction: we write the same bytes as openssl.
        assert_eq!(*key.to_pkcs8_der().unwrap(), openssl.read("their.der"), "{}", spec.name());
    }
}

#[test]
fn key_material_wrapped_by_openssl() {
    let Some(openssl) = OpenSsl::find() else { return };
    let ([key, ..], material) = (keys(), [0x5a; 32]);
    openssl.write("public.pem", key.public_key_pem().unwrap().as_bytes());
    openssl.write("material", &material);
    for algorithm in WrappingAlgorithm::ALL {
        let options = match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => "oaep -pkeyopt rsa_oaep_md:sha1",
            WrappingAlgorithm::RsaesOaepSha256 => "oaep -pkeyopt rsa_oaep_md:sha256",
            WrappingAlgorithm::RsaesPkcs1V15 => "pkcs1",
        };
        let wrapped = openssl.run(&format!(
            "pkeyutl -encrypt -pubin -inkey public.pem -in material -pkeyopt rsa_padding_mode:{options}"
        ));
        let unwrapped = key.unwrap_key_material(algorithm, &wrapped, 32, &mut random()).unwrap();
        assert_eq!(*unwrapped, material, "{}", algorithm.name());
    }
}
