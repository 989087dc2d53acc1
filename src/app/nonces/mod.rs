//! Used nonces, so that no signature is accepted twice.
//!
//! A used nonce is remembered as long as its signature could be accepted by the machine's clock or by the service's
//! clock, which may be stopped or moved ([adr/0011](../../../docs/adr/0011-nonces.md)). If nonces must be forgotten
//! earlier, signatures of their time are refused from then on, as if they had expired.

mod budget;
mod files;
mod memory;
mod shared;
mod span;
mod table;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use budget::Full;
use memory::{Entry, Memory, Refused};
use shared::{Insertion, Shared};
use span::Clocks;
pub use span::SKEW_MS;

use super::error::AppError;
use crate::crypto::ShortHash;
use crate::domain::policy::Principal;
use crate::domain::{NonceLimits, Timestamp};
use crate::ports::Clock;
use crate::store::{Store, Unavailable, UsedNonce};

/// How nonces are remembered.
#[derive(Debug, Clone, Default)]
pub struct NonceSettings {
    /// How many are remembered.
    pub limits: NonceLimits,
    /// The database file. Nonces are stored next to it, so that they survive a restart. Without one they are lost with
    /// the process, unless several processes share the database, which then holds them.
    pub database: Option<PathBuf>,
}

/// A nonce of a signed request.
#[derive(Debug, Clone, Copy)]
pub struct Nonce<'a> {
    /// The principal that signed. All sessions of a role count as one.
    pub principal: &'a Principal,
    /// The access key that signed.
    pub access_key: &'a str,
    /// The nonce, which is compared exactly.
    pub nonce: &'a str,
    /// When it was signed.
    pub signed: Timestamp,
}

/// Why a nonce was refused.
#[derive(Debug, thiserror::Error)]
pub enum NonceRefusal {
    /// This access key used it before.
    #[error(
        "a request with this access key and SignatureNonce was accepted before; sign each request anew, repeated ones too"
    )]
    Used,
    /// Nonces of that time were forgotten, so it may have been used.
    #[error(
        "nonces of requests signed at {0} are no longer remembered; sign the request with the current time"
    )]
    Forgotten(Timestamp),
    /// The principal has reached its limit of remembered nonces.
    #[error("{}", too_many(principal, *full))]
    TooMany {
        /// The principal.
        principal: String,
        /// Which limit is reached.
        full: Full,
    },
    /// Nonces cannot be looked up or stored.
    #[error(transparent)]
    Failed(#[from] AppError),
}

impl NonceRefusal {
    /// Whether the nonce could not be stored because the disk is full.
    pub(super) fn is_for_lack_of_room(&self) -> bool {
        let Self::Failed(AppError::Unavailable(why)) = self else { return false };
        let cause = why.cause().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        cause.is_some_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}

fn too_many(principal: &str, full: Full) -> String {
    const UNTIL: &str = "old nonces are forgotten continuously; try again later";
    match full {
        Full::Own { limit } => {
            format!("{principal} has {limit} signed requests remembered, the limit nonces_per_key; {UNTIL}")
        }
        Full::Total { limit, share } => format!(
            "all principals together have {limit} signed requests remembered, the limit nonces_total, and {principal} has \
             its share, which is {share} now; {UNTIL}"
        ),
    }
}

/// The nonces that were used.
#[derive(Debug)]
pub(super) struct Nonces {
    hash: ShortHash,
    memory: Memory,
    /// The nonces of all processes, if several share the database.
    shared: Option<Shared>,
}

impl Nonces {
    /// The stored nonces. A new database has none. After a crash or a loss this waits less than a second, until a
    /// request that is signed now is outside of the time whose nonces may be lost.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer or its directory is not writable.
    pub(super) async fn open(
        settings: &NonceSettings,
        store: &Arc<dyn Store>,
        is_new: bool,
        hash: &ShortHash,
        clock: &dyn Clock,
    ) -> Result<Self, AppError> {
        let clocks = clocks(clock);
        let shared =
            if store.is_shared() { Some(Shared::open(Arc::clone(store), clocks).await?) } else { None };
        let memory = match &settings.database {
            Some(database) if shared.is_none() => kept(settings.limits, database, is_new, hash, clocks)
                .map_err(|e| {
                    let what =
                        format!("the files of nonces next to {} cannot be used: {e}", database.display());
                    AppError::Unavailable(Unavailable::because(what, e))
                })?,
            _ => Memory::new(settings.limits),
        };
        if let Some(wait_ms) = memory.refuses_now_for(clocks.machine) {
            clock.pause(wait_ms).await;
        }
        Ok(Self { hash: hash.clone(), memory, shared })
    }

