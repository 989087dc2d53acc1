//! The accounts at run time: those of the configuration file, and those that were added since, which are stored sealed
//! in the database.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::error::AppError;
use crate::crypto::{AccountContext, CryptoError, RootKey};
use crate::domain::rotation::value::UserKey;
use crate::domain::{AccountId, Timestamp};
use crate::identities::file::{AccountFile, Hidden, Status};
use crate::identities::overlay::{self, RotatedKey};
use crate::identities::{Identities, IdentityError};
use crate::ports::Entropy;
use crate::store::{AccessKeyRecord, AccessKeyStatus, Store, StoreError};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The description of the account is wrong.
    #[error(transparent)]
    Wrong(#[from] IdentityError),
    /// The account is in the configuration file, which is read only at the start.
    #[error("account {0} is in the configuration file")]
    Declared(AccountId),
    /// It could not be stored.
    #[error(transparent)]
    Failed(#[from] AppError),
}

/// The accounts that were added at run time, and their revision in the store.
#[derive(Debug, Clone, Default)]
struct Added {
    revision: u64,
    accounts: BTreeMap<AccountId, AccountFile>,
    /// What rotations did to AccessKeys, opened, with the time when each was made.
    rotated: Vec<(RotatedKey, Timestamp)>,
}

/// All accounts.
#[derive(Debug)]
pub struct Directory {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    root: Arc<RootKey>,
    /// The account that always exists.
    default: AccountId,
    /// Whether the well-known access key is accepted.
    well_known_key: bool,
    declared: Vec<AccountFile>,
    /// Held during a change, so that changes run one after another.
    added: Mutex<Added>,
    current: RwLock<Arc<Identities>>,
}

impl Directory {
    /// The declared accounts and the stored ones. A declared account takes precedence over a stored one with the same id.
    pub(super) async fn open(
        declared: Vec<AccountFile>,
        (default, well_known_key): (AccountId, bool),
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
        root: Arc<RootKey>,
    ) -> Result<Self, DirectoryError> {
        let added = read(&*store, &root).await?;
        let current = RwLock::new(Arc::new(in_force(&declared, &added, (&default, well_known_key))?));
        Ok(Self {
            store,
            entropy,
            root,
            default,
            well_known_key,
            declared,
            added: Mutex::new(added),
            current,
        })
    }

    /// The accounts now.
    pub fn current(&self) -> Arc<Identities> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The description of every account, without secrets. Declared accounts come first.
    pub async fn list(&self) -> Vec<AccountFile> {
        let added = self.added.lock().await;
        let added = added.accounts.values().filter(|file| !is_declared(&self.declared, &file.id)).cloned();
        self.declared.iter().cloned().chain(added).map(AccountFile::without_secrets).collect()
    }

    /// Adds or replaces an account. An access key without a secret keeps the secret it had.
    ///
    /// # Errors
    /// [`DirectoryError::Wrong`], [`DirectoryError::Declared`]; nothing is changed then.
    pub async fn put(&self, file: AccountFile) -> Result<(), DirectoryError> {
        let id = self.not_declared(&file.id)?;
        for _ in 0..ATTEMPTS {
            let mut added = self.added.lock().await;
            let file = match added.accounts.get(&id) {
                Some(before) => file.clone().with_secrets_of(before.clone()),
                None => file.clone(),
            };
            let mut next = added.clone();
            next.accounts.insert(id.clone(), file.clone());
            let identities = in_force(&self.declared, &next, (&self.default, self.well_known_key))?;
            let sealed = self.seal(&file)?;
            if self.keep(&mut added, next, identities, &id, Some(sealed)).await? {
                return Ok(());
            }
        }
        Err(AppError::Busy.into())
    }

    /// Removes an account that was added at run time. Returns false if there is none.
    ///
    /// # Errors
    /// [`DirectoryError::Declared`].
    pub async fn remove(&self, id: &str) -> Result<bool, DirectoryError> {
        let id = self.not_declared(id)?;
        for _ in 0..ATTEMPTS {
            let mut added = self.added.lock().await;
            let mut next = added.clone();
            if next.accounts.remove(&id).is_none() {
                return Ok(false);
            }
            let identities = in_force(&self.declared, &next, (&self.default, self.well_known_key))?;
            if self.keep(&mut added, next, identities, &id, None).await? {
                return Ok(true);
            }
        }
        Err(AppError::Busy.into())
    }

    /// Whether the account is in the configuration file.
    pub fn is_declared(&self, id: &str) -> bool {
        is_declared(&self.declared, id)
    }

    /// Whether the stored account with this id is equal to `file`. `None` if there is none.
    pub async fn holds(&self, file: &AccountFile) -> Option<bool> {
        let added = self.added.lock().await;
        let present = added.accounts.iter().find(|(id, _)| id.as_str() == file.id)?.1;
        let [present, wanted] = [present, file].map(|file| serde_json::to_vec(file).map(Zeroizing::new).ok());
        Some(present.is_some() && present == wanted)
    }

    /// Checks that these accounts, as replacement of all stored ones, are consistent with the declared ones.
    ///
    /// # Errors
    /// The first problem.
    pub fn check(&self, files: &[AccountFile]) -> Result<(), IdentityError> {
        let mut added = Added::default();
        for file in files {
            let wrong = |_invalid| IdentityError(format!("account id \"{}\" is not 1 to 32 digits", file.id));
            added.accounts.insert(file.id.parse().map_err(wrong)?, file.clone());
        }
        in_force(&self.declared, &added, (&self.default, self.well_known_key)).map(drop)
    }

    /// Commits a change of one account and applies it. If another process changed accounts first, reads these and
    /// returns false.
    async fn keep(
        &self,
        added: &mut Added,
        next: Added,
        identities: Identities,
        id: &AccountId,
        sealed: Option<Vec<u8>>,
    ) -> Result<bool, DirectoryError> {
        match self.store.set_account(id.clone(), sealed, added.revision).await {
            Ok(()) => {
                *added = Added { revision: added.revision + 1, ..next };
                self.put_into_force(identities);
                Ok(true)
            }
            Err(StoreError::Conflict) => {
                self.read_into(added).await?;
                Ok(false)
            }
            Err(other) => Err(AppError::from(other).into()),
        }
    }

    /// Seals the description of an account.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if sealing fails.
    pub fn seal(&self, file: &AccountFile) -> Result<Vec<u8>, AppError> {
        let plain = serde_json::to_vec(file).map(Zeroizing::new);
        let plain = plain.map_err(|e| AppError::Damaged(format!("an account: {e}")))?;
        let context = AccountContext { account: &file.id };
        Ok(self.root.seal_account(&context, &plain, &mut *self.entropy.rng())?.as_bytes().to_vec())
    }

    /// The AccessKeys of a RAM user, the oldest first; `None` when there is no such user. Keys that are written down come
    /// first, in their order.
    pub(super) async fn keys_of(&self, account: &AccountId, user: &str) -> Option<Vec<UserKey>> {
        let added = self.added.lock().await;
        let all = written_down(&self.declared, &added);
        let of_account = all.iter().find(|file| file.id == account.as_str())?;
        let user = of_account.users.iter().find(|file| file.name == user)?;
        let made = |id: &str| added.rotated.iter().find(|(key, _)| key.id == id && key.secret.is_some());
        let key = |id: &String| UserKey { id: id.clone(), created: made(id).map(|(_, created)| *created) };
        let mut keys: Vec<UserKey> = user.access_keys.iter().map(|file| key(&file.id)).collect();
        keys.sort_by_key(|key| key.created);
        Some(keys)
    }

    /// Whether a user is there only because a rotation made its key.
    pub(super) async fn is_own_user(&self, account: &AccountId, user: &str) -> bool {
        let added = self.added.lock().await;
        added.rotated.iter().any(|(key, _)| key.own_user && key.account == *account && key.user == user)
    }

    /// Whether no account has a RAM user.
    pub(super) async fn has_no_users(&self) -> bool {
        let added = self.added.lock().await;
        let files = self.declared.iter().chain(added.accounts.values());
        files.into_iter().all(|file| file.users.is_empty())
    }

    /// The secret of an AccessKey that a rotation made, sealed by our root key or another one.
    ///
    /// # Errors
    /// [`AppError::Damaged`] when it does not open.
    pub fn open_access_key(
        &self,
        key: &AccessKeyRecord,
        by: Option<&RootKey>,
    ) -> Result<Option<Hidden>, AppError> {
        Ok(open_access_key(by.unwrap_or(&self.root), key)?.secret)
    }

    /// Seals the secret of an AccessKey.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal_access_key(
        &self,
        account: &AccountId,
        id: &str,
        secret: &Hidden,
    ) -> Result<Vec<u8>, AppError> {
        let sealed = SealedKey { id: id.to_owned(), secret: secret.clone() };
        let plain = serde_json::to_vec(&sealed).map(Zeroizing::new);
        let plain = plain.map_err(|e| AppError::Damaged(format!("an access key: {e}")))?;
        let context = AccountContext { account: account.as_str() };
        Ok(self.root.seal_account(&context, &plain, &mut *self.entropy.rng())?.as_bytes().to_vec())
    }

    /// Opens the sealed description of an account, with our root key or with `by`.
    ///
    /// # Errors
    /// [`AppError::Damaged`] if it cannot be opened.
    pub fn open_sealed(
        &self,
        id: &AccountId,
        sealed: &[u8],
        by: Option<&RootKey>,
    ) -> Result<AccountFile, AppError> {
        open_account(by.unwrap_or(&self.root), id, sealed)
    }

    /// Reads the accounts again if their revision is not this one.
    pub(super) async fn follow(&self, revision: u64) -> Result<(), AppError> {
        let mut added = self.added.lock().await;
        if added.revision == revision { Ok(()) } else { self.read_into(&mut added).await }
    }

    /// Reads the accounts again.
    pub(super) async fn reload(&self) -> Result<(), AppError> {
        self.read_into(&mut *self.added.lock().await).await
    }

    async fn read_into(&self, added: &mut Added) -> Result<(), AppError> {
        let read = read(&*self.store, &self.root).await?;
        let identities = in_force(&self.declared, &read, (&self.default, self.well_known_key));
        // Accounts are checked before they are stored, but another process may run with another configuration file.
        self.put_into_force(identities.map_err(|e| AppError::Damaged(format!("the accounts: {e}")))?);
        *added = read;
        Ok(())
    }

    fn put_into_force(&self, identities: Identities) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(identities);
    }

    fn not_declared(&self, id: &str) -> Result<AccountId, DirectoryError> {
        let wrong = |_invalid| IdentityError(format!("account id \"{id}\" is not 1 to 32 digits"));
        let id: AccountId = id.parse().map_err(wrong)?;
        if is_declared(&self.declared, id.as_str()) { Err(DirectoryError::Declared(id)) } else { Ok(id) }
    }
}

