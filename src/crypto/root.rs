//! The root key: the top of the hierarchy, stored outside the database.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::key::KEY_LEN;
use super::{
    AccountContext, Cipher, CryptoError, KeyMaterialContext, MarkerContext, Sealed, SessionContext,
    ShortHash, SymmetricKey, same_bytes,
};

/// Length of a passphrase's salt, in bytes.
pub const SALT_LEN: usize = 16;

/// Memory used by argon2id, in KiB: 64 MiB.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

const WRAP_INFO: &[u8] = b"sesame/root/wrap/1";
const IDENTITY_INFO: &[u8] = b"sesame/root/identity/1";
const MARKER_INFO: &[u8] = b"sesame/root/marker/1";
const NONCES_INFO: &[u8] = b"sesame/root/nonces/1";
const MARKER: &[u8] = b"sesame root key marker";

/// The root key, in the form of the subkeys derived from it: one wraps customer master keys, one seals accounts and
/// temporary credentials, one seals the marker, one hashes nonces of signed requests. The key itself is not kept.
#[derive(Debug)]
pub struct RootKey {
    wrap: Cipher,
    identity: Cipher,
    marker: Cipher,
    nonces: ShortHash,
}

impl RootKey {
    /// Derives the subkeys (HKDF-SHA256).
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] if the derivation refuses the output length, which it does not.
    pub fn from_key(key: &SymmetricKey) -> Result<Self, CryptoError> {
        Ok(Self {
            wrap: Cipher::new(&derive(key, WRAP_INFO)?),
            identity: Cipher::new(&derive(key, IDENTITY_INFO)?),
            marker: Cipher::new(&derive(key, MARKER_INFO)?),
            nonces: ShortHash::new(&derive(key, NONCES_INFO)?),
        })
    }

    /// Derives the root key from the bytes of a passphrase (argon2id, 64 MiB, 3 passes, 1 lane: about 100 ms of one
    /// core). The salt is not secret: it is drawn at random once and stored next to the marker.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when the passphrase is empty or longer than 4 GiB.
    pub fn from_passphrase(passphrase: &str, salt: &[u8; SALT_LEN]) -> Result<Self, CryptoError> {
        if passphrase.is_empty() {
            return Err(CryptoError::Malformed);
        }
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_LEN))
            .map_err(|_constants| CryptoError::Malformed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self::from_key(&stretch(&argon2, passphrase.as_bytes(), salt)?)
    }

    /// Wraps the material of a version of a customer master key: symmetric key bytes or an encoded private key.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub fn wrap_key_material(
        &self,
        context: &KeyMaterialContext<'_>,
        material: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Sealed, CryptoError> {
        self.wrap.seal(&context.encode(), material, rng)
    }

    /// Unwraps the material of a version of a customer master key.
    ///
    /// # Errors
    /// [`CryptoError::CannotOpen`] and [`CryptoError::Malformed`], as [`Cipher::open`].
    pub fn unwrap_key_material(
        &self,
        context: &KeyMaterialContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.wrap.open(&context.encode(), wrapped)
    }

    /// Re-wraps material when the root key is changed: unwraps it with `old` and wraps it with this root key. The marker must be
    /// replaced together with all wrapped material.
    ///
    /// # Errors
    /// As [`RootKey::unwrap_key_material`] of the old root key.
    pub fn rewrap(
        &self,
        old: &RootKey,
        context: &KeyMaterialContext<'_>,
        wrapped: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Sealed, CryptoError> {
        self.wrap_key_material(context, &old.unwrap_key_material(context, wrapped)?, rng)
    }

    /// Seals an account: its users, roles, policies and access keys.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub fn seal_account(
        &self,
        context: &AccountContext<'_>,
        account: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Sealed, CryptoError> {
        self.identity.seal(&context.encode(), account, rng)
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`CryptoError::CannotOpen`] and [`CryptoError::Malformed`], as [`Cipher::open`].
    pub fn open_account(
        &self,
        context: &AccountContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.identity.open(&context.encode(), sealed)
    }

    /// Seals temporary credentials.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub fn seal_session(&self, session: &[u8], rng: &mut dyn CryptoRng) -> Result<Sealed, CryptoError> {
        self.identity.seal(&SessionContext::encode(), session, rng)
    }

    /// Opens temporary credentials.
    ///
    /// # Errors
    /// [`CryptoError::CannotOpen`] and [`CryptoError::Malformed`], as [`Cipher::open`].
    pub fn open_session(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.identity.open(&SessionContext::encode(), sealed)
    }

    /// The hash under which nonces of signed requests are remembered.
    pub fn nonce_hash(&self) -> &ShortHash {
        &self.nonces
    }

    /// Creates the marker, which is stored in a new database.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub fn marker(&self, rng: &mut dyn CryptoRng) -> Result<Sealed, CryptoError> {
        self.marker.seal(&MarkerContext::encode(), MARKER, rng)
    }

    /// Checks at start that the database belongs to this root key.
    ///
    /// # Errors
    /// [`CryptoError::CannotOpen`] when another root key made the marker, [`CryptoError::Malformed`] when it is not a
    /// marker.
    pub fn check_marker(&self, marker: &[u8]) -> Result<(), CryptoError> {
        let opened = self.marker.open(&MarkerContext::encode(), marker)?;
        if same_bytes(&opened, MARKER) { Ok(()) } else { Err(CryptoError::Malformed) }
    }
}

