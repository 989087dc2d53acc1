//! How rotations are carried out, as far as settings say.

use super::rotators::Rotators;

/// How rotations are carried out.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the configuration file")]
pub struct RotationSettings {
    /// What plays the systems behind managed secrets.
    pub rotators: Rotators,
    /// Whether RotateSecret and UpdateSecretRotationPolicy work on Generic secrets that have a rotator (rule DY14.2).
    pub generic_by_call: bool,
    /// Whether a RAM user is made for a secret when no user is written down anywhere (rule DY12.7).
    pub makes_users: bool,
    /// How long both AccessKeys of a RAM user work after a scheduled rotation, in milliseconds of the service's time.
    pub ram_window_ms: i64,
    /// The same after RotateSecret.
    pub ram_window_manual_ms: i64,
    /// Whether the old AccessKey turns Inactive at half of the window.
    pub ram_disable_old: bool,
    /// Whether mode `enforced` checks the service's roles at the creation of a managed secret (rules DY5.15, DY7.2).
    pub check_service_roles: bool,
    /// The pauses between attempts, in milliseconds of the machine's time (rule R7.3). There is one attempt more.
    pub pauses_ms: Vec<u64>,
    /// How many secrets are read at once from those that are due.
    pub page: u32,
}

impl Default for RotationSettings {
    fn default() -> Self {
        Self {
            rotators: Rotators::default(),
            generic_by_call: false,
            makes_users: false,
            ram_window_ms: RAM_WINDOW_MS,
            ram_window_manual_ms: RAM_WINDOW_MS,
            ram_disable_old: true,
            check_service_roles: false,
            pauses_ms: vec![2000, 8000],
            page: 1000,
        }
    }
}

/// 48 hours (rule DY12.3).
const RAM_WINDOW_MS: i64 = 48 * 3_600_000;
