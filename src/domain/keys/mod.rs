//! Customer master keys (CMKs): kinds, states, versions, aliases. Material is not part of the aggregate.

pub mod decisions;
pub mod filter;
pub mod names;

use std::str::FromStr;

pub use names::{AliasName, KeyRef, KeyVersionId};

use super::names::Invalid;
use super::{KeyId, ResourcePolicy, Scope, Tags, Timestamp};

/// Declares an enum whose variants have one spelling each on the wire.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling, which is case-sensitive.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or_else(|| Invalid::not_one_of(text, Self::ALL.iter().map(|value| value.as_str())))
            }
        }
    };
}

spelled! {
    /// What kind of material a key has.
    KeySpec {
        /// AES, 256 bits.
        Aes256 => "Aliyun_AES_256",
        /// SM4, 128 bits.
        Sm4 => "Aliyun_SM4",
        /// RSA, 2,048 bits.
        Rsa2048 => "RSA_2048",
        /// RSA, 3,072 bits.
        Rsa3072 => "RSA_3072",
        /// The NIST curve P-256.
        EcP256 => "EC_P256",
        /// The curve secp256k1.
        EcP256K => "EC_P256K",
        /// The SM2 curve.
        EcSm2 => "EC_SM2",
    }
}

spelled! {
    /// What a key is for.
    KeyUsage {
        /// To encrypt and decrypt.
        Encrypt => "ENCRYPT/DECRYPT",
        /// To sign and verify.
        Sign => "SIGN/VERIFY",
    }
}

spelled! {
    /// Where a key's material comes from.
    Origin {
        /// Made here.
        Kms => "Aliyun_KMS",
        /// Imported by its owner.
        External => "EXTERNAL",
    }
}

spelled! {
    /// How a key is said to be protected. Here every key is in software, whatever is said.
    ProtectionLevel {
        /// In software.
        Software => "SOFTWARE",
        /// In a hardware module.
        Hsm => "HSM",
    }
}

spelled! {
    /// The state of a key.
    KeyState {
        /// It works.
        Enabled => "Enabled",
        /// It was switched off.
        Disabled => "Disabled",
        /// It will be gone at [`Key::deletion`].
        PendingDeletion => "PendingDeletion",
        /// Its material was not imported yet, was deleted, or has expired.
        PendingImport => "PendingImport",
    }
}

spelled! {
    /// Who made a key.
    KeyOwner {
        /// The account's user.
        User => "User",
        /// The service, for secrets that name no key (rule 7.1).
        Service => "Service",
    }
}

impl KeySpec {
    /// Whether it is a symmetric key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Aes256 | Self::Sm4)
    }

    /// What it may be used for; the first is the default.
    pub const fn usages(self) -> &'static [KeyUsage] {
        match self {
            Self::Aes256 | Self::Sm4 => &[KeyUsage::Encrypt],
            Self::Rsa2048 | Self::Rsa3072 | Self::EcSm2 => &[KeyUsage::Sign, KeyUsage::Encrypt],
            Self::EcP256 | Self::EcP256K => &[KeyUsage::Sign],
        }
    }
}

/// One version of a key's material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// Position, from 1; the highest is primary for a symmetric key.
    pub number: u32,
    /// The id that the API shows.
    pub id: KeyVersionId,
    /// When it was made.
    pub created: Timestamp,
}

/// A key without its material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Account and region.
    pub scope: Scope,
    /// Who made it.
    pub owner: KeyOwner,
    /// Kind of material.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// How it is said to be protected.
    pub protection: ProtectionLevel,
    /// Its state.
    pub state: KeyState,
    /// Free text, may be empty.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it will be gone, in the state `PendingDeletion`.
    pub deletion: Option<Timestamp>,
    /// Why its deletion is refused, which may be empty; none when it is not.
    pub protected: Option<String>,
    /// When its imported material expires, if it does.
    pub material_expires: Option<Timestamp>,
    /// How often it rotates by itself, in milliseconds; none when it does not.
    pub rotation_interval_ms: Option<i64>,
    /// When it was last rotated: at first, when its first version was made.
    pub last_rotation: Timestamp,
    /// Its versions, oldest first. None before material was imported.
    pub versions: Vec<KeyVersion>,
    /// Whether it has material: one of external origin may have none yet, or none any more.
    pub has_material: bool,
    /// Its tags.
    pub tags: Tags,
    /// Its policy; none for the default one.
    pub policy: Option<ResourcePolicy>,
    /// Counts committed changes, from 1.
    pub revision: u64,
}

impl Key {
    /// The ARN.
    pub fn arn(&self) -> String {
        format!("acs:kms:{}:{}:key/{}", self.scope.region, self.scope.account, self.id)
    }

    /// The version that encrypts: the newest.
    pub fn primary(&self) -> Option<&KeyVersion> {
        self.versions.last()
    }

    /// The version with this id.
    pub fn version(&self, id: &str) -> Option<&KeyVersion> {
        self.versions.iter().find(|version| version.id.as_str() == id)
    }

    /// When it rotates next, if it does by itself.
    pub fn next_rotation(&self) -> Option<Timestamp> {
        self.rotation_interval_ms.map(|interval| self.last_rotation.plus_millis(interval))
    }

    /// When something falls due for this key: its deletion, the expiry of its material, its rotation.
    pub fn due(&self) -> Option<Timestamp> {
        let rotation = self.next_rotation().filter(|_| self.state == KeyState::Enabled);
        let expiry = self.material_expires.filter(|_| self.state != KeyState::PendingImport);
        [self.deletion, expiry, rotation].into_iter().flatten().min()
    }
}

/// An alias: a name for a key, unique in account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name, with its prefix.
    pub name: AliasName,
    /// The key it stands for.
    pub key: KeyId,
}