fn derive(key: &SymmetricKey, info: &[u8]) -> Result<SymmetricKey, CryptoError> {
    let hkdf = Hkdf::<Sha256>::new(None, key.as_bytes());
    SymmetricKey::filled(|out| hkdf.expand(info, out)).map_err(|_length| CryptoError::Malformed)
}

/// Runs argon2 in a buffer that is wiped afterwards. Otherwise its contents would let an attacker try passphrases
/// without the cost of argon2.
fn stretch(argon2: &Argon2<'_>, passphrase: &[u8], salt: &[u8]) -> Result<SymmetricKey, CryptoError> {
    let mut memory = vec![Block::new(); argon2.params().block_count()];
    let key = SymmetricKey::filled(|out| {
        argon2.hash_password_into_with_memory(passphrase, salt, out, memory.as_mut_slice())
    });
    for block in &mut memory {
        block.as_mut().zeroize();
    }
    key.map_err(|_refused| CryptoError::Malformed)
}

#[cfg(test)]
mod tests {
    use argon2::{AssociatedData, ParamsBuilder};

    use super::super::testing::random;
    use super::*;

    const CONTEXT: KeyMaterialContext<'_> =
        KeyMaterialContext { account: "1000", region: "cn-hangzhou", key_id: "key-1", key_version: 2 };

    fn root(byte: u8) -> RootKey {
        RootKey::from_key(&SymmetricKey::from_bytes([byte; 32])).unwrap()
    }

