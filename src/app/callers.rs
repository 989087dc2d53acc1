//! Who asks, and the nonces that were used.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::sessions::Session;
use super::{App, AppError};
use crate::domain::policy::{Identity, Principal};
use crate::domain::{AccountId, Timestamp};
use crate::store::Store;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who that is, as policies name it. Its account owns what it creates.
    pub principal: Principal,
    /// The access key that signed, if any: for the log.
    pub access_key: Option<String>,
    /// The session, for a caller in a role.
    pub session: Option<Arc<Session>>,
}

impl Caller {
    /// The root of an account.
    pub fn root(account: AccountId, access_key: Option<String>) -> Self {
        Self { principal: Principal { account, identity: Identity::Root }, access_key, session: None }
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.principal.account
    }
}

/// Allowed distance between the signer's clock and ours, both ways, in milliseconds (fact G2).
pub const SKEW_MS: u64 = 15 * 60 * 1000;
/// How long a nonce is remembered, in milliseconds: the skew on both sides (fact G3).
pub(super) const NONCE_MS: i64 = 30 * 60 * 1000;
/// How many nonces one generation holds. Two generations of 64-byte entries stay below 400 MiB at the very worst.
const NONCES: usize = 1_000_000;

/// Nonces seen lately, per access key (fact G4). In memory: a restart forgets them; with several processes also in their
/// database.
pub struct Nonces {
    here: Mutex<Generations>,
    /// Where the other processes' nonces are, if there are others.
    everywhere: Option<Arc<dyn Store>>,
}

/// Two sets: the current one is filled, the previous one only asked. When the current one is old or full it becomes
/// the previous one, so forgetting costs nothing per nonce.
#[derive(Default)]
struct Generations {
    current: std::collections::HashSet<u128>,
    previous: std::collections::HashSet<u128>,
    /// When the current set was begun.
    begun: Option<Timestamp>,
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

impl Nonces {
    /// No nonces but those in a store that others use, too.
    pub fn new(app: &App) -> Self {
        let store = &app.store;
        Self { here: Mutex::default(), everywhere: store.is_shared().then(|| Arc::clone(store)) }
    }

    /// Records a nonce of an access key; false when it was used already. To be called only after the signature was
    /// found right, or a stranger could use up somebody's nonces.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is needed and does not answer.
    pub async fn first_use(&self, access_key: &str, nonce: &str, now: Timestamp) -> Result<bool, AppError> {
        let entry = fingerprint(access_key, nonce);
        if !self.first_use_here(entry, now) {
            return Ok(false);
        }
        match &self.everywhere {
            None => Ok(true),
            Some(store) => Ok(store.use_nonce(entry.to_be_bytes(), now).await?),
        }
    }

    fn first_use_here(&self, entry: u128, now: Timestamp) -> bool {
        let mut sets = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let old = sets.begun.is_none_or(|begun| now.distance_ms(begun) >= NONCE_MS.unsigned_abs());
        if old || sets.current.len() >= NONCES {
            sets.previous = std::mem::take(&mut sets.current);
            sets.begun = Some(now);
        }
        !sets.previous.contains(&entry) && sets.current.insert(entry)
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.here.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }
}

/// 128 bits of SHA-256: two different nonces collide with negligible probability, and memory is bounded whatever the
/// client sends.
fn fingerprint(access_key: &str, nonce: &str) -> u128 {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(access_key.as_bytes());
    hash.update([0]);
    hash.update(nonce.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_per_key_within_the_window() {
        let nonces = Nonces { here: Mutex::default(), everywhere: None };
        let first = |key: &str, nonce: &str, now| nonces.first_use_here(fingerprint(key, nonce), now);
        let t = Timestamp::from_millis(1_000_000);
        assert!(first("a", "n", t));
        assert!(!first("a", "n", t));
        assert!(first("b", "n", t), "nonces are scoped by access key");
        assert!(first("", "an", t), "key and nonce do not run together");
        assert!(!first("a", "n", t.plus_millis(NONCE_MS)), "still known one window later");
        assert!(first("a", "n", t.plus_millis(3 * NONCE_MS)));
    }
}
