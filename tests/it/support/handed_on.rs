//! Stores that pass every call to another one, so that a test can watch or delay calls.

use std::sync::Arc;

use async_trait::async_trait;
use sesame::testing::domain::{
    AccountId, ClockSetting, KeyId, Page, Scope, SecretFilter, SecretId, SecretName, TagKey, TagValue,
    Timestamp,
};
use sesame::testing::store::{
    Batch, KeptAccounts, KeptFaults, KeptNonces, KeyChange, Listing, PassedNonces, ReplaceScope, Resealed,
    Revisions, RotationsDue, ScopeRecord, SecretRecord, Snapshot, Store, StoreError, TagRow, UsedNonce,
};

/// What happens around each call.
#[async_trait]
pub trait Interceptor: Send + Sync {
    /// Lives until the call has completed.
    type Call: Send;

    /// Begins a call of this method.
    async fn begin(&self, method: &'static str) -> Self::Call;

    /// The call has returned.
    fn end(&self, call: Self::Call);

    /// The store that does the work.
    fn store(&self) -> &dyn Store;
}

/// A store that does something around each call of another one.
#[derive(Debug)]
pub struct Intercepted<A>(pub A);

/// Implements the trait. The compiler requires each method of the trait here, so [`METHODS`] has all of them.
macro_rules! handed_on {
    ($(fn $method:ident($($given:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// Every asynchronous method of the trait.
        pub const METHODS: &[&str] = &[$(stringify!($method)),*];

        #[async_trait]
        impl<A: Interceptor + std::fmt::Debug + 'static> Store for Intercepted<A> {
            fn is_shared(&self) -> bool {
                self.0.store().is_shared()
            }

            fn release_reserve(&self) -> bool {
                self.0.store().release_reserve()
            }

            $(async fn $method(&self, $($given: $kind),*) -> $answer {
                let call = self.0.begin(stringify!($method)).await;
                let answer = self.0.store().$method($($given),*).await;
                self.0.end(call);
                answer
            })*
        }
    };
}

type Answer<T> = Result<T, StoreError>;
type ScopeAndName = (Scope, SecretName);

handed_on! {
    fn installation() -> Answer<Revisions>;
    fn set_clock(setting: ClockSetting, on_revision: u64) -> Answer<()>;
    fn faults() -> Answer<KeptFaults>;
    fn set_faults(rules: String, on_revision: u64) -> Answer<()>;
    fn use_nonce(nonce: UsedNonce, on_revision: u64) -> Answer<bool>;
    fn nonces() -> Answer<KeptNonces>;
    fn set_forgotten_nonces(forgotten: String, on_revision: u64) -> Answer<()>;
    fn mark_nonces() -> Answer<()>;
    fn passed_nonces(passed: PassedNonces) -> Answer<Vec<i64>>;
    fn forget_nonces(passed: PassedNonces) -> Answer<()>;
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
    fn due_for_purge(now: Timestamp, limit: u32) -> Answer<Vec<ScopeAndName>>;
    fn next_purge() -> Answer<Option<Timestamp>>;
    fn rotations_due(due: RotationsDue, after: Option<(&Scope, &SecretName)>) -> Answer<Vec<ScopeAndName>>;
    fn next_rotation() -> Answer<Option<Timestamp>>;
    fn is_target_taken(target: &str) -> Answer<bool>;
    fn walk_secrets(after: Option<(&Scope, &SecretName)>, limit: u32) -> Answer<Vec<ScopeAndName>>;
    fn load_keys(scope: &Scope) -> Answer<ScopeRecord>;
    fn keys_revision(scope: &Scope) -> Answer<u64>;
    fn commit_keys(scope: &Scope, on_revision: u64, change: KeyChange) -> Answer<()>;
    fn scopes_with_keys() -> Answer<Vec<Scope>>;
    fn scopes_with_due_keys(now: Timestamp) -> Answer<Vec<Scope>>;
    fn next_key_due() -> Answer<Option<Timestamp>>;
    fn scope_of_key(id: &KeyId) -> Answer<Option<Scope>>;
    fn accounts() -> Answer<KeptAccounts>;
    fn set_account(id: AccountId, sealed: Option<Vec<u8>>, on_revision: u64) -> Answer<()>;
    fn snapshot(account: Option<&AccountId>) -> Answer<Snapshot>;
    fn put_snapshot(replaces: ReplaceScope, snapshot: Arc<Snapshot>) -> Answer<()>;
    fn reseal(resealed: Resealed) -> Answer<()>;
    fn meta(name: &'static str) -> Answer<Option<Vec<u8>>>;
    fn add_meta(name: &'static str, value: Vec<u8>) -> Answer<()>;
    fn health() -> Answer<()>;
    fn reset() -> Answer<()>;
    fn integrity() -> Answer<Vec<String>>;
    fn close() -> ();
}
