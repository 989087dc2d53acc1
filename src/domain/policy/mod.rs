//! Who may do what: RAM policies, secret policies and key policies (rules 10.1 to 10.10).
//!
//! A [`PolicyDocument`] is a parsed policy. [`decide`] says whether a request is allowed, [`explain`] says it statement by
//! statement. Both run the same function with different callbacks, so they cannot disagree. Nothing here knows where
//! policies are stored, which groups a user is in, or what time it is.
//!
//! Where to change what: the grammar in `document.rs`, condition operators in `condition.rs`, condition keys in
//! `context.rs`, wildcards in `pattern.rs`, how policies combine in `evaluate.rs`, which actions a secret policy
//! controls and which can be allowed to other accounts in `actions.rs`, the built-in policies in `system.rs`.
//!
//! Policy variables are not evaluated, because RAM does not document any: `${...}` is plain text.

mod actions;
mod condition;
mod context;
mod document;
mod evaluate;
mod json;
pub(super) mod pattern;
mod principal;
mod resource;
mod system;
#[cfg(test)]
mod tests;

pub use context::ConditionContext;
pub use document::{Effect, PolicyDocument, PolicyKind};
pub use evaluate::{
    AccessRequest, AttachedPolicy, Decision, Mismatch, MissingAllow, Policies, PolicyType, Source, Trace,
    decide, explain,
};
pub use pattern::Pattern;
pub use principal::{Identity, Principal};
pub use resource::ResourcePolicy;
pub use system::{SYSTEM_POLICIES, default_key_policy, default_secret_policy};
