//! The settings of a server.

use std::sync::Arc;

use secrecy::SecretString;

use super::net::Bounds;
use super::site::AllowedHosts;
use crate::app::App;
use crate::domain::{AccountId, Region};
use crate::ports::ServerClock;
use crate::state::file::StateFile;
use crate::tls::Tls;

/// How callers are authenticated and authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Unsigned requests act as the root of the default account. Signatures of known keys are verified. Policies are not checked.
    Open,
    /// Every request needs a valid signature with a known, active access key. Policies are not checked.
    Signed,
    /// As [`Signed`](Self::Signed), and policies decide what a caller may do.
    Enforced,
}

impl AuthMode {
    /// The name on the command line: `open`, `signed` or `enforced`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signed => "signed",
            Self::Enforced => "enforced",
        }
    }
}

/// The settings of a server.
#[derive(Debug)]
pub struct Settings {
    /// The application that runs the actions.
    pub app: Arc<App>,
    /// The application's clock, which `/_sesame/clock` moves.
    pub clock: Arc<ServerClock>,
    /// How callers are authenticated and authorized.
    pub mode: AuthMode,
    /// The account of unsigned requests.
    pub default_account: AccountId,
    /// The region of requests whose host does not name one.
    pub default_region: Region,
    /// The data that the server was started with, and that `/_sesame/reset` can restore.
    pub seed: Option<StateFile>,
    /// The token that `/_sesame` requires, except for health, ready and ca.pem. Without one, `/_sesame` is open in mode `open`
    /// and closed in the others.
    pub admin_token: Option<SecretString>,
    /// The hosts that requests without a valid signature or the admin token may name.
    pub allowed_hosts: AllowedHosts,
    /// Certificates and handshakes for HTTPS.
    pub tls: Arc<Tls>,
    /// Bounds on connections and on the time for requests.
    pub bounds: Bounds,
    /// How many requests `/_sesame/requests` keeps.
    pub request_log: usize,
}
