//! A store that remembers which of its methods were called, so that the list cannot forget one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sesame::domain::{
    AccountId, ClockSetting, KeyId, Page, Scope, SecretFilter, SecretId, SecretName, TagKey, TagValue,
    Timestamp,
};
use sesame::store::{
    Batch, Contents, Installation, Instead, KeptAccounts, KeptFaults, KeyChange, Listing, Resealed,
    ScopeRecord, SecretRecord, Store, StoreError, TagRow,
};

/// The methods that were called.
pub type Called = Arc<Mutex<BTreeSet<&'static str>>>;

/// A store, and what was called of it.
#[derive(Debug)]
pub struct Counted {
    pub store: Arc<dyn Store>,
    pub called: Called,
    /// The method that panics instead of being carried out, if one shall.
    pub panics: Arc<Mutex<Option<&'static str>>>,
}

impl Counted {
    fn note(&self, method: &'static str) -> &dyn Store {
        self.called.lock().unwrap().insert(method);
        let panics = *self.panics.lock().unwrap();
        assert!(panics != Some(method), "a test wanted {method} to panic");
        &*self.store
    }
}

/// Implements the trait by handing every call on. The compiler wants each method of the trait here, so [`METHODS`] has
/// them all.
macro_rules! handed_on {
    ($(fn $method:ident($($given:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// Every method of the trait.
        pub const METHODS: &[&str] = &["is_shared", $(stringify!($method)),*];

        #[async_trait]
        impl Store for Counted {
            fn is_shared(&self) -> bool {
                self.note("is_shared").is_shared()
            }

            $(async fn $method(&self, $($given: $kind),*) -> $answer {
                self.note(stringify!($method)).$method($($given),*).await
            })*
        }
    };
}

type Answer<T> = Result<T, StoreError>;
type Place = (Scope, SecretName);

handed_on! {
    fn installation() -> Answer<Installation>;
    fn set_clock(setting: ClockSetting, on_revision: u64) -> Answer<()>;
    fn faults() -> Answer<KeptFaults>;
    fn set_faults(rules: Option<String>) -> Answer<()>;
    fn use_nonce(fingerprint: [u8; 16], now: Timestamp) -> Answer<bool>;
    fn forget_nonces(before: Timestamp) -> Answer<()>;
    fn head(scope: &Scope, name: &SecretName) -> Answer<Option<(SecretId, u64)>>;
    fn load_secret(scope: &Scope, name: &SecretName) -> Answer<Option<SecretRecord>>;
    fn commit(batch: Batch) -> Answer<()>;
    fn list_secrets(scope: &Scope, filter: Option<&SecretFilter>, page: Page, now: Timestamp) -> Answer<Listing>;
    fn tags_of(names: &[SecretName], scope: &Scope) -> Answer<Vec<TagRow>>;
    fn list_tags(scope: &Scope, after: Option<(&str, &str)>, limit: u32, now: Timestamp) -> Answer<Vec<TagRow>>;
    fn names_with_tag(
        scope: &Scope,
        tag: (&TagKey, Option<&TagValue>),
        after: &str,
        limit: u32
    ) -> Answer<Vec<SecretName>>;
    fn due_for_purge(now: Timestamp, limit: u32) -> Answer<Vec<Place>>;
    fn next_purge() -> Answer<Option<Timestamp>>;
    fn walk_secrets(after: Option<(&Scope, &SecretName)>, limit: u32) -> Answer<Vec<Place>>;
    fn load_keys(scope: &Scope) -> Answer<ScopeRecord>;
    fn keys_revision(scope: &Scope) -> Answer<u64>;
    fn commit_keys(scope: &Scope, on_revision: u64, change: KeyChange) -> Answer<()>;
    fn scopes_with_keys() -> Answer<Vec<Scope>>;
    fn scopes_with_due_keys(now: Timestamp) -> Answer<Vec<Scope>>;
    fn next_key_due() -> Answer<Option<Timestamp>>;
    fn scope_of_key(id: &KeyId) -> Answer<Option<Scope>>;
    fn accounts() -> Answer<KeptAccounts>;
    fn set_account(id: AccountId, sealed: Option<Vec<u8>>, on_revision: u64) -> Answer<()>;
    fn contents(account: Option<&AccountId>) -> Answer<Contents>;
    fn put_contents(instead: Instead, contents: Arc<Contents>) -> Answer<()>;
    fn reseal(resealed: Resealed) -> Answer<()>;
    fn meta(name: &'static str) -> Answer<Option<Vec<u8>>>;
    fn add_meta(name: &'static str, value: Vec<u8>) -> Answer<()>;
    fn health() -> Answer<()>;
    fn reset() -> Answer<()>;
    fn integrity() -> Answer<Vec<String>>;
    fn close() -> ();
}