    /// Accepts a nonce that was not used before, and stores it.
    ///
    /// # Errors
    /// [`NonceRefusal`].
    pub(super) async fn first_use(&self, nonce: Nonce<'_>, clock: &dyn Clock) -> Result<(), NonceRefusal> {
        let clocks = clocks(clock);
        let Nonce { principal, access_key, nonce, signed } = nonce;
        let [a, b, c, d, ..] = self.hash.of_parts("principal", &principal.policy_arn_parts()).to_le_bytes();
        let entry = Entry {
            // Zero marks a free place of a table.
            hash: self.hash.of(access_key, nonce).max(1),
            principal: u32::from_le_bytes([a, b, c, d]),
            signed: signed.as_millis(),
        };
        match self.memory.first_use(entry, clocks) {
            Ok(()) => {}
            Err(Refused::Used) => return Err(NonceRefusal::Used),
            Err(Refused::Forgotten) => return Err(NonceRefusal::Forgotten(signed)),
            Err(Refused::Full(full)) => {
                return Err(NonceRefusal::TooMany { principal: principal.policy_arn(), full });
            }
            Err(Refused::NotKept(error)) => {
                let why = format!("the nonce of a signed request cannot be stored: {error}");
                return Err(AppError::Unavailable(Unavailable::because(why, error)).into());
            }
        }
        let Some(shared) = &self.shared else { return Ok(()) };
        let used = UsedNonce {
            fingerprint: fingerprint(access_key, nonce),
            seen: Timestamp::from_millis(clocks.machine),
            expires: signed.plus_millis(SKEW_MS),
            principal: principal.policy_arn(),
        };
        match shared.first_use(&used, entry.signed, clocks).await? {
            Insertion::First => Ok(()),
            Insertion::Used => Err(NonceRefusal::Used),
            Insertion::Forgotten => Err(NonceRefusal::Forgotten(signed)),
        }
    }

    /// Writes collected nonces to the files, before the process ends.
    pub(super) fn close(&self) {
        if let Err(error) = self.memory.flush_and_close() {
            tracing::warn!(%error, "the last nonces of signed requests cannot be written");
        }
    }

    /// Forgets nonces whose signatures have expired by all clocks.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if that cannot be stored.
    pub(super) async fn sweep(&self, clock: &dyn Clock) -> Result<(), AppError> {
        let clocks = clocks(clock);
        let failed = |e: std::io::Error| {
            AppError::Unavailable(Unavailable::because(format!("the files of nonces: {e}"), e))
        };
        self.memory.sweep(clocks, memory::PAST_KEPT).map_err(failed)?;
        match &self.shared {
            Some(shared) => shared.sweep(clocks).await,
            None => Ok(()),
        }
    }

    /// When there are nonces to forget next, by the service's clock.
    pub(super) fn next_due(&self, clock: &dyn Clock) -> Option<Timestamp> {
        let ahead = self.memory.next_passed()?.saturating_sub(clock.wall().as_millis());
        Some(clock.now().plus_millis(ahead.max(0).saturating_add(1)))
    }

    /// How many nonces this process remembers.
    pub(super) fn count(&self) -> u64 {
        self.memory.count()
    }
}

fn kept(
    limits: NonceLimits,
    database: &Path,
    is_new: bool,
    hash: &ShortHash,
    clocks: Clocks,
) -> std::io::Result<Memory> {
    let kept = files::Kept::read(database, is_new, hash, clocks.machine)?;
    Memory::kept(limits, kept, clocks)
}

fn clocks(clock: &dyn Clock) -> Clocks {
    Clocks { machine: clock.wall().as_millis(), service: clock.now().as_millis() }
}

/// The hash of a nonce in a shared database: 128 bits of SHA-256. Processes of other releases must compute the same.
fn fingerprint(access_key: &str, nonce: &str) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(access_key).chain_update([0]).chain_update(nonce).finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}
