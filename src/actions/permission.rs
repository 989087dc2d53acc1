//! The permissions that a call needs (rules 4.8, 7.4, 10.7, 10.8), and their check. It runs in every mode: where policies
//! do not decide, it keeps other accounts out.

use std::sync::Arc;

use super::endpoint::{Context, Endpoint, Resource};
use super::shared::dry_run::dry_run;
use super::shared::tagged::{Resources, Target};
use crate::app::keys::HeldKey;
use crate::app::{AppError, Loaded, Subject};
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::keys::names::KeyTarget;
use crate::domain::keys::{AliasName, KeyOwner, KeyRef};
use crate::domain::{KeyId, Refusal, Scope, SecretRef};
use crate::wire::{ApiError, Fields};

/// Checks the permissions that a call needs, as far as its parameters name the resource.
///
/// # Errors
/// 403 Forbidden.NoPermission; InvalidParameter or MissingParameter when the parameter that names the resource is wrong
/// or absent.
pub async fn authorize(context: &Context, action: &dyn Endpoint, fields: Fields<'_>) -> Result<(), ApiError> {
    let has_dry_run = || action.parameters().iter().any(|parameter| parameter.name == "DryRun");
    match permitted(context, action, fields).await {
        Err(refusal) if refusal.denied.is_some() && has_dry_run() => {
            dry_run(fields.flag("DryRun", false)?, Err(refusal))
        }
        other => other,
    }
}

async fn permitted(context: &Context, action: &dyn Endpoint, fields: Fields<'_>) -> Result<(), ApiError> {
    let permission = format!("kms:{}", action.name());
    match action.resource() {
        Resource::Unchecked | Resource::AskedLater => Ok(()),
        Resource::All => context.permit_on_all(&permission),
        Resource::Secrets => context.permit_own(&permission, "secret"),
        Resource::Keys => context.permit_own(&permission, "key"),
        Resource::Aliases => context.permit_own(&permission, "alias"),
        Resource::Secret => context.permit_secret(&permission, &fields.required("SecretName")?).await,
        Resource::Key => context.permit_key_ref(&permission, &fields.required("KeyId")?).await,
        Resource::ProtectedKey => {
            let by_arn = fields.text("ProtectedResourceArn")?.is_some();
            let name = if by_arn { "ProtectedResourceArn" } else { "KeyId" };
            match fields.optional::<KeyRef>(name)? {
                Some(key) => context.permit_key_ref(&permission, &key).await,
                // The action refuses this itself: it protects nothing but keys.
                None => Ok(()),
            }
        }
        Resource::AliasAndKey => {
            let (alias, key): (AliasName, KeyRef) =
                (fields.required("AliasName")?, fields.required("KeyId")?);
            context.permit_own(&permission, alias.as_str())?;
            context.permit_key_ref(&permission, &key).await
        }
        Resource::Alias => {
            let alias: AliasName = fields.required("AliasName")?;
            context.permit_own(&permission, alias.as_str())?;
            let key = KeyRef { scope: None, target: KeyTarget::Alias(alias) };
            context.permit_key_ref(&permission, &key).await
        }
        Resource::OneTagged => context.permit_target(&permission, &Target::decode_one(fields)?).await,
        Resource::Tagged => tagged(context, &permission, &Resources::decode(fields)?).await,
    }
}

/// Checks the resources that a tag action of the new style names; all resources of the type when it names none.
async fn tagged(context: &Context, permission: &str, resources: &Resources) -> Result<(), ApiError> {
    let targets = resources.named()?;
    if targets.is_empty() {
        return context.permit_own(permission, if resources.secrets { "secret/*" } else { "key/*" });
    }
    for target in &targets {
        context.permit_target(permission, target).await?;
    }
    Ok(())
}

impl Context {
    /// The secret that the caller means. In mode `enforced` it is looked up once for each request, so that permission and answer are of the
    /// same state.
    ///
    /// # Errors
    /// Those of [`App::find`](crate::app::App::find).
    pub(super) async fn find_secret(&self, secret: &SecretRef) -> Result<Arc<Loaded>, AppError> {
        self.app.find_once(&self.access, &self.scope, secret).await
    }

    /// Checks a permission that concerns no single resource.
    fn permit_on_all(&self, permission: &str) -> Result<(), ApiError> {
        let subject = Subject { arn: "*", named: "*", owner: &self.scope.account, policy: None, tags: None };
        Ok(self.app.permit(&self.access, permission, subject)?)
    }

    /// Checks a permission on a resource of the caller's account that has neither policy nor tags.
    fn permit_own(&self, permission: &str, resource: &str) -> Result<(), ApiError> {
        self.permit_bare(permission, &self.scope, resource)
    }

    fn permit_bare(&self, permission: &str, scope: &Scope, resource: &str) -> Result<(), ApiError> {
        let arn = format!("acs:kms:{}:{}:{resource}", scope.region, scope.account);
        let subject = Subject { arn: &arn, named: &arn, owner: &scope.account, policy: None, tags: None };
        Ok(self.app.permit(&self.access, permission, subject)?)
    }

