//! What a store may be asked to write, as data.

use std::sync::Arc;

use crate::domain::{AccountId, Op, Scope};
use crate::store::{Batch, KeyChange, ReplaceScope, Resealed, Snapshot};

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Write {
    /// Persist a change.
    Commit(Box<Batch>),
    /// Persist a change of keys or aliases of a scope, decided on this revision.
    Keys(Scope, u64, Box<KeyChange>),
    /// Store a fact about the installation.
    AddMeta(&'static str, Vec<u8>),
    /// Put everything of the contents instead of others.
    Snapshot(ReplaceScope, Arc<Snapshot>),
    /// Replace everything that the root key seals.
    Reseal(Box<Resealed>),
    /// Keep an account, sealed, or keep it no longer, decided on this revision.
    Account(AccountId, Option<Vec<u8>>, u64),
    /// Remove every secret, key and account.
    Reset,
}

impl Write {
    /// Whether key material ceases to exist, so that no copy of it may stay beside the tables.
    pub(super) fn destroys(&self) -> bool {
        match self {
            Self::Keys(_, _, change) => change.destroys(),
            Self::Snapshot(instead, _) => *instead != ReplaceScope::Nothing,
            // What the old root key wrapped must not stay beside the tables either.
            Self::Reset | Self::Reseal(_) => true,
            Self::Commit(_) | Self::Account(..) | Self::AddMeta(..) => false,
        }
    }
}

/// How many things of contents are written at least in the time that is given for one change.
const AT_ONCE: usize = 1000;

impl Write {
    /// Whether there may be another number of secrets afterwards, now or at some time.
    pub(super) fn recounts(&self) -> bool {
        let counts = |op: &Op| matches!(op, Op::Create(_) | Op::Purge | Op::SetPlannedDeletion(_));
        match self {
            Self::Commit(batch) => batch.change.ops.iter().any(counts),
            Self::Snapshot(..) | Self::Reset => true,
            Self::Keys(..) | Self::AddMeta(..) | Self::Reseal(_) | Self::Account(..) => false,
        }
    }

    /// How many times as long as one change this may take.
    pub(super) fn times(&self) -> u32 {
        let things = match self {
            Self::Snapshot(_, contents) => contents.len(),
            Self::Reseal(resealed) => resealed.material.len() + resealed.accounts.len(),
            _ => 0,
        };
        u32::try_from(1 + things / AT_ONCE).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_contents_are_given_more_time() {
        let account = |n: u32| (n.to_string().parse().unwrap(), Vec::new());
        let put = |n| {
            let contents = Snapshot { accounts: (1..=n).map(account).collect(), ..Snapshot::default() };
            Write::Snapshot(ReplaceScope::Everything, Arc::new(contents)).times()
        };
        assert_eq!([put(1), put(999), put(1000), put(20_000)], [1, 1, 2, 21]);
        assert_eq!(Write::Reset.times(), 1);
    }
}