    /// RFC 5869, appendix A.1.
    #[test]
    fn hkdf_sha256_known_answer() {
        let salt = const_hex::decode("000102030405060708090a0b0c").unwrap();
        let info = const_hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(&salt), &[0x0b; 22]);
        let mut okm = [0; 42];
        hkdf.expand(&info, &mut okm).unwrap();
        assert_eq!(
            const_hex::encode(prk.as_slice()),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        );
        assert_eq!(
            const_hex::encode(okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    /// RFC 9106, section 5.3.
    #[test]
    fn argon2id_known_answer() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .output_len(32)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        assert_eq!(
            stretch(&argon2, &[1; 32], &[2; 16]).unwrap().to_hex().as_str(),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }

    #[test]
    fn material_comes_back() {
        let (root, mut random) = (root(1), random());
        let material = SymmetricKey::generate(&mut random);
        let wrapped = root.wrap_key_material(&CONTEXT, material.as_bytes(), &mut random).unwrap();
        let unwrapped = root.unwrap_key_material(&CONTEXT, wrapped.as_bytes()).unwrap();
        assert_eq!(unwrapped.as_slice(), material.as_bytes());
    }

    #[test]
    fn material_opens_at_its_place_alone() {
        let (root, mut random) = (root(1), random());
        let wrapped = root.wrap_key_material(&CONTEXT, b"material", &mut random).unwrap();
        let others = [
            KeyMaterialContext { account: "1001", ..CONTEXT },
            KeyMaterialContext { region: "cn-beijing", ..CONTEXT },
            KeyMaterialContext { key_id: "key-2", ..CONTEXT },
            KeyMaterialContext { key_version: 3, ..CONTEXT },
        ];
        for other in others {
            assert_eq!(
                root.unwrap_key_material(&other, wrapped.as_bytes()).unwrap_err(),
                CryptoError::CannotOpen
            );
        }
    }

    #[test]
    fn rewrap_keeps_the_material_and_shuts_out_the_old_root() {
        let (old, new, mut random) = (root(1), root(2), random());
        let material = SymmetricKey::generate(&mut random);
        let wrapped = old.wrap_key_material(&CONTEXT, material.as_bytes(), &mut random).unwrap();
        let rewrapped = new.rewrap(&old, &CONTEXT, wrapped.as_bytes(), &mut random).unwrap();
        let unwrapped = new.unwrap_key_material(&CONTEXT, rewrapped.as_bytes()).unwrap();
        assert_eq!(unwrapped.as_slice(), material.as_bytes());
        let refused = [
            old.unwrap_key_material(&CONTEXT, rewrapped.as_bytes()).unwrap_err(),
            new.unwrap_key_material(&CONTEXT, wrapped.as_bytes()).unwrap_err(),
            old.rewrap(&new, &CONTEXT, wrapped.as_bytes(), &mut random).unwrap_err(),
        ];
        assert_eq!(refused, [CryptoError::CannotOpen; 3]);
    }

    #[test]
    fn the_marker_tells_a_wrong_root_key() {
        let (root, stranger, mut random) = (root(1), root(2), random());
        let marker = root.marker(&mut random).unwrap();
        assert_eq!(root.check_marker(marker.as_bytes()), Ok(()));
        assert_eq!(stranger.check_marker(marker.as_bytes()), Err(CryptoError::CannotOpen));
        assert_eq!(root.check_marker(b""), Err(CryptoError::Malformed));
        assert_eq!(root.check_marker(&[0; 64]), Err(CryptoError::Malformed));
        let other = root.marker.seal(&MarkerContext::encode(), b"something else", &mut random).unwrap();
        assert_eq!(root.check_marker(other.as_bytes()), Err(CryptoError::Malformed));
    }

    #[test]
    fn the_subkeys_are_separate() {
        let (root, mut random) = (root(1), random());
        let aad = MarkerContext::encode();
        let by_wrap = root.wrap.seal(&aad, MARKER, &mut random).unwrap();
        assert_eq!(root.check_marker(by_wrap.as_bytes()), Err(CryptoError::CannotOpen));
        let key = SymmetricKey::from_bytes([1; 32]);
        let by_root = Cipher::new(&key).seal(&aad, MARKER, &mut random).unwrap();
        assert_eq!(root.check_marker(by_root.as_bytes()), Err(CryptoError::CannotOpen));
    }

    #[test]
    fn passphrase_and_salt_both_count() {
        let mut random = random();
        let root = RootKey::from_passphrase("correct horse", &[9; 16]).unwrap();
        let marker = root.marker(&mut random).unwrap();
        let check = |passphrase: &str, salt: &[u8; 16]| {
            RootKey::from_passphrase(passphrase, salt)?.check_marker(marker.as_bytes())
        };
        assert_eq!(check("correct horse", &[9; 16]), Ok(()));
        assert_eq!(check("correct horse ", &[9; 16]), Err(CryptoError::CannotOpen));
        assert_eq!(check("correct horse", &[8; 16]), Err(CryptoError::CannotOpen));
        assert_eq!(check("", &[9; 16]), Err(CryptoError::Malformed));
    }

    /// Markers made by another implementation (Python's `cryptography`): what is stored today must open in every later
    /// release.
    #[test]
    fn stored_markers_still_open() {
        let key: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let by_key = RootKey::from_key(&SymmetricKey::from_bytes(key)).unwrap();
        let marker = const_hex::decode("01016465666768696a6b6c6d6e6fb09b2aae8e434583edf99c043806b971db2b6a82fc9fc411918059b3c5603e5999b4d5e52587").unwrap();
        assert_eq!(by_key.check_marker(&marker), Ok(()));
        let by_passphrase = RootKey::from_passphrase("correct horse", &[9; 16]).unwrap();
        let marker = const_hex::decode("0101c8c9cacbcccdcecfd0d1d2d35380dd261485c2ed10e8ce7ab88d92d401523a89718005eeba7c39a84f46c56cb1d0525470ef").unwrap();
        assert_eq!(by_passphrase.check_marker(&marker), Ok(()));
        let wrapped = const_hex::decode("010132333435363738393a3b3c3d6560fd32d471b618a92623cfabf703389a8641c6acb93bc35455c7ac76851cd0e88ec9f7c89364b40ec58a49adc47291").unwrap();
        assert_eq!(by_key.unwrap_key_material(&CONTEXT, &wrapped).unwrap().as_slice(), &[7; 32]);
    }
}
