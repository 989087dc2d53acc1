//! Temporary credentials of an assumed role. The security token holds the whole session, sealed, so that nothing is
//! stored, sessions survive a restart, and every replica accepts them.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::AppError;
use crate::crypto::{CryptoError, RootKey};
use crate::domain::policy::{PolicyDocument, PolicyKind};
use crate::domain::{AccountId, Timestamp};
use crate::ports::{Clock, Entropy};

/// A session of an assumed role.
#[derive(Debug, Clone)]
pub struct Session {
    /// The id of its access key.
    pub access_key: String,
    /// The secret of its access key.
    pub secret: SecretString,
    /// The account of the role.
    pub account: AccountId,
    /// The role's name.
    pub role: String,
    /// The name of the session.
    pub name: String,
    /// When it expires.
    pub expires: Timestamp,
    /// The session policy, which narrows the permissions of the role.
    pub policy: Option<Arc<PolicyDocument>>,
    /// The SourceIdentity that was given.
    pub source_identity: Option<String>,
}

/// A session to create.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The account of the role.
    pub account: AccountId,
    /// The role's name.
    pub role: String,
    /// The name of the session.
    pub name: String,
    /// Its duration, in seconds.
    pub seconds: u32,
    /// The text of the session policy, checked.
    pub policy: Option<String>,
    /// The SourceIdentity.
    pub source_identity: Option<String>,
}

/// Temporary credentials for a caller. `Debug` shows neither the secret nor the token.
pub struct Credentials {
    /// The id of the access key, which begins with `STS.`.
    pub access_key: String,
    /// Its secret.
    pub secret: Zeroizing<String>,
    /// The security token.
    pub token: String,
    /// When they expire.
    pub expires: Timestamp,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// The sealed content of a token.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    key: &'a str,
    secret: &'a str,
    account: &'a str,
    role: &'a str,
    name: &'a str,
    expires: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

/// The first bytes of a token. In base64 they are `CAIS`, as on the cloud.
const MARK: [u8; 3] = [8, 2, 18];

/// Issues temporary credentials.
pub(super) fn issue(
    new: &NewSession,
    root: &RootKey,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Credentials, AppError> {
    let access_key = format!("STS.{}", letters(entropy, 24));
    let secret = Zeroizing::new(letters(entropy, 44));
    // Whole seconds, because the answer has no fraction.
    let seconds = clock.now().as_millis() / 1000 + i64::from(new.seconds);
    let expires = Timestamp::from_millis(seconds * 1000);
    let sealed = Sealed {
        key: &access_key,
        secret: &secret,
        account: new.account.as_str(),
        role: &new.role,
        name: &new.name,
        expires: expires.as_millis(),
        policy: new.policy.as_deref().map(Into::into),
        source: new.source_identity.as_deref(),
    };
    let plain = serde_json::to_vec(&sealed).map(Zeroizing::new);
    let plain = plain.map_err(|e| AppError::Damaged(format!("a session: {e}")))?;
    let sealed = root.seal_session(&plain, &mut *entropy.rng())?;
    let token = STANDARD.encode([&MARK, sealed.as_bytes()].concat());
    Ok(Credentials { access_key, secret, token, expires })
}

/// Random letters and digits. I, O, l, 0 and 1 are left out because they look alike.
fn letters(entropy: &dyn Entropy, length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let mut rng = entropy.rng();
    let draw = |_| ALPHABET.get(rng.random_range(0..ALPHABET.len())).map(|b| char::from(*b));
    (0..length).filter_map(draw).collect()
}

/// The session that a token holds, which may have expired.
///
/// # Errors
/// [`CryptoError::Malformed`] and [`CryptoError::CannotOpen`] for anything that [`issue`] did not return with this root
/// key.
pub(super) fn open(token: &str, root: &RootKey) -> Result<Session, CryptoError> {
    let bytes = STANDARD.decode(token).map_err(|_invalid| CryptoError::Malformed)?;
    let plain = root.open_session(bytes.strip_prefix(&MARK).ok_or(CryptoError::Malformed)?)?;
    let malformed = |_| CryptoError::Malformed;
    let sealed: Sealed<'_> = serde_json::from_slice(&plain).map_err(malformed)?;
    let policy = sealed.policy.map(|text| PolicyDocument::parse(&text, PolicyKind::Session));
    Ok(Session {
        access_key: sealed.key.to_owned(),
        secret: sealed.secret.into(),
        account: sealed.account.parse().map_err(|_invalid| CryptoError::Malformed)?,
        role: sealed.role.to_owned(),
        name: sealed.name.to_owned(),
        expires: Timestamp::from_millis(sealed.expires),
        policy: policy.transpose().map_err(|_invalid| CryptoError::Malformed)?.map(Arc::new),
        source_identity: sealed.source.map(str::to_owned),
    })
}

impl Session {
    /// The secret, to verify a signature.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Whether it has expired.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::crypto::SymmetricKey;
    use crate::ports::{SeededEntropy, ServerClock};

    fn root(byte: u8) -> RootKey {
        RootKey::from_key(&SymmetricKey::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the secret must be the one that was given out")]
    fn a_token_carries_its_session_and_opens_here_only() {
        let (clock, entropy) = (ServerClock::default(), SeededEntropy::new(1));
        clock.set(Timestamp::from_millis(1_000_999));
        let policy =
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:\u0047et*","Resource":"*"}]}"#;
        let new = NewSession {
            account: "1".parse().unwrap(),
            role: "app".to_owned(),
            name: "alice@x".to_owned(),
            seconds: 900,
            policy: Some(policy.to_owned()),
            source_identity: Some("A \"quoted\"".replace('"', "'")),
        };
        let given = issue(&new, &root(1), &clock, &entropy).unwrap();
        assert!(given.access_key.starts_with("STS.") && given.token.starts_with("CAIS"), "{given:?}");
        assert!(!format!("{given:?}").contains(&*given.secret));
        let session = open(&given.token, &root(1)).unwrap();
        assert_eq!(session.secret.expose_secret(), &**given.secret);
        assert_eq!((session.role.as_str(), session.name.as_str()), ("app", "alice@x"));
        assert_eq!(session.expires, Timestamp::from_millis(1_900_000));
        assert!(session.policy.is_some() && session.source_identity.is_some());
        assert!(open(&given.token, &root(2)).is_err());
        for at in [0, 4, 30, given.token.len() - 5] {
            let mut altered = given.token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(open(std::str::from_utf8(&altered).unwrap(), &root(1)).is_err(), "{at}");
        }
        for bad in ["", "CAIS", "@", "CAISAAAA"] {
            assert!(open(bad, &root(1)).is_err());
        }
    }
}
