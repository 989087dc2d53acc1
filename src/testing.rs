//! What the tests and benchmarks of this repository use of the insides. It is no interface for other programs: it changes
//! without notice. A program that wants a server inside its own process takes [`embedded`](crate::embedded).

pub mod actions {
    pub use crate::actions::{
        ACTIONS, COMMON_CODES, Endpoint, PRODUCTS, Parameter, Product, Support, VERSION, all, of_version,
    };
}
pub mod app {
    pub use crate::app::{
        App, AppError, Creation, Full, NoProgress, Nonce, NonceRefusal, NonceSettings, Parts,
    };
}
pub mod crypto {
    pub use crate::crypto::{Cipher, RootKey, SymmetricKey, ValueContext};
    pub mod asymmetric {
        pub use crate::crypto::asymmetric::{KeyPair, KeyPairSpec, SignatureAlgorithm};
    }
}
pub mod domain {
    pub use crate::domain::{
        AccountId, Change, ClockSetting, DataType, FaultRule, KeyId, Limits, NonceLimits, Op, Page, Scope,
        Secret, SecretFilter, SecretId, SecretName, SecretType, StageLabel, StageMap, TagKey, TagValue, Tags,
        Timestamp, Version, VersionId, with_causes,
    };
    pub mod keys {
        pub use crate::domain::keys::{Alias, Key, KeyOwner, KeySpec, Origin, ProtectionLevel};
        pub mod decisions {
            pub use crate::domain::keys::decisions::{NewKey, add_version, create};
        }
    }
    pub mod policy {
        pub use crate::domain::policy::{Identity, Principal};
    }
    pub mod rotation {
        pub use crate::domain::rotation::rotators::{RotatorFile, Rotators};
        pub use crate::domain::rotation::value::Hidden;
        pub use crate::domain::rotation::{
            ExtendedConfig, Lease, Managed, Plan, RotationInterval, RotationSettings, Running, Trigger,
            Window,
        };
    }
    pub mod writes {
        pub use crate::domain::writes::{
            Deletion, MoveStage, NewSecret, PutVersion, create, delete, manage, move_stage, purge,
            put_version, restore, tag, untag, update,
        };
    }
}
pub mod identities {
    pub mod file {
        pub use crate::identities::file::{AccountFile, KeyFile, Status};
    }
}
pub mod ports {
    pub use crate::ports::{Clock, Entropy, OsEntropy, SeededEntropy, ServerClock};
}
pub mod server {
    pub use crate::server::{AllowedHosts, AuthMode, Bounds, Settings, serve};
}
pub mod state {
    pub mod file {
        pub use crate::state::file::StateFile;
    }
    pub mod parse {
        pub use crate::state::parse::parse;
    }
}
pub mod store {
    pub use crate::store::{
        AccessKeyRecord, AccessKeyStatus, Batch, DataKeyRecord, KeptAccounts, KeptFaults, KeptNonces,
        KeyChange, KeyRecord, Listing, NewDataKey, PassedNonces, ReplaceScope, Resealed, Revisions,
        RotationsDue, ScopeRecord, SealedValue, SecretRecord, Snapshot, Store, StoreError, TagRow,
        Unavailable, UsedNonce,
    };
    pub mod sql {
        pub use crate::store::sql::SqlStore;
        pub mod postgres {
            pub use crate::store::sql::postgres::{PostgresDialect, probe};
        }
    }
}
pub mod tls {
    pub use crate::tls::{Tls, TlsName};
}
pub mod wire {
    pub use crate::wire::{ApiError, Disclosed, Format, RequestId};
    pub mod code {
        pub use crate::wire::code::TABLE;
    }
    pub mod encode {
        pub use crate::wire::encode::success;
    }
    pub mod params {
        pub use crate::wire::params::Pairs;
    }
    pub mod signature {
        pub use crate::wire::signature::{AuthError, Claim, Material, Scheme, SignedRequest, claim, verify};
    }
}
