//! The service's bounds on one secret.

/// Bounds that the configuration file may change (`[limits]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Versions a secret keeps; one more evicts (rules 1.12, 2.8). Default 10.
    pub versions_per_secret: usize,
    /// Labels of a secret in all, built-in ones included (rules 1.12, 3.11). Default 8.
    pub labels_per_secret: usize,
    /// Bytes of one value (rule 1.8). Default 30,720.
    pub secret_data_bytes: usize,
    /// Keys of an account in a region. Default 100,000; on the cloud 200 (rule 12.3), which a test server would reach too
    /// soon. Aliases and versions of keys are bounded in proportion.
    pub keys_per_account: usize,
    /// Secrets of an account in a region (rule 12.3). Default 10,000,000: more than anybody tests with, and less than fills
    /// a disk, so that a loop that never ends is stopped.
    pub secrets_per_account: u64,
}

/// What the cloud allows for keys of an account in a region: keys, aliases, versions (rule 12.3).
const CLOUD: (usize, usize, usize) = (200, 300, 10_000);

impl Limits {
    /// Aliases of an account in a region: to keys as on the cloud.
    pub fn aliases_per_account(&self) -> usize {
        self.keys_per_account.saturating_mul(CLOUD.1) / CLOUD.0
    }

    /// Versions of all keys of an account in a region: to keys as on the cloud.
    pub fn key_versions_per_account(&self) -> usize {
        self.keys_per_account.saturating_mul(CLOUD.2) / CLOUD.0
    }
}

/// A limit that a change would exceed. Displayed for the log: `at most 8 labels of a secret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {most} {of}")]
pub struct Exceeded {
    /// The limit.
    pub most: u64,
    /// Of what, in words.
    pub of: &'static str,
}

impl Exceeded {
    /// A limit of so many things.
    pub fn new(most: usize, of: &'static str) -> Self {
        Self { most: most as u64, of }
    }
}

/// The limit of tags.
pub(in crate::domain) fn too_many_tags() -> Exceeded {
    Exceeded::new(TAGS_PER_RESOURCE, "tags of a secret or key")
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            versions_per_secret: 10,
            labels_per_secret: 8,
            secret_data_bytes: 30_720,
            keys_per_account: 100_000,
            secrets_per_account: 10_000_000,
        }
    }
}

/// Characters of a secret's description (rule 1.11).
pub const DESCRIPTION_CHARS: usize = 8192;
/// Tags of one resource (rule 11.1).
pub const TAGS_PER_RESOURCE: usize = 20;
/// Characters of a tag's key or value (rule 11.2).
pub const TAG_CHARS: usize = 128;
/// Days a deleted secret stays recoverable: shortest, longest, default (rule 6.1).
pub const RECOVERY_DAYS: (i64, i64, i64) = (7, 30, 30);
