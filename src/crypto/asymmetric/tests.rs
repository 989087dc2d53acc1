//! Known answers, tampering, limits.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::elliptic_curve::sec1::ToSec1Point;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rsa::pkcs8::DecodePublicKey;
use sha2::{Digest, Sha256};

use super::super::testing::{assert_hidden, random};
use super::vectors::Vector;
use super::*;

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    const_hex::decode(text.replace(char::is_whitespace, "")).unwrap()
}

fn digest(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

fn key(spec: KeyPairSpec, pkcs8: &str) -> KeyPair {
    KeyPair::from_pkcs8_der(spec, &bytes(pkcs8)).unwrap()
}

/// One key pair of each spec. All are generated except RSA_3072.
pub(super) fn keys() -> &'static [KeyPair; 5] {
    static KEYS: OnceLock<[KeyPair; 5]> = OnceLock::new();
    KEYS.get_or_init(|| {
        KeyPairSpec::ALL.map(|spec| match spec {
            KeyPairSpec::Rsa3072 => key(spec, vectors::RSA_3072_KEY),
            _ => KeyPair::generate(spec, &mut random()).unwrap(),
        })
    })
}

pub(super) fn signing(key: &KeyPair) -> impl Iterator<Item = SignatureAlgorithm> {
    SignatureAlgorithm::ALL.into_iter().filter(|algorithm| key.spec().supports_signing(*algorithm))
}

pub(super) fn encryption(key: &KeyPair) -> impl Iterator<Item = EncryptionAlgorithm> {
    EncryptionAlgorithm::ALL.into_iter().filter(|algorithm| key.spec().supports_encryption(*algorithm))
}

/// A private key from its number.
fn ec_key(spec: KeyPairSpec, number: &str) -> KeyPair {
    let number = hex(number);
    let key = match spec {
        KeyPairSpec::EcP256 => PrivateKey::P256(p256::ecdsa::SigningKey::from_slice(&number).unwrap()),
        KeyPairSpec::EcP256K => PrivateKey::K256(k256::ecdsa::SigningKey::from_slice(&number).unwrap()),
        KeyPairSpec::EcSm2 => PrivateKey::sm2(sm2::SecretKey::from_slice(&number).unwrap()),
        KeyPairSpec::Rsa2048 | KeyPairSpec::Rsa3072 => panic!("not a curve"),
    };
    KeyPair { spec, key: Box::new(key) }
}

/// A DER sequence of two numbers.
fn der_signature(r: &str, s: &str) -> Vec<u8> {
    p256::ecdsa::Signature::from_slice(&[hex(r), hex(s)].concat()).unwrap().to_der().as_bytes().to_vec()
}

fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn check_decryption(key: &KeyPair, algorithm: EncryptionAlgorithm, vectors: &[Vector]) {
    for (number, message, ciphertext, valid) in vectors {
        let plaintext = key.decrypt(algorithm, &bytes(ciphertext), &mut random());
        if *valid {
            assert_eq!(*plaintext.unwrap(), bytes(message), "{number}");
        } else {
            assert_eq!(plaintext.err(), Some(AsymmetricError::Failed), "{number}");
        }
    }
}

fn check_signatures(key: &KeyPair, algorithm: SignatureAlgorithm, vectors: &[Vector]) {
    for (number, message, signature, valid) in vectors {
        let digest = digest(&bytes(message));
        assert_eq!(key.verify(algorithm, &digest, &bytes(signature)), Ok(*valid), "{number}");
    }
}

