//! Writes as data, so that they can wait in a queue.

use std::sync::Arc;

use crate::domain::{AccountId, Op, Scope};
use crate::store::{Batch, KeyChange, ReplaceScope, Resealed, Snapshot};

/// A write that the writer carries out.
#[derive(Debug)]
pub(crate) enum Write {
    /// Persist a change of a secret.
    Commit(Box<Batch>),
    /// Persist a change of the keys or aliases of a scope that was decided on this revision.
    Keys(Scope, u64, Box<KeyChange>),
    /// Store a metadata entry.
    AddMeta(&'static str, Vec<u8>),
    /// Replace what the scope says with a snapshot.
    Snapshot(ReplaceScope, Arc<Snapshot>),
    /// Replace everything that the root key seals.
    Reseal(Box<Resealed>),
    /// Store a sealed account, or remove it if there is none; decided on this revision of the accounts.
    Account(AccountId, Option<Vec<u8>>, u64),
    /// Remove every secret, key and account.
    Reset,
}

impl Write {
    /// Whether key material is destroyed, so that no copy of it may remain in journals.
    pub(super) fn destroys_material(&self) -> bool {
        match self {
            Self::Keys(_, _, change) => change.destroys(),
            Self::Snapshot(replaces, _) => *replaces != ReplaceScope::Nothing,
            // What the old root key wrapped must not remain in journals either.
            Self::Reset | Self::Reseal(_) => true,
            Self::Commit(_) | Self::Account(..) | Self::AddMeta(..) => false,
        }
    }
}

/// Each 1,000 items of a snapshot extend its time limit by that of one change.
const ITEMS_PER_CHANGE: usize = 1000;

impl Write {
    /// Whether this frees room in the database, so that it is carried out on a full disk.
    pub(super) fn frees_room(&self) -> bool {
        match self {
            Self::Commit(batch) => batch.change.ops.iter().any(|op| matches!(op, Op::Purge)),
            Self::Keys(_, _, change) => matches!(**change, KeyChange::Delete { .. }),
            Self::Account(_, sealed, _) => sealed.is_none(),
            Self::Reset => true,
            Self::AddMeta(..) | Self::Snapshot(..) | Self::Reseal(_) => false,
        }
    }

    /// Whether the number of secrets may differ afterwards, at once or when a recovery window ends.
    pub(super) fn may_change_totals(&self) -> bool {
        let counts = |op: &Op| matches!(op, Op::Create(_) | Op::Purge | Op::SetPlannedDeletion(_));
        match self {
            Self::Commit(batch) => batch.change.ops.iter().any(counts),
            Self::Snapshot(..) | Self::Reset => true,
            Self::Keys(..) | Self::AddMeta(..) | Self::Reseal(_) | Self::Account(..) => false,
        }
    }

    /// How many times the time limit of one change this write is allowed.
    pub(super) fn timeout_factor(&self) -> u32 {
        let items = match self {
            Self::Snapshot(_, snapshot) => snapshot.len(),
            Self::Reseal(resealed) => resealed.material.len() + resealed.accounts.len(),
            _ => 0,
        };
        u32::try_from(1 + items / ITEMS_PER_CHANGE).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_contents_are_given_more_time() {
        let account = |n: u32| (n.to_string().parse().unwrap(), Vec::new());
        let put = |n| {
            let snapshot = Snapshot { accounts: (1..=n).map(account).collect(), ..Snapshot::default() };
            Write::Snapshot(ReplaceScope::Everything, Arc::new(snapshot)).timeout_factor()
        };
        assert_eq!([put(1), put(999), put(1000), put(20_000)], [1, 1, 2, 21]);
        assert_eq!(Write::Reset.timeout_factor(), 1);
    }
}
