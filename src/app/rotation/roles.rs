//! The roles by which the service changes what managed secrets are for.

use crate::app::App;
use crate::app::access::{Access, NoPermission};
use crate::domain::{AccountId, Refusal, SecretType};

/// The role for RAMCredentials. The spelling is the cloud's.
const RAM_ROLE: &str = "AliyunKMSManagedRAMCrendentialsRole";

/// Why a creation lacks the role of the service.
#[derive(Debug)]
pub enum RoleRefusal {
    /// The role is not there, and the caller may not have it made.
    NoPermission(Box<NoPermission>),
    /// The role is not there, and RAM does not make it by itself.
    Absent(Refusal),
}

impl App {
    /// Checks that the service has its role for secrets of a type, or that the caller may have RAM make it. Only mode
    /// `enforced` with `managed.check_service_roles` checks this.
    ///
    /// # Errors
    /// [`RoleRefusal`] (rules DY5.15, DY7.2).
    pub fn require_service_role(
        &self,
        access: &Access,
        account: &AccountId,
        secret_type: SecretType,
    ) -> Result<(), RoleRefusal> {
        if !access.enforced || !self.rotations.settings.check_service_roles {
            return Ok(());
        }
        let identities = self.directory().current();
        let roles = identities.account(account).map(|found| &found.roles);
        let has = |role: &str| roles.is_some_and(|roles| roles.contains_key(role));
        match linked_role(secret_type) {
            Some((role, service)) if !has(role) => {
                self.permit_linked_role(access, account, service).map_err(RoleRefusal::NoPermission)
            }
            // An account without any role is taken for one whose roles nobody wrote down.
            None if secret_type == SecretType::RamCredentials
                && !has(RAM_ROLE)
                && roles.is_some_and(|roles| !roles.is_empty()) =>
            {
                Err(RoleRefusal::Absent(Refusal::RamRoleNotFound(RAM_ROLE)))
            }
            _ => Ok(()),
        }
    }
}

/// The service-linked role of a type, and the service that it is for (rule DY7.1).
const fn linked_role(secret_type: SecretType) -> Option<(&'static str, &'static str)> {
    match secret_type {
        SecretType::Rds => {
            Some(("AliyunServiceRoleForKMSSecretsManagerForRDS", "secretsmanager-rds.kms.aliyuncs.com"))
        }
        SecretType::Redis => {
            Some(("AliyunServiceRoleForKMSSecretsManagerForRedis", "secretsmanager-redis.kms.aliyuncs.com"))
        }
        SecretType::PolarDb => Some((
            "AliyunServiceRoleForKMSSecretsManagerForPolarDB",
            "secretsmanager-polardb.kms.aliyuncs.com",
        )),
        SecretType::Ecs => {
            Some(("AliyunServiceRoleForKMSSecretsManagerForECS", "secretsmanager-ecs.kms.aliyuncs.com"))
        }
        SecretType::RamCredentials | SecretType::Generic => None,
    }
}
