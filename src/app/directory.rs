//! The accounts at run time: those of the configuration file, and those that were added since, which are stored sealed
//! in the database.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::error::AppError;
use crate::crypto::{AccountContext, CryptoError, RootKey};
use crate::domain::AccountId;
use crate::identities::file::AccountFile;
use crate::identities::{Identities, IdentityError};
use crate::ports::Entropy;
use crate::store::{Store, StoreError};

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
    Ok(Added { revision: kept.revision, accounts })
}

fn is_declared(declared: &[AccountFile], id: &str) -> bool {
    declared.iter().any(|file| file.id == id)
}

fn in_force(
    declared: &[AccountFile],
    added: &Added,
    (default, well_known_key): (&AccountId, bool),
) -> Result<Identities, IdentityError> {
    let added = added.accounts.values().filter(|file| !is_declared(declared, &file.id));
    let all = Identities::new(declared.iter().chain(added).cloned().collect(), default)?;
    Ok(if well_known_key { all } else { all.without_well_known_key() })
}

fn open_account(root: &RootKey, id: &AccountId, sealed: &[u8]) -> Result<AccountFile, AppError> {
    let damaged = |error: CryptoError| AppError::Damaged(format!("account {id}: {error}"));
    let plain = root.open_account(&AccountContext { account: id.as_str() }, sealed).map_err(damaged)?;
    let file = serde_json::from_slice(&plain).ok().filter(|file: &AccountFile| file.id == id.as_str());
    file.ok_or_else(|| damaged(CryptoError::Malformed))
}