#[test]
fn oaep_known_answers() {
    let sha1 = key(KeyPairSpec::Rsa2048, vectors::OAEP_SHA_1_KEY);
    check_decryption(&sha1, EncryptionAlgorithm::RsaesOaepSha1, vectors::OAEP_SHA_1);
    let sha256 = key(KeyPairSpec::Rsa2048, vectors::RSA_2048_KEY);
    check_decryption(&sha256, EncryptionAlgorithm::RsaesOaepSha256, vectors::OAEP_SHA_256);
    let large = key(KeyPairSpec::Rsa3072, vectors::RSA_3072_KEY);
    for (algorithm, ciphertext) in [
        (EncryptionAlgorithm::RsaesOaepSha1, vectors::RSA_3072_OAEP_SHA_1),
        (EncryptionAlgorithm::RsaesOaepSha256, vectors::RSA_3072_OAEP_SHA_256),
    ] {
        let plaintext = large.decrypt(algorithm, &bytes(ciphertext), &mut random()).unwrap();
        assert_eq!(plaintext.as_slice(), b"open sesame");
    }
}

#[test]
fn pkcs1_decryption_known_answers() {
    let key = key(KeyPairSpec::Rsa2048, vectors::PKCS1_KEY);
    for (number, message, ciphertext, valid) in vectors::PKCS1 {
        let (message, ciphertext) = (bytes(message), bytes(ciphertext));
        let unwrap = |length| {
            key.unwrap_key_material(WrappingAlgorithm::RsaesPkcs1V15, &ciphertext, length, &mut random())
        };
        if *valid {
            assert_eq!(*unwrap(message.len()).unwrap(), message, "{number}");
            assert_eq!(unwrap(message.len() + 1).unwrap_err(), AsymmetricError::Failed, "{number}");
        } else {
            // Not an error but other bytes, always the same.
            let PrivateKey::Rsa(rsa) = key.key.as_ref() else { panic!("not RSA") };
            let synthetic = rsa_keys::decrypt_pkcs1(rsa, &ciphertext, &mut random()).unwrap();
            assert_ne!(*synthetic, message, "{number}");
            assert_eq!(*unwrap(synthetic.len()).unwrap(), *synthetic, "{number}");
        }
    }
}

#[test]
fn rsa_signature_known_answers() {
    let key = key(KeyPairSpec::Rsa2048, vectors::RSA_2048_KEY);
    check_signatures(&key, SignatureAlgorithm::RsaPssSha256, vectors::PSS);
    check_signatures(&key, SignatureAlgorithm::RsaPkcs1Sha256, vectors::PKCS1_SIGNATURES);
    for (number, message, signature, valid) in vectors::PKCS1_SIGNATURES {
        let made =
            key.sign(SignatureAlgorithm::RsaPkcs1Sha256, &digest(&bytes(message)), &mut random()).unwrap();
        assert_eq!(made == bytes(signature), *valid, "{number}");
    }
}

#[test]
fn signatures_of_openssl() {
    let key = key(KeyPairSpec::Rsa3072, vectors::RSA_3072_KEY);
    let digest = digest(b"sesame");
    let pkcs1 = bytes(vectors::RSA_3072_PKCS1);
    assert_eq!(key.sign(SignatureAlgorithm::RsaPkcs1Sha256, &digest, &mut random()).unwrap(), pkcs1);
    assert_eq!(key.verify(SignatureAlgorithm::RsaPkcs1Sha256, &digest, &pkcs1), Ok(true));
    let pss = SignatureAlgorithm::RsaPssSha256;
    assert_eq!(key.verify(pss, &digest, &bytes(vectors::RSA_3072_PSS)), Ok(true));
    assert_eq!(key.verify(pss, &digest, &bytes(vectors::RSA_3072_PSS_SALT_20)), Ok(false));
    assert_eq!(key.public_key_pem().unwrap(), vectors::RSA_3072_PUBLIC);
}

