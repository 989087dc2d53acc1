//! The built-in access key: when it may be used, and when the start is refused.

use std::net::SocketAddr;

use anyhow::ensure;

use crate::domain::AccountId;
use crate::identities::file::AccountFile;
use crate::identities::{BUILT_IN_KEY, Identities};
use crate::server::AuthMode;
use crate::state::file::StateFile;

/// Whether other machines may reach the server.
pub(super) fn is_public(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// The settings that decide whether the built-in key may be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard<'a> {
    /// The authentication mode.
    pub(super) mode: AuthMode,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// Whether --allow-test-key was given.
    pub(super) allowed: bool,
    /// The default account.
    pub(super) account: &'a AccountId,
}

impl Guard<'_> {
    /// Whether the default account's root gets an access key of its own from the configuration or the seed. Then there is
    /// no built-in one.
    pub(super) fn has_own_key(&self, accounts: &[AccountFile], seed: Option<&StateFile>) -> bool {
        let mut all = accounts.iter().chain(seed.into_iter().flat_map(StateFile::open_accounts));
        all.any(|account| {
            account.id == self.account.as_str() && account.access_keys.iter().any(|key| !key.is_well_known())
        })
    }

    /// Whether the built-in key may be used. It also decides later, when the accounts' own keys are removed at run time.
    pub(super) fn may_be_used(&self) -> bool {
        self.mode != AuthMode::Enforced || !is_public(self.address) || self.allowed
    }

    /// Refuses to start a server that other machines can reach and that seems closed but lets everyone in.
    ///
    /// # Errors
    /// One line that says what to do.
    pub(super) fn refuse(&self) -> anyhow::Result<()> {
        let Self { address, account, .. } = self;
        ensure!(
            self.may_be_used(),
            "everybody who reaches {address} would be the root of account {account} by the built-in access key \
             \"{BUILT_IN_KEY}\": give that account an access key of its own in --config ([[accounts.access_keys]] of \
             id = \"{account}\"), or pass --allow-test-key for a throw-away server"
        );
        Ok(())
    }

    /// As [`Guard::refuse`], once the accounts are known. Warns when signatures are required but the built-in key can
    /// make valid ones.
    ///
    /// # Errors
    /// Those of [`Guard::refuse`].
    pub(super) fn check(&self, identities: &Identities) -> anyhow::Result<()> {
        let Self { mode, address, account, .. } = self;
        if !identities.has_built_in_key() {
            return Ok(());
        }
        self.refuse()?;
        if *mode != AuthMode::Open && is_public(*address) {
            tracing::warn!(
                %address,
                "everybody who reaches this address is the root of account {account} by the built-in access key \
                 \"{BUILT_IN_KEY}\"; give that account an access key of its own in --config"
            );
        }
        Ok(())
    }
}
