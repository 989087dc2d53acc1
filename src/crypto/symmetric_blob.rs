//! The ciphertext blob of `Encrypt` and `GenerateDataKey`, which names the key that decrypts it.
//!
//! ```text
//! format 1 | length 1, key id | length 1, key version id | format 1 | algorithm 1 | nonce 12 | ciphertext | tag 16
//! ```
//!
//! The part after the key version id is encoded as [`super::Sealed`], with one additional algorithm. The associated data is
//! a label, both ids and the encryption context. The context is not in the blob.
//!
//! The first byte tells the type of the plaintext ([`Content`]), and so what `Decrypt` answers:
//!
//! - 1, bytes: `Decrypt` answers their Base64. Used for data keys, and for everything that `Encrypt` made before it accepted
//!   any text.
//! - 2, a text: `Decrypt` answers the same text that `Encrypt` received.
//!
//! Each format has its own label in the associated data, so a blob with an altered first byte does not open.

use std::collections::BTreeMap;
use std::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag};
use rand::CryptoRng;
use sm4::Sm4;
use zeroize::Zeroizing;

use super::{Cipher, CryptoError, OVERHEAD, SymmetricKey};

/// The type of a plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Any bytes, sent over the wire as Base64.
    Bytes,
    /// A text in UTF-8, sent over the wire as it is.
    Text,
}

impl Content {
    const ALL: [Self; 2] = [Self::Bytes, Self::Text];

    /// The first byte of the blob.
    const fn format(self) -> u8 {
        match self {
            Self::Bytes => 1,
            Self::Text => 2,
        }
    }

    /// Domain separation label, with which the associated data begins.
    const fn label(self) -> &'static str {
        match self {
            Self::Bytes => "sesame/blob/1",
            Self::Text => "sesame/blob/2",
        }
    }
}

/// A plaintext to encrypt, or a decrypted one. Wiped when dropped; not shown by `Debug`.
pub struct Plaintext {
    content: Content,
    bytes: Zeroizing<Vec<u8>>,
}

impl Plaintext {
    /// A plaintext of any bytes.
    pub fn of_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { content: Content::Bytes, bytes }
    }

    /// A plaintext that is text.
    pub fn of_text(text: &str) -> Self {
        Self { content: Content::Text, bytes: Zeroizing::new(text.as_bytes().to_vec()) }
    }

    /// Its type.
    pub fn content(&self) -> Content {
        self.content
    }

    /// The bytes. Those of a text are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the bytes out. Those of a text are UTF-8.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({:?}, redacted)", self.content)
    }
}

/// Format of the sealed part, and its algorithms.
const SEALED_FORMAT: u8 = 1;
const AES_256_GCM: u8 = 1;
const SM4_GCM: u8 = 2;

const NONCE_LEN: usize = 12;

/// The longest key id, in bytes.
pub const MAX_KEY_ID_LEN: usize = 64;
/// The longest key version id, in bytes.
pub const MAX_VERSION_ID_LEN: usize = 128;

/// The cipher of a symmetric customer master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymmetricAlgorithm {
    /// AES-256-GCM, key material of 32 bytes.
    Aes256,
    /// SM4-GCM (RFC 8998), key material of 16 bytes.
    Sm4,
}

impl SymmetricAlgorithm {
    /// Both ciphers.
    pub const ALL: [Self; 2] = [Self::Aes256, Self::Sm4];

    /// The service's name of the cipher, as in `KeySpec`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256 => "Aliyun_AES_256",
            Self::Sm4 => "Aliyun_SM4",
        }
    }

    /// Length of the key material in bytes.
    pub const fn material_len(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Sm4 => 16,
        }
    }

    const fn header(self) -> [u8; 2] {
        match self {
            Self::Aes256 => [SEALED_FORMAT, AES_256_GCM],
            Self::Sm4 => [SEALED_FORMAT, SM4_GCM],
        }
    }

    fn of_header(header: [u8; 2]) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header() == header)
    }
}

/// The cipher of one version of a symmetric customer master key, with its expanded key schedule. Wiped when dropped; share
/// it in an `Arc`.
pub struct BlobCipher(Inner);