/// The most attempts at a change while other processes change accounts.
const ATTEMPTS: u32 = 8;

async fn read(store: &dyn Store, root: &RootKey) -> Result<Added, AppError> {
    let kept = store.accounts().await?;
    let open = |(id, sealed): (AccountId, Vec<u8>)| {
        let file = open_account(root, &id, &sealed)?;
        Ok((id, file))
    };
    let accounts = kept.accounts.into_iter().map(open).collect::<Result<_, AppError>>()?;
    let rotated = kept.access_keys.iter().map(|key| Ok((open_access_key(root, key)?, key.created)));
    let rotated = rotated.collect::<Result<_, AppError>>()?;
    Ok(Added { revision: kept.revision, accounts, rotated })
}

/// What is sealed of an AccessKey.
#[derive(Serialize, Deserialize)]
struct SealedKey {
    id: String,
    secret: Hidden,
}

fn open_access_key(root: &RootKey, key: &AccessKeyRecord) -> Result<RotatedKey, AppError> {
    let damaged = || AppError::Damaged(format!("access key {}", key.id));
    let secret = match &key.sealed {
        None => None,
        Some(sealed) => {
            let context = AccountContext { account: key.account.as_str() };
            let plain = root.open_account(&context, sealed).map_err(|_closed| damaged())?;
            let opened = serde_json::from_slice(&plain).ok().filter(|opened: &SealedKey| opened.id == key.id);
            Some(opened.ok_or_else(damaged)?.secret)
        }
    };
    let status = match key.status {
        AccessKeyStatus::Active => Some(Status::Active),
        AccessKeyStatus::Inactive => Some(Status::Inactive),
        AccessKeyStatus::Deleted => None,
    };
    let (id, account, user) = (key.id.clone(), key.account.clone(), key.user.clone());
    Ok(RotatedKey { id, account, user, status, secret, own_user: key.own_user })
}

