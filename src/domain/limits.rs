//! The configurable limits, and those on descriptions, tags and recovery windows. Lengths of names are in `names.rs`,
//! limits of keys in `keys/decisions.rs`.

use super::Quota;
use super::rotation::RotationInterval;

/// Limits that the configuration file can change (`[limits]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Versions that a secret keeps; another one evicts the oldest without a label (rules 1.12, 2.8). Default 10.
    pub versions_per_secret: usize,
    /// Labels of all versions of a secret together, built-in ones included (rules 1.12, 3.11). Default 8.
    pub labels_per_secret: usize,
    /// Bytes of one value (rule 1.8). Default 30,720.
    pub secret_data_bytes: usize,
    /// Keys of an account in a region. Default 100,000. The cloud allows 200 (rule 12.3), which a test server would soon
    /// reach. The limits of aliases and key versions are in proportion.
    pub keys_per_account: usize,
    /// Secrets of an account in a region (rule 12.3). Default 10,000,000: more than any test needs, and few enough to
    /// stop an endless loop before it fills the disk.
    pub secrets_per_account: u64,
    /// The shortest interval of a rotation plan (rule R2.9). Default 6 hours, as on the cloud.
    pub rotation_interval_min: RotationInterval,
}

/// The cloud's limit of keys of an account in a region (rule 12.3).
const CLOUD_KEYS: usize = 200;
/// The cloud's limit of aliases of an account in a region (rule 12.3).
const CLOUD_ALIASES: usize = 300;
/// The cloud's limit of versions of all keys of an account in a region (rule 12.3).
const CLOUD_KEY_VERSIONS: usize = 10_000;

impl Limits {
    /// The limit of secrets of an account in a region.
    pub fn secrets(&self) -> Quota {
        let most = usize::try_from(self.secrets_per_account).unwrap_or(usize::MAX);
        Quota::set("secrets in one account and region", most, "limits.secrets_per_account")
    }

    /// The limit of keys of an account in a region.
    pub const fn keys(&self) -> Quota {
        Quota::set("keys in one account and region", self.keys_per_account, "limits.keys_per_account")
    }

    /// The limit of aliases of an account in a region, in the cloud's proportion to keys.
    pub const fn aliases(&self) -> Quota {
        let most = self.keys_per_account.saturating_mul(CLOUD_ALIASES) / CLOUD_KEYS;
        Quota::set("aliases in one account and region", most, "1.5 times limits.keys_per_account")
    }

    /// The limit of versions of all keys of an account in a region, in the cloud's proportion to keys.
    pub const fn key_versions(&self) -> Quota {
        let most = self.keys_per_account.saturating_mul(CLOUD_KEY_VERSIONS) / CLOUD_KEYS;
        let of = "versions of all keys in one account and region";
        Quota::set(of, most, "50 times limits.keys_per_account")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            versions_per_secret: 10,
            labels_per_secret: 8,
            secret_data_bytes: 30_720,
            keys_per_account: 100_000,
            secrets_per_account: 10_000_000,
            rotation_interval_min: RotationInterval::SHORTEST,
        }
    }
}

impl Limits {
    /// The limit of labels, for messages.
    pub const fn labels(&self) -> Quota {
        let of = "labels on all versions of a secret together, ACSCurrent and ACSPrevious included";
        Quota::set(of, self.labels_per_secret, "limits.labels_per_secret")
    }

    /// The limit of versions, for messages. It is exceeded when every version has a label, so that none can be evicted.
    pub const fn labelled_versions(&self) -> Quota {
        let of =
            "versions of a secret, and each of them carries a label; UpdateSecretVersionStage removes one";
        Quota::set(of, self.versions_per_secret, "limits.versions_per_secret")
    }
}

/// The limit of tags, for messages.
pub const TAGS: Quota = Quota::fixed("tags on one secret or key", TAGS_PER_RESOURCE);

/// Limits on remembered nonces of signed requests. A nonce takes 10 to 13 bytes of memory for as long as its signature
/// could be accepted: 15 to 35 minutes while no clock is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonceLimits {
    /// Nonces of one principal: the root of an account, a user, or a role with all its sessions. Default 5,000,000.
    pub per_principal: u64,
    /// Nonces of all principals. When this is reached, a principal with less than an equal share can still add some.
    /// Default 20,000,000.
    pub total: u64,
}

impl Default for NonceLimits {
    fn default() -> Self {
        Self { per_principal: 5_000_000, total: 20_000_000 }
    }
}

/// How many requests the request log keeps, unless the configuration file says otherwise.
pub const DEFAULT_REQUEST_LOG: usize = 10_000;
/// How many requests the request log may keep.
pub const MOST_REQUEST_LOG: usize = 100_000;
/// Characters of a secret's description (rule 1.11).
pub const DESCRIPTION_CHARS: usize = 8192;
/// Tags of one resource (rule 11.1).
pub const TAGS_PER_RESOURCE: usize = 20;
/// Characters of a tag's key or value (rule 11.2).
pub const TAG_CHARS: usize = 128;
/// Days a deleted secret stays recoverable, shortest and longest (rule 6.1).
pub const RECOVERY_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
/// Days a deleted secret stays recoverable unless the request says otherwise (rule 6.1).
pub const DEFAULT_RECOVERY_DAYS: i64 = 30;
