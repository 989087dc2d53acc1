//! What a server is started with.

use std::sync::Arc;

use secrecy::SecretString;

use super::net::Bounds;
use super::site::AllowedHosts;
use crate::app::App;
use crate::domain::{AccountId, Region};
use crate::ports::ServerClock;
use crate::state::file::StateFile;
use crate::tls::Tls;

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Unsigned requests act as the root of the default account; signatures of known keys are verified.
    Open,
    /// Every request carries a valid signature of a known, active access key.
    Signed,
    /// The same, and policies decide.
    Enforced,
}

impl AuthMode {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signed => "signed",
            Self::Enforced => "enforced",
        }
    }
}

/// What a server needs.
#[derive(Debug)]
pub struct Settings {
    /// The application.
    pub app: Arc<App>,
    /// The clock that `/_sesame/clock` moves; the application's own.
    pub clock: Arc<ServerClock>,
    /// Who is let in.
    pub mode: AuthMode,
    /// The account of unsigned requests.
    pub default_account: AccountId,
    /// The region of requests whose address names none.
    pub default_region: Region,
    /// What the server was started with, and goes back to.
    pub seed: Option<StateFile>,
    /// What `/_sesame` wants, but for health, ready and ca.pem; without one it is open in `open` mode and closed in the
    /// others.
    pub admin_token: Option<SecretString>,
    /// The hosts that requests without a valid signature or the admin token may name.
    pub allowed_hosts: AllowedHosts,
    /// What HTTPS is answered with.
    pub tls: Arc<Tls>,
    /// Bounds on connections.
    pub bounds: Bounds,
}