fn is_declared(declared: &[AccountFile], id: &str) -> bool {
    declared.iter().any(|file| file.id == id)
}

fn in_force(
    declared: &[AccountFile],
    added: &Added,
    (default, well_known_key): (&AccountId, bool),
) -> Result<Identities, IdentityError> {
    let deleted = added.rotated.iter().filter(|(key, _)| key.status.is_none());
    let deleted = deleted.map(|(key, _)| key.id.clone()).collect();
    let all = Identities::new(written_down(declared, added), default)?.with_deleted_keys(deleted);
    Ok(if well_known_key { all } else { all.without_well_known_key() })
}

/// All accounts as they are written down, with what rotations did to AccessKeys.
fn written_down(declared: &[AccountFile], added: &Added) -> Vec<AccountFile> {
    let of_run_time = added.accounts.values().filter(|file| !is_declared(declared, &file.id));
    let mut all: Vec<AccountFile> = declared.iter().chain(of_run_time).cloned().collect();
    let rotated: Vec<RotatedKey> = added.rotated.iter().map(|(key, _)| key.clone()).collect();
    overlay::lay_over(&mut all, &rotated);
    all
}

fn open_account(root: &RootKey, id: &AccountId, sealed: &[u8]) -> Result<AccountFile, AppError> {
    let damaged = |error: CryptoError| AppError::Damaged(format!("account {id}: {error}"));
    let plain = root.open_account(&AccountContext { account: id.as_str() }, sealed).map_err(damaged)?;
    let file = serde_json::from_slice(&plain).ok().filter(|file: &AccountFile| file.id == id.as_str());
    file.ok_or_else(|| damaged(CryptoError::Malformed))
}