    async fn permit_target(&self, permission: &str, target: &Target) -> Result<(), ApiError> {
        match target {
            Target::Secret(secret) => self.permit_secret(permission, secret).await,
            Target::Key(key) => self.permit_key_ref(permission, key).await,
        }
    }

    /// Checks a permission on a secret that may not exist (rule 10.12).
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission.
    pub(super) async fn permit_secret(&self, permission: &str, secret: &SecretRef) -> Result<(), ApiError> {
        let scope = secret.scope.as_ref().unwrap_or(&self.scope);
        if !self.access.enforced {
            // Only the owner counts, so the secret need not be read.
            return if scope.account == self.scope.account {
                Ok(())
            } else {
                self.permit_bare(permission, scope, &format!("secret/{}", secret.name))
            };
        }
        let loaded = match self.find_secret(secret).await {
            Ok(loaded) => Some(loaded),
            Err(AppError::Refused(Refusal::SecretNotFound)) => None,
            Err(other) => return Err(other.into()),
        };
        let arn = scope.secret_arn(&secret.name);
        let subject = Subject {
            arn: &arn,
            named: &arn,
            owner: &scope.account,
            policy: loaded.as_ref().and_then(|loaded| loaded.secret.policy.as_ref()),
            tags: loaded.as_ref().map(|loaded| &loaded.secret.tags),
        };
        Ok(self.app.permit(&self.access, permission, subject)?)
    }

    /// Checks a permission on a key that may not exist.
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission.
    pub(super) async fn permit_key_ref(&self, permission: &str, key: &KeyRef) -> Result<(), ApiError> {
        let scope = key.scope.as_ref().unwrap_or(&self.scope);
        if !self.access.enforced && scope.account == self.scope.account {
            return Ok(());
        }
        let found = if self.access.enforced {
            self.app.keys().find(&self.scope, key).await
        } else {
            Err(KeyRefusal::NotFound.into())
        };
        match found {
            Ok(held) => self.permit_key_by_arn(permission, &held, &key.arn(&self.scope)),
            Err(AppError::Key(_)) => {
                let arn = key.arn(&self.scope);
                let subject =
                    Subject { arn: &arn, named: &arn, owner: &scope.account, policy: None, tags: None };
                Ok(self.app.permit(&self.access, permission, subject)?)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Checks a permission on a key.
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission.
    pub(super) fn permit_key(&self, permission: &str, held: &HeldKey) -> Result<(), ApiError> {
        self.permit_key_by_arn(permission, held, &held.key().arn())
    }

    /// As [`Context::permit_key`], for a key that the caller named by the ARN `named`.
    fn permit_key_by_arn(&self, permission: &str, held: &HeldKey, named: &str) -> Result<(), ApiError> {
        let key = held.key();
        let arn = key.arn();
        let subject = Subject {
            arn: &arn,
            named,
            owner: &key.scope.account,
            policy: key.policy.as_ref(),
            tags: Some(&key.tags),
        };
        Ok(self.app.permit(&self.access, permission, subject)?)
    }

    /// Checks a permission on the user's key that encrypts a secret, if there is one (rules 4.8, 7.4). The refusal names the
    /// bare id of the key.
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission.
    pub(super) async fn permit_encryption_key(
        &self,
        permission: &str,
        scope: &Scope,
        key: Option<&KeyId>,
    ) -> Result<(), ApiError> {
        let Some(id) = key.filter(|_| self.access.enforced) else { return Ok(()) };
        let permitted = match self.app.keys().by_id(scope, id).await {
            Ok(held) if held.key().owner == KeyOwner::Service => return Ok(()),
            Ok(held) => self.permit_key(permission, &held),
            Err(AppError::Key(_)) => self.permit_bare(permission, scope, &format!("key/{id}")),
            Err(other) => Err(other.into()),
        };
        permitted.map_err(|refusal| refusal.about(id.as_str()))
    }

    /// As [`Context::permit_encryption_key`], for a secret by name. The action itself reports a secret that does not exist.
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission.
    pub(super) async fn permit_encryption_key_of(
        &self,
        permission: &str,
        secret: &SecretRef,
    ) -> Result<(), ApiError> {
        if !self.access.enforced {
            return Ok(());
        }
        let Ok(loaded) = self.find_secret(secret).await else { return Ok(()) };
        let secret = &loaded.secret;
        self.permit_encryption_key(permission, &secret.scope, secret.encryption_key.as_ref()).await
    }

    /// Finds the key that a ciphertext was made with and checks the permission on it. A key of another account is found only
    /// in the mode in which policies can allow it.
    ///
    /// # Errors
    /// 403 Forbidden.NoPermission; InvalidParameter for bytes that are not a ciphertext; 404 for a key that does not exist.
    pub(super) async fn key_of_ciphertext(
        &self,
        permission: &str,
        ciphertext: &[u8],
    ) -> Result<Arc<HeldKey>, ApiError> {
        let held = self.app.keys().key_of(&self.scope, ciphertext, self.access.enforced).await?;
        self.permit_key(permission, &held)?;
        Ok(held)
    }
}
