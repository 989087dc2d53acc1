//! The callers of actions.

use std::sync::Arc;

use super::sessions::Session;
use crate::domain::AccountId;
use crate::domain::policy::{Identity, Principal};

/// The caller of an action.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal as policies name it. Its account owns what it creates.
    pub principal: Principal,
    /// The access key of the signature, if there is one, for the log.
    pub access_key: Option<String>,
    /// The session of a caller in a role.
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