enum Inner {
    Aes256(Box<Cipher>),
    Sm4(Box<AesGcm<Sm4, U12>>),
}

impl BlobCipher {
    /// Expands imported or generated key material.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when its length is not that of the algorithm.
    pub fn new(algorithm: SymmetricAlgorithm, material: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self(match algorithm {
            SymmetricAlgorithm::Aes256 => {
                Inner::Aes256(Box::new(Cipher::new(&SymmetricKey::from_slice(material)?)))
            }
            SymmetricAlgorithm::Sm4 => Inner::Sm4(Box::new(
                AesGcm::new_from_slice(material).map_err(|_length| CryptoError::Malformed)?,
            )),
        }))
    }

    /// The algorithm.
    pub fn algorithm(&self) -> SymmetricAlgorithm {
        match self.0 {
            Inner::Aes256(_) => SymmetricAlgorithm::Aes256,
            Inner::Sm4(_) => SymmetricAlgorithm::Sm4,
        }
    }

    pub(super) fn seal(
        &self,
        aad: &[u8],
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<[u8]>, CryptoError> {
        match &self.0 {
            Inner::Aes256(cipher) => cipher.seal(aad, plaintext, rng).map(super::Sealed::into_bytes),
            Inner::Sm4(cipher) => {
                let mut nonce = [0; NONCE_LEN];
                rng.fill_bytes(&mut nonce);
                seal_sm4(cipher, &nonce, aad, plaintext)
            }
        }
    }

    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.0 {
            Inner::Aes256(cipher) => cipher.open(aad, sealed),
            Inner::Sm4(cipher) => open_sm4(cipher, aad, sealed),
        }
    }
}

impl From<Cipher> for BlobCipher {
    fn from(cipher: Cipher) -> Self {
        Self(Inner::Aes256(Box::new(cipher)))
    }
}

impl fmt::Debug for BlobCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobCipher({}, redacted)", self.algorithm().name())
    }
}

/// Seals under a given nonce, which must never be used twice with the same key.
fn seal_sm4(
    cipher: &AesGcm<Sm4, U12>,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Box<[u8]>, CryptoError> {
    let mut ciphertext = vec![0; plaintext.len()];
    let buffer = InOutBuf::new(plaintext, &mut ciphertext).map_err(|_length| CryptoError::Malformed)?;
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(*nonce), aad, buffer)
        .map_err(|_too_long| CryptoError::Malformed)?;
    Ok([SymmetricAlgorithm::Sm4.header().as_slice(), nonce, &ciphertext, &tag].concat().into())
}

fn open_sm4(cipher: &AesGcm<Sm4, U12>, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (_header, rest) = sealed.split_first_chunk::<2>().ok_or(CryptoError::Malformed)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::Malformed)?;
    let (ciphertext, tag) = rest.split_last_chunk::<16>().ok_or(CryptoError::Malformed)?;
    let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
    let buffer =
        InOutBuf::new(ciphertext, plaintext.as_mut_slice()).map_err(|_length| CryptoError::CannotOpen)?;
    // Checks the tag first and decrypts only authentic bytes.
    cipher
        .decrypt_inout_detached(&Nonce::from(*nonce), aad, buffer, &Tag::from(*tag))
        .map_err(|_opaque| CryptoError::CannotOpen)?;
    Ok(plaintext)
}

/// A ciphertext that names the key and the version that decrypt it. Not secret; `Debug` shows the ids and the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    key_id: Box<str>,
    version_id: Box<str>,
    content: Content,
    algorithm: SymmetricAlgorithm,
    sealed: Box<[u8]>,
}