/// RFC 6979, appendix A.2.5.
#[test]
fn ecdsa_p256_known_answers() {
    let key = ec_key(KeyPairSpec::EcP256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let public = p256::PublicKey::from_public_key_pem(&key.public_key_pem().unwrap()).unwrap();
    let point = hex("04 60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
                     7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    assert_eq!(public.to_sec1_bytes().as_ref(), point);
    for (message, r, s) in [
        (
            "sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            "test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ] {
        let digest = digest(message.as_bytes());
        let signature = der_signature(r, s);
        assert_eq!(key.verify(SignatureAlgorithm::EcdsaSha256, &digest, &signature), Ok(true));
        // Our signature differs because its nonce is hedged.
        let made = key.sign(SignatureAlgorithm::EcdsaSha256, &digest, &mut random()).unwrap();
        assert_ne!(made, signature);
    }
}

/// The well-known deterministic signature of private key 1, and its other form with n - s.
#[test]
fn ecdsa_secp256k1_known_answers() {
    let key = ec_key(KeyPairSpec::EcP256K, &format!("{:064}", 1));
    let public = k256::PublicKey::from_public_key_pem(&key.public_key_pem().unwrap()).unwrap();
    let generator = hex("04 79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
                         483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8");
    assert_eq!(public.to_sec1_point(false).as_bytes(), generator);
    let digest = digest(b"Satoshi Nakamoto");
    let r = "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8";
    for s in [
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
        "dbbd3162d46e9f9bef7feb87c16dc13b4f6568a87f4e83f728e2443ba586675c",
    ] {
        let signature = der_signature(r, s);
        assert_eq!(key.verify(SignatureAlgorithm::EcdsaSha256, &digest, &signature), Ok(true));
    }
}

/// GB/T 32918.5, appendices A and C.
#[test]
fn sm2_known_answers() {
    let key = ec_key(KeyPairSpec::EcSm2, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    let public = sm2::PublicKey::from_public_key_pem(&key.public_key_pem().unwrap()).unwrap();
    let point = hex("04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020
                     CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    assert_eq!(public.to_sec1_bytes().as_ref(), point);

    let e = hex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    let signature = der_signature(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3",
        "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    );
    assert_eq!(key.verify(SignatureAlgorithm::Sm2Dsa, &e, &signature), Ok(true));

    let ciphertext = hex("307c
        0220 04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73
        0221 00E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0
        0420 59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766
        0413 21886CA989CA9C7D58087307CA93092D651EFA");
    let plaintext = key.decrypt(EncryptionAlgorithm::Sm2Pke, &ciphertext, &mut random()).unwrap();
    assert_eq!(plaintext.as_slice(), b"encryption standard");
}

#[test]
fn keys_survive_pkcs8() {
    for key in keys() {
        let der = key.to_pkcs8_der().unwrap();
        let read = KeyPair::from_pkcs8_der(key.spec(), &der).unwrap();
        assert_eq!(*read.to_pkcs8_der().unwrap(), *der);
        assert_eq!(read.public_key_pem(), key.public_key_pem());
        for other in KeyPairSpec::ALL.into_iter().filter(|spec| *spec != key.spec()) {
            let error = KeyPair::from_pkcs8_der(other, &der).unwrap_err();
            assert_eq!(error, AsymmetricError::MalformedKey, "{} as {}", key.spec().name(), other.name());
        }
        for length in 0..der.len() {
            assert!(KeyPair::from_pkcs8_der(key.spec(), &der[..length]).is_err(), "length {length}");
        }
        assert!(KeyPair::from_pkcs8_der(key.spec(), &[&der[..], b"\0"].concat()).is_err());
    }
    for pkcs8 in [vectors::OAEP_SHA_1_KEY, vectors::RSA_2048_KEY, vectors::PKCS1_KEY] {
        assert_eq!(*key(KeyPairSpec::Rsa2048, pkcs8).to_pkcs8_der().unwrap(), bytes(pkcs8));
    }
}

#[test]
fn generated_keys_differ() {
    let mut random = random();
    for spec in [KeyPairSpec::EcP256, KeyPairSpec::EcP256K, KeyPairSpec::EcSm2] {
        let [a, b] = [(); 2].map(|()| KeyPair::generate(spec, &mut random).unwrap());
        assert_ne!(a.public_key_pem(), b.public_key_pem());
    }
}

#[test]
fn every_spec_has_its_algorithms_and_no_others() {
    use EncryptionAlgorithm as E;
    use SignatureAlgorithm as S;
    let rsa = (vec![S::RsaPssSha256, S::RsaPkcs1Sha256], vec![E::RsaesOaepSha1, E::RsaesOaepSha256]);
    let ec = (vec![S::EcdsaSha256], vec![]);
    let expected = [rsa.clone(), rsa, ec.clone(), ec, (vec![S::Sm2Dsa], vec![E::Sm2Pke])];
    let wrong = Some(AsymmetricError::UnsupportedAlgorithm);
    let random = &mut random();
    for (key, (signs, encrypts)) in keys().iter().zip(expected) {
        let name = key.spec().name();
        for algorithm in SignatureAlgorithm::ALL {
            let supported = signs.contains(&algorithm);
            assert_eq!(key.spec().supports_signing(algorithm), supported);
            assert_eq!(key.sign(algorithm, &[1; 32], random).err() != wrong, supported, "{name}");
            assert_eq!(key.verify(algorithm, &[1; 32], b"").err() != wrong, supported, "{name}");
        }
        for algorithm in EncryptionAlgorithm::ALL {
            let supported = encrypts.contains(&algorithm);
            assert_eq!(key.spec().supports_encryption(algorithm), supported);
            assert_eq!(key.encrypt(algorithm, b"x", random).err() != wrong, supported, "{name}");
            assert_eq!(key.decrypt(algorithm, b"x", random).err() != wrong, supported, "{name}");
        }
        for algorithm in WrappingAlgorithm::ALL {
            let supported = matches!(key.spec(), KeyPairSpec::Rsa2048 | KeyPairSpec::Rsa3072);
            let error = key.unwrap_key_material(algorithm, b"x", 32, random).err();
            assert_eq!(error != wrong, supported, "{name}");
        }
    }
}

#[test]
fn digests_have_32_bytes() {
    for key in keys() {
        for algorithm in signing(key) {
            for length in [0, 20, 31, 33, 64] {
                let error = Err(AsymmetricError::DigestLength(length));
                assert_eq!(key.sign(algorithm, &vec![1; length], &mut random()), error);
                assert_eq!(key.verify(algorithm, &vec![1; length], b"x").map(|_| vec![]), error);
            }
        }
    }
}

#[test]
fn plaintexts_and_ciphertexts_have_limits() {
    for key in keys() {
        for algorithm in encryption(key) {
            let limit = key.spec().max_plaintext_len(algorithm).unwrap();
            let longest = vec![0xa5; limit + 1];
            let ciphertext = key.encrypt(algorithm, &longest[..limit], &mut random()).unwrap();
            assert_eq!(*key.decrypt(algorithm, &ciphertext, &mut random()).unwrap(), longest[..limit]);
            let error = key.encrypt(algorithm, &longest, &mut random()).unwrap_err();
            assert_eq!(error, AsymmetricError::PlaintextLength { length: limit + 1, limit });
            let empty = key.encrypt(algorithm, b"", &mut random());
            if algorithm == EncryptionAlgorithm::Sm2Pke {
                assert_eq!(empty.unwrap_err(), AsymmetricError::PlaintextLength { length: 0, limit });
                let (longer, length) = (vec![0x30; 7000], 7000);
                let error = key.decrypt(algorithm, &longer, &mut random()).unwrap_err();
                assert_eq!(error, AsymmetricError::CiphertextLength(length));
            } else {
                assert!(key.decrypt(algorithm, &empty.unwrap(), &mut random()).unwrap().is_empty());
                let longer = [&ciphertext[..], b"\0"].concat();
                let error = key.decrypt(algorithm, &longer, &mut random()).unwrap_err();
                assert_eq!(error, AsymmetricError::CiphertextLength(longer.len()));
            }
        }
    }
    let limits = |spec: KeyPairSpec| EncryptionAlgorithm::ALL.map(|a| spec.max_plaintext_len(a));
    assert_eq!(limits(KeyPairSpec::Rsa2048), [Some(214), Some(190), None]);
    assert_eq!(limits(KeyPairSpec::Rsa3072), [Some(342), Some(318), None]);
    assert_eq!(limits(KeyPairSpec::EcSm2), [None, None, Some(6047)]);
    assert_eq!(limits(KeyPairSpec::EcP256), [None; 3]);
}

#[test]
fn an_altered_signature_does_not_verify() {
    let digest = digest(b"sesame");
    for key in keys() {
        for algorithm in signing(key) {
            let name = algorithm.name();
            let signature = key.sign(algorithm, &digest, &mut random()).unwrap();
            let verify = |digest: &[u8], signature: &[u8]| key.verify(algorithm, digest, signature).unwrap();
            assert!(verify(&digest, &signature), "{name}");
            // Every byte where that is not slow.
            let step = if key.spec() == KeyPairSpec::Rsa3072 { 13 } else { 1 };
            for bit in (0..signature.len() * 8).step_by(step) {
                assert!(!verify(&digest, &flip(&signature, bit)), "{name} bit {bit}");
            }
            for bit in (0..digest.len() * 8).step_by(step) {
                assert!(!verify(&flip(&digest, bit), &signature), "{name} bit {bit} of the digest");
            }
            for length in 0..signature.len() {
                assert!(!verify(&digest, &signature[..length]), "{name} length {length}");
            }
            assert!(!verify(&digest, &[&signature[..], b"\0"].concat()), "{name}");
            assert!(!verify(&digest, &[b"\0", &signature[..]].concat()), "{name}");
        }
    }
}

#[test]
fn signatures_belong_to_one_key() {
    let (digest, random) = (digest(b"sesame"), &mut random());
    for key in keys() {
        let other = match key.spec() {
            KeyPairSpec::Rsa2048 => self::key(KeyPairSpec::Rsa2048, vectors::RSA_2048_KEY),
            KeyPairSpec::Rsa3072 => continue,
            spec => KeyPair::generate(spec, &mut ChaCha20Rng::seed_from_u64(8)).unwrap(),
        };
        for algorithm in signing(key) {
            let [one, two] = [(); 2].map(|()| key.sign(algorithm, &digest, random).unwrap());
            assert_eq!(one == two, algorithm == SignatureAlgorithm::RsaPkcs1Sha256);
            assert_eq!(key.verify(algorithm, &digest, &two), Ok(true));
            assert_eq!(other.verify(algorithm, &digest, &one), Ok(false));
        }
        for algorithm in encryption(key) {
            let [one, two] = [(); 2].map(|()| key.encrypt(algorithm, b"sesame", random).unwrap());
            assert_ne!(one, two);
            assert_eq!(other.decrypt(algorithm, &one, random).unwrap_err(), AsymmetricError::Failed);
        }
    }
}

#[test]
fn an_altered_ciphertext_does_not_decrypt() {
    for key in keys().iter().filter(|key| key.spec() != KeyPairSpec::Rsa3072) {
        for algorithm in encryption(key) {
            let name = algorithm.name();
            let ciphertext = key.encrypt(algorithm, &[0x5a; 32], &mut random()).unwrap();
            // A private-key operation of RSA takes milliseconds.
            let step = if algorithm == EncryptionAlgorithm::Sm2Pke { 1 } else { 13 };
            for bit in (0..ciphertext.len() * 8).step_by(step) {
                let result = key.decrypt(algorithm, &flip(&ciphertext, bit), &mut random());
                assert_eq!(result.unwrap_err(), AsymmetricError::Failed, "{name} bit {bit}");
            }
            for length in 0..ciphertext.len() {
                assert!(key.decrypt(algorithm, &ciphertext[..length], &mut random()).is_err(), "{name}");
            }
            assert!(key.decrypt(algorithm, &[&ciphertext[..], b"\0"].concat(), &mut random()).is_err());
        }
    }
}

#[test]
fn key_material_is_unwrapped() {
    let [key, ..] = keys();
    let PrivateKey::Rsa(rsa) = key.key.as_ref() else { panic!("not RSA") };
    let (material, random) = ([0x5a; 32], &mut random());
    for algorithm in WrappingAlgorithm::ALL {
        let wrapped = match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => {
                key.encrypt(EncryptionAlgorithm::RsaesOaepSha1, &material, random).unwrap()
            }
            WrappingAlgorithm::RsaesOaepSha256 => {
                key.encrypt(EncryptionAlgorithm::RsaesOaepSha256, &material, random).unwrap()
            }
            WrappingAlgorithm::RsaesPkcs1V15 => {
                rsa.as_public_key().pkcs1v15_encrypt_with_rng(random, &material).unwrap()
            }
        };
        let unwrapped = key.unwrap_key_material(algorithm, &wrapped, 32, random).unwrap();
        assert_eq!(*unwrapped, material);
        for length in [0, 16, 31, 33] {
            let error = key.unwrap_key_material(algorithm, &wrapped, length, random).unwrap_err();
            assert_eq!(error, AsymmetricError::Failed);
        }
        for bit in (0..wrapped.len() * 8).step_by(61) {
            let altered = key.unwrap_key_material(algorithm, &flip(&wrapped, bit), 32, random);
            assert!(altered.is_err() || algorithm == WrappingAlgorithm::RsaesPkcs1V15, "bit {bit}");
            assert_ne!(altered.ok().as_deref().map(Vec::as_slice), Some(&material[..]), "bit {bit}");
        }
        for other in WrappingAlgorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let other = key.unwrap_key_material(other, &wrapped, 32, random);
            assert_ne!(other.ok().as_deref().map(Vec::as_slice), Some(&material[..]));
        }
        let short = key.unwrap_key_material(algorithm, &wrapped[1..], 32, random).unwrap_err();
        assert_eq!(short, AsymmetricError::CiphertextLength(255));
    }
}

#[test]
fn nothing_secret_is_shown_and_everything_is_wiped() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    fn shared<T: Send + Sync + 'static>() {}
    wiped::<rsa::PrivateKey>();
    wiped::<p256::ecdsa::SigningKey>();
    wiped::<k256::ecdsa::SigningKey>();
    wiped::<sm2::SecretKey>();
    shared::<KeyPair>();
    shared::<AsymmetricError>();
    for key in keys() {
        assert_eq!(format!("{key:?}"), format!("KeyPair({}, redacted)", key.spec().name()));
        let der = key.to_pkcs8_der().unwrap();
        assert_hidden(key, &der[..der.len().min(400)]);
        assert_hidden(&KeyPair::from_pkcs8_der(key.spec(), &der[1..]), &der[..der.len().min(400)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn round_trip(
        at in 0_usize..5,
        digest in any::<[u8; 32]>(),
        plaintext in prop::collection::vec(any::<u8>(), 1..=190),
    ) {
        let (key, random) = (&keys()[at], &mut random());
        for algorithm in signing(key) {
            let signature = key.sign(algorithm, &digest, random).unwrap();
            prop_assert_eq!(key.verify(algorithm, &digest, &signature), Ok(true));
        }
        for algorithm in encryption(key) {
            let ciphertext = key.encrypt(algorithm, &plaintext, random).unwrap();
            prop_assert_eq!(&*key.decrypt(algorithm, &ciphertext, random).unwrap(), &plaintext);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_are_never_valid(
        at in 0_usize..5,
        sequence in any::<bool>(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        if let (true, Ok(length)) = (sequence, u8::try_from(bytes.len())) {
            bytes.splice(..0, [0x30, length, 0x02]);
        }
        let key = &keys()[at];
        prop_assert!(KeyPair::from_pkcs8_der(key.spec(), &bytes).is_err());
        for algorithm in signing(key) {
            prop_assert_eq!(key.verify(algorithm, &[1; 32], &bytes), Ok(false));
        }
        for algorithm in encryption(key) {
            prop_assert!(key.decrypt(algorithm, &bytes, &mut random()).is_err());
        }
    }
}
