//! The nonces that were used: no signature is good twice.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{App, AppError};
use crate::domain::Timestamp;
use crate::store::Store;

/// Allowed distance between the signer's clock and ours, both ways, in milliseconds (fact G2).
pub const SKEW_MS: u64 = 15 * 60 * 1000;
/// How long a nonce is remembered, in milliseconds: the skew on both sides (fact G3).
pub(super) const NONCE_MS: i64 = 30 * 60 * 1000;

/// Nonces seen lately, per access key (fact G4). In memory: a restart forgets them; with several processes also in their
/// database.
pub struct Nonces {
    here: Mutex<Table>,
    /// Where the other processes' nonces are, if there are others.
    everywhere: Option<Arc<dyn Store>>,
}

/// How many nonces a set holds.
const WAYS: usize = 16;
/// How many sets there are. A nonce belongs to one of them by chance that nobody outside can foresee: who could, would
/// drive another's nonce out by a few of his own, and use it again.
const SETS: usize = 1 << 16;

/// A table of a fixed size, 8 MiB, however many requests there are. In each set the newest nonce comes first and drives the
/// last one out. So about a million are remembered. Sets fill by chance: of those a quarter of an hour old, which is how long a
/// signature stays fresh, one in 5,000 is lost at 400 signed requests a second, and three in ten at 1,000.
///
/// A mark is 48 bits of the fingerprint and the minute of its use. Zero is none.
struct Table {
    sets: Vec<[u64; WAYS]>,
    chance: RandomState,
}

/// The bits of a mark that are the minute.
const MINUTE: u64 = 0xFFFF;

impl Table {
    /// The system gives its memory page by page, when it is first written to.
    fn new() -> Self {
        Self { sets: vec![[0; WAYS]; SETS], chance: RandomState::new() }
    }

    /// Whether this is the first use of a fingerprint within the window.
    fn first_use(&mut self, fingerprint: Fingerprint, now: Timestamp) -> bool {
        let place = self.chance.hash_one(fingerprint) % SETS as u64;
        let mark = fingerprint.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        let minute = now.as_millis().div_euclid(60_000).rem_euclid(1 << 16).unsigned_abs();
        let is_known =
            |seen: &u64| *seen != 0 && (seen ^ mark) & !MINUTE == 0 && minutes_apart(*seen, minute) <= WINDOW;
        let Some(set) = usize::try_from(place).ok().and_then(|place| self.sets.get_mut(place)) else {
            return false;
        };
        if set.iter().any(is_known) {
            return false;
        }
        set.rotate_right(1);
        set[0] = mark & !MINUTE | minute;
        true
    }
}

/// The window in minutes, and the one that has begun.
const WINDOW: u64 = NONCE_MS.unsigned_abs() / 60_000 + 1;

/// How many minutes are between a mark and a minute. Both come round after 45 days.
fn minutes_apart(mark: u64, minute: u64) -> u64 {
    let later = minute.wrapping_sub(mark) & MINUTE;
    later.min(MINUTE + 1 - later)
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
        Self { here: Mutex::new(Table::new()), everywhere: store.is_shared().then(|| Arc::clone(store)) }
    }

    /// Records a nonce of an access key; false when it was used already. To be called only after the signature was
    /// found right, or a stranger could use up somebody's nonces.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is needed and does not answer.
    pub async fn first_use(&self, access_key: &str, nonce: &str, now: Timestamp) -> Result<bool, AppError> {
        let entry = fingerprint(access_key, nonce);
        if !self.table().first_use(entry, now) {
            return Ok(false);
        }
        match &self.everywhere {
            None => Ok(true),
            Some(store) => Ok(store.use_nonce(entry, now).await?),
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.table() = Table::new();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 bits of SHA-256: two different nonces collide with negligible probability, and memory is bounded whatever the
/// client sends.
type Fingerprint = [u8; 16];

fn fingerprint(access_key: &str, nonce: &str) -> Fingerprint {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(access_key).chain_update([0]).chain_update(nonce).finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(1_795_491_000_000);

    #[test]
    fn a_nonce_is_good_once_per_key_within_the_window() {
        let mut table = Table::new();
        let mut first = |key: &str, nonce: &str, now| table.first_use(fingerprint(key, nonce), now);
        assert!(first("a", "n", T));
        assert!(!first("a", "n", T));
        assert!(first("b", "n", T), "nonces are scoped by access key");
        assert!(first("", "an", T), "key and nonce do not run together");
        assert!(!first("a", "n", T.plus_millis(NONCE_MS)), "still known one window later");
        assert!(!first("a", "n", T.plus_millis(-NONCE_MS)), "and when the machine's clock was set back");
        assert!(first("a", "n", T.plus_millis(3 * NONCE_MS)));
    }

    #[test]
    fn the_last_ones_are_known_however_many_came_before() {
        let mut table = Table::new();
        let all = 3 * WAYS * SETS;
        let mut first = |n: usize| table.first_use(fingerprint("a", &n.to_string()), T);
        assert!((0..all).all(&mut first), "each is new");
        // Those are forgotten of whose set chance makes more than it holds: of the last third of a table hardly any, of
        // the last half some. The newest are asked first, because who is forgotten comes in again.
        let mut forgotten = |of: std::ops::Range<usize>| of.rev().filter(|n| first(*n)).count();
        let (third, half) = (all - WAYS * SETS / 3, all - WAYS * SETS / 2);
        let (of_third, of_rest) = (forgotten(third..all), forgotten(half..third));
        assert!(of_third < WAYS * SETS / 3 / 1_000, "{of_third}");
        assert!(of_rest < (third - half) / 100, "{of_rest}");
        assert_eq!(table.sets.len(), SETS);
    }
}