impl Blob {
    /// Encrypts with version `version_id` of the key `key_id`, under a new random nonce. Decryption needs the same
    /// encryption context; its order does not matter.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when an id is empty, longer than [`MAX_KEY_ID_LEN`] or [`MAX_VERSION_ID_LEN`], or has
    /// characters other than visible ASCII, or when the plaintext is longer than GCM allows (64 GiB).
    pub fn encrypt(
        cipher: &BlobCipher,
        key_id: &str,
        version_id: &str,
        context: &BTreeMap<String, String>,
        plaintext: &Plaintext,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, CryptoError> {
        let kind = plaintext.content;
        let key_id = checked_id(key_id.as_bytes(), MAX_KEY_ID_LEN)?;
        let version_id = checked_id(version_id.as_bytes(), MAX_VERSION_ID_LEN)?;
        let sealed =
            cipher.seal(&associated_data(kind, key_id, version_id, context), &plaintext.bytes, rng)?;
        Ok(Self {
            key_id: key_id.into(),
            version_id: version_id.into(),
            content: kind,
            algorithm: cipher.algorithm(),
            sealed,
        })
    }

    /// Decrypts with the cipher of the version that the blob names. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`CryptoError::CannotOpen`] when the key, the context or the bytes differ from those of the encryption.
    pub fn decrypt(
        &self,
        cipher: &BlobCipher,
        context: &BTreeMap<String, String>,
    ) -> Result<Plaintext, CryptoError> {
        if cipher.algorithm() != self.algorithm {
            return Err(CryptoError::CannotOpen);
        }
        let data = associated_data(self.content, &self.key_id, &self.version_id, context);
        Ok(Plaintext { content: self.content, bytes: cipher.open(&data, &self.sealed)? })
    }

    /// Parses a blob. Whether it decrypts is checked by [`Blob::decrypt`].
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when the bytes cannot be a blob.
    pub fn parse(bytes: &[u8]) -> Result<Self, CryptoError> {
        let (&format, rest) = bytes.split_first().ok_or(CryptoError::Malformed)?;
        let (key_id, rest) = split_id(rest, MAX_KEY_ID_LEN)?;
        let (version_id, sealed) = split_id(rest, MAX_VERSION_ID_LEN)?;
        let header = sealed.first_chunk::<2>().ok_or(CryptoError::Malformed)?;
        let algorithm = SymmetricAlgorithm::of_header(*header).ok_or(CryptoError::Malformed)?;
        let content = Content::ALL.into_iter().find(|content| content.format() == format);
        let content = content.ok_or(CryptoError::Malformed)?;
        if sealed.len() < OVERHEAD {
            return Err(CryptoError::Malformed);
        }
        let (key_id, version_id) = (key_id.into(), version_id.into());
        Ok(Self { key_id, version_id, content, algorithm, sealed: sealed.into() })
    }

    /// The bytes that [`Blob::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let ids = [&*self.key_id, &*self.version_id];
        let length = 1 + ids.iter().map(|id| 1 + id.len()).sum::<usize>() + self.sealed.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.push(self.content.format());
        for id in ids {
            // The lengths fit: they are checked whenever a blob is made.
            bytes.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.sealed);
        bytes
    }

    /// The key that the blob names.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key version that the blob names.
    pub fn version_id(&self) -> &str {
        &self.version_id
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {}, {} bytes)", self.key_id, self.version_id, self.sealed.len())
    }
}

/// Checks an id for use in a blob.
fn checked_id(id: &[u8], longest: usize) -> Result<&str, CryptoError> {
    if !(1..=longest).contains(&id.len()) || !id.iter().all(u8::is_ascii_graphic) {
        return Err(CryptoError::Malformed);
    }
    str::from_utf8(id).map_err(|_not_ascii| CryptoError::Malformed)
}

/// Splits an id, which comes after its length, from the rest.
fn split_id(bytes: &[u8], longest: usize) -> Result<(&str, &[u8]), CryptoError> {
    let (&length, rest) = bytes.split_first().ok_or(CryptoError::Malformed)?;
    let (id, rest) = rest.split_at_checked(usize::from(length)).ok_or(CryptoError::Malformed)?;
    Ok((checked_id(id, longest)?, rest))
}

/// The label, both ids, and the keys and values of the context in the order of the keys, each after its length (eight
/// bytes, big-endian).
fn associated_data(
    kind: Content,
    key_id: &str,
    version_id: &str,
    context: &BTreeMap<String, String>,
) -> Vec<u8> {
    let context = context.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    let mut bytes = Vec::new();
    for field in [kind.label(), key_id, version_id].into_iter().chain(context) {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{assert_hidden, random};
    use super::*;

    const KEY: &str = "key-hzz62f1cb66fa42qo0000";
    const VERSION: &str = "2ab1a983-7072-4bbc-a582-584b5bd8f000";

    fn context<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn cipher(algorithm: SymmetricAlgorithm) -> BlobCipher {
        let mut material = vec![0; algorithm.material_len()];
        random().fill_bytes(&mut material);
        BlobCipher::new(algorithm, &material).unwrap()
    }

    fn bytes(bytes: &[u8]) -> Plaintext {
        Plaintext::of_bytes(Zeroizing::new(bytes.to_vec()))
    }

    fn sample(algorithm: SymmetricAlgorithm) -> (BlobCipher, Blob) {
        let cipher = cipher(algorithm);
        let place = context([("app", "billing"), ("table", "cards")]);
        let blob = Blob::encrypt(&cipher, KEY, VERSION, &place, &bytes(&[0x5a; 40]), &mut random()).unwrap();
        (cipher, blob)
    }

    fn hex(text: &str) -> Vec<u8> {
        const_hex::decode(text.replace(char::is_whitespace, "")).unwrap()
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_gcm_known_answer() {
        let cipher = AesGcm::<Sm4, U12>::new_from_slice(&hex("0123456789ABCDEFFEDCBA9876543210")).unwrap();
        let nonce = hex("00001234567800000000ABCD").try_into().unwrap();
        let plaintext = hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
                             EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA");
        let aad = hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let sealed = hex("0102 00001234567800000000ABCD
             17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
             D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
             83DE3541E4C2B58177E065A9BF7B62EC");
        let made = seal_sm4(&cipher, &nonce, &aad, &plaintext).unwrap();
        assert_eq!(const_hex::encode(&made), const_hex::encode(&sealed));
        assert_eq!(*open_sm4(&cipher, &aad, &sealed).unwrap(), plaintext);
    }

    #[test]
    fn the_bytes_are_as_documented() {
        for algorithm in SymmetricAlgorithm::ALL {
            let (_, blob) = sample(algorithm);
            let bytes = blob.to_bytes();
            let start = [&[1, 25], KEY.as_bytes(), &[36], VERSION.as_bytes(), &algorithm.header()].concat();
            assert!(bytes.starts_with(&start));
            assert_eq!(bytes.len(), start.len() + 12 + 40 + 16);
            assert_eq!(Blob::parse(&bytes).unwrap(), blob);
            assert_eq!((blob.key_id(), blob.version_id()), (KEY, VERSION));
        }
    }

    /// Fixed blobs: they are kept outside the database, so blobs of today must decrypt in every later release.
    #[test]
    fn an_old_blob_still_opens() {
        let place = context([("b", "2"), ("a", "1")]);
        let pinned = [
            (
                SymmetricAlgorithm::Aes256,
                bytes(b"hello"),
                "01016b0176010119454a27b752f905909507d6ca64dce47a0b9e8f77b6b39dde1baea79b851aadf8",
            ),
            (
                SymmetricAlgorithm::Sm4,
                bytes(b"hello"),
                "01016b0176010219454a27b752f905909507d6787aec152fe37bd10fecf60542887fc053ca52173f",
            ),
            (
                SymmetricAlgorithm::Aes256,
                Plaintext::of_text("hello"),
                "02016b0176010119454a27b752f905909507d6ca64dce47a652751126970d3f7a8dda719a678b372",
            ),
            (
                SymmetricAlgorithm::Sm4,
                Plaintext::of_text("hello"),
                "02016b0176010219454a27b752f905909507d6787aec152f1f9c245ec98ff120e9c68052a9698e95",
            ),
        ];
        for (algorithm, plaintext, pinned) in pinned {
            let material: Vec<u8> = (0..32).take(algorithm.material_len()).collect();
            let cipher = BlobCipher::new(algorithm, &material).unwrap();
            let blob = Blob::encrypt(&cipher, "k", "v", &place, &plaintext, &mut random()).unwrap();
            assert_eq!(const_hex::encode(blob.to_bytes()), pinned);
            let read = Blob::parse(&hex(pinned)).unwrap().decrypt(&cipher, &place).unwrap();
            assert_eq!((read.content(), read.as_bytes()), (plaintext.content(), plaintext.as_bytes()));
        }
    }

    /// Turning a text into bytes, or the reverse, would change what Decrypt answers.
    #[test]
    fn rule_14_11_bytes_do_not_open_as_a_text_nor_a_text_as_bytes() {
        for algorithm in SymmetricAlgorithm::ALL {
            let cipher = cipher(algorithm);
            for plaintext in [bytes(b"hello"), Plaintext::of_text("hello")] {
                let blob =
                    Blob::encrypt(&cipher, KEY, VERSION, &context([]), &plaintext, &mut random()).unwrap();
                let mut altered = blob.to_bytes();
                altered[0] = 3 - altered[0];
                let altered = Blob::parse(&altered).unwrap();
                assert_ne!(altered.content, plaintext.content);
                assert_eq!(altered.decrypt(&cipher, &context([])).unwrap_err(), CryptoError::CannotOpen);
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let place = context([("app", "billing"), ("table", "cards")]);
        for algorithm in SymmetricAlgorithm::ALL {
            let (cipher, blob) = sample(algorithm);
            let bytes = blob.to_bytes();
            for bit in 0..bytes.len() * 8 {
                let mut altered = bytes.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                let opened = Blob::parse(&altered).and_then(|blob| blob.decrypt(&cipher, &place));
                assert!(opened.is_err(), "bit {bit}");
            }
            assert_eq!(blob.decrypt(&cipher, &place).unwrap().as_bytes(), [0x5a; 40]);
        }
    }

    #[test]
    fn every_truncation_and_extension_is_noticed() {
        let place = context([("app", "billing"), ("table", "cards")]);
        for algorithm in SymmetricAlgorithm::ALL {
            let (cipher, blob) = sample(algorithm);
            let bytes = blob.to_bytes();
            let start = bytes.len() - 40;
            for length in 0..bytes.len() {
                let opened = Blob::parse(&bytes[..length]).and_then(|blob| blob.decrypt(&cipher, &place));
                let expected = if length < start { CryptoError::Malformed } else { CryptoError::CannotOpen };
                assert_eq!(opened.unwrap_err(), expected, "length {length}");
            }
            let longer = Blob::parse(&[&bytes[..], b"\0"].concat()).unwrap();
            assert_eq!(longer.decrypt(&cipher, &place).unwrap_err(), CryptoError::CannotOpen);
        }
    }

    #[test]
    fn another_context_key_or_version_does_not_open() {
        for algorithm in SymmetricAlgorithm::ALL {
            let (cipher, blob) = sample(algorithm);
            let others = [
                context([]),
                context([("app", "billing")]),
                context([("app", "billing"), ("table", "card")]),
                context([("app", "billing"), ("tables", "cards")]),
                context([("app", "billing"), ("table", "cards"), ("", "")]),
                context([("app", "cards"), ("table", "billing")]),
                context([("ap", "pbilling"), ("table", "cards")]),
            ];
            for other in &others {
                assert_eq!(blob.decrypt(&cipher, other).unwrap_err(), CryptoError::CannotOpen, "{other:?}");
            }
            let place = context([("table", "cards"), ("app", "billing")]);
            assert!(blob.decrypt(&cipher, &place).is_ok());
            let moved = [("key-other", VERSION), (KEY, "other"), (VERSION, KEY)];
            for (key_id, version_id) in moved {
                let moved = Blob { key_id: key_id.into(), version_id: version_id.into(), ..blob.clone() };
                let moved = Blob::parse(&moved.to_bytes()).unwrap();
                assert_eq!(moved.decrypt(&cipher, &place).unwrap_err(), CryptoError::CannotOpen);
            }
            let material = vec![7; algorithm.material_len()];
            let other = BlobCipher::new(algorithm, &material).unwrap();
            assert_eq!(blob.decrypt(&other, &place).unwrap_err(), CryptoError::CannotOpen);
        }
        let (_, blob) = sample(SymmetricAlgorithm::Aes256);
        let sm4 = cipher(SymmetricAlgorithm::Sm4);
        assert_eq!(blob.decrypt(&sm4, &context([])).unwrap_err(), CryptoError::CannotOpen);
    }

    #[test]
    fn ids_have_limits() {
        let cipher = cipher(SymmetricAlgorithm::Aes256);
        let seal = |key_id: &str, version_id: &str| {
            Blob::encrypt(&cipher, key_id, version_id, &context([]), &bytes(b""), &mut random()).map(drop)
        };
        assert_eq!(seal(&"k".repeat(64), &"v".repeat(128)), Ok(()));
        let (long_key, long_version) = ("k".repeat(65), "v".repeat(129));
        for (key_id, version_id) in [
            ("", "v"),
            ("k", ""),
            (&long_key, "v"),
            ("k", &long_version),
            ("é", "v"),
            ("k", "a b"),
            ("k\0", "v"),
        ] {
            assert_eq!(seal(key_id, version_id), Err(CryptoError::Malformed), "{key_id} {version_id}");
        }
        for (algorithm, length) in [(SymmetricAlgorithm::Aes256, 16), (SymmetricAlgorithm::Sm4, 32)] {
            let error = BlobCipher::new(algorithm, &vec![1; length]).unwrap_err();
            assert_eq!(error, CryptoError::Malformed);
        }
    }

    #[test]
    fn nothing_secret_is_shown_and_everything_is_wiped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        fn shared<T: Send + Sync + 'static>() {}
        wiped::<AesGcm<Sm4, U12>>();
        shared::<BlobCipher>();
        shared::<Blob>();
        let secret: [u8; 32] = std::array::from_fn(|i| 0xd1 ^ u8::try_from(i * 7).unwrap());
        for algorithm in SymmetricAlgorithm::ALL {
            let cipher = BlobCipher::new(algorithm, &secret[..algorithm.material_len()]).unwrap();
            let blob =
                Blob::encrypt(&cipher, "k", "v", &context([]), &bytes(&secret), &mut random()).unwrap();
            assert_hidden(&cipher, &secret);
            assert_hidden(&blob, &secret);
            assert_hidden(&blob, &blob.sealed);
            assert_hidden(&blob.decrypt(&cipher, &context([("a", "b")])), &secret);
        }
    }

    proptest! {
        #[test]
        fn round_trip(
            sm4 in any::<bool>(),
            key_id in "[!-~]{1,64}",
            version_id in "[!-~]{1,128}",
            place in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..5),
            plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let cipher = cipher(if sm4 { SymmetricAlgorithm::Sm4 } else { SymmetricAlgorithm::Aes256 });
            let blob = Blob::encrypt(&cipher, &key_id, &version_id, &place, &bytes(&plaintext), &mut random()).unwrap();
            let read = Blob::parse(&blob.to_bytes()).unwrap();
            prop_assert_eq!(&read, &blob);
            let opened = read.decrypt(&cipher, &place).unwrap();
            prop_assert_eq!(opened.as_bytes(), &plaintext);
            prop_assert_eq!((read.key_id(), read.version_id()), (&*key_id, &*version_id));
        }

        #[test]
        fn two_contexts_have_the_same_associated_data_only_when_equal(
            one in prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3),
            two in prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3),
            ids in prop::array::uniform4("[ab]{1,2}"),
        ) {
            let [key_one, version_one, key_two, version_two] = &ids;
            let same = one == two && key_one == key_two && version_one == version_two;
            let of = |key: &str, version: &str, place| associated_data(Content::Bytes, key, version, place);
            let data = (of(key_one, version_one, &one), of(key_two, version_two, &two));
            prop_assert_eq!(data.0 == data.1, same);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_open(
            plausible in any::<bool>(),
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if plausible {
                bytes.splice(..0, *b"\x01\x01k\x01v\x01\x01");
            }
            if let Ok(blob) = Blob::parse(&bytes) {
                prop_assert_eq!(blob.to_bytes(), bytes);
                for algorithm in SymmetricAlgorithm::ALL {
                    prop_assert!(blob.decrypt(&cipher(algorithm), &BTreeMap::new()).is_err());
                }
            }
        }
    }
}
