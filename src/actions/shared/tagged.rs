//! The resources that the tag actions name.

use crate::actions::endpoint::Context;
use crate::app::AppError;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::names::KeyTarget;
use crate::domain::names::Invalid;
use crate::domain::writes;
use crate::domain::{Refusal, Region, Secret, SecretRef, TagKey, TagValue};
use crate::wire::{ApiError, Code, Fields};

/// The maximum number of resources of one call (rule 11.4).
const MAX_RESOURCES: usize = 50;

/// The kind and ids of the resources that a call of the new style names.
#[derive(Debug)]
pub(in crate::actions) struct Resources {
    /// Whether the ids are of secrets; otherwise they are of keys.
    pub(in crate::actions) secrets: bool,
    /// Names or ids.
    pub(in crate::actions) ids: Vec<String>,
}

impl Resources {
    /// Reads `RegionId`, `ResourceType` and `ResourceId.N`.
    ///
    /// # Errors
    /// MissingParameter or InvalidParameter, naming the parameter.
    pub(in crate::actions) fn decode(fields: Fields<'_>) -> Result<Self, ApiError> {
        // The scope has the region already; here it only must be present.
        fields.required::<Region>("RegionId")?;
        let secrets = match fields.text("ResourceType")?.ok_or_else(|| fields.missing("ResourceType"))? {
            "secret" => true,
            "key" => false,
            other => {
                let why = Invalid::not_one_of(other, ["secret", "key"]);
                return Err(ApiError::invalid("ResourceType", why));
            }
        };
        let ids = fields.list("ResourceId", MAX_RESOURCES)?.into_iter().map(str::to_owned).collect();
        Ok(Self { secrets, ids })
    }

    /// As [`Resources::decode`], with at least one id.
    ///
    /// # Errors
    /// As [`Resources::decode`].
    pub(in crate::actions) fn decode_some(fields: Fields<'_>) -> Result<Self, ApiError> {
        let resources = Self::decode(fields)?;
        if resources.ids.is_empty() { Err(fields.missing("ResourceId.1")) } else { Ok(resources) }
    }

    /// Finds the resources; each is returned once.
    ///
    /// # Errors
    /// 404 InvalidResourceId.NotFound when one does not exist.
    pub(in crate::actions) async fn find(&self, context: &Context) -> Result<Vec<Target>, ApiError> {
        let mut found: Vec<Target> = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            let target = self.find_one(context, id).await?;
            if !found.contains(&target) {
                found.push(target);
            }
        }
        Ok(found)
    }

    /// The resources by name, whether or not they exist.
    ///
    /// # Errors
    /// 404 InvalidResourceId.NotFound for a text that cannot be a name.
    pub(in crate::actions) fn named(&self) -> Result<Vec<Target>, ApiError> {
        self.ids.iter().map(|id| self.target(id)).collect()
    }

    fn target(&self, id: &str) -> Result<Target, ApiError> {
        let target = if self.secrets { id.parse().map(Target::Secret) } else { id.parse().map(Target::Key) };
        target.map_err(|invalid: Invalid| {
            ApiError::new(Code::InvalidResourceIdNotFound, format!("an id among ResourceId.N {invalid}"))
        })
    }

    async fn find_one(&self, context: &Context, id: &str) -> Result<Target, ApiError> {
        match self.target(id)? {
            Target::Secret(secret) => {
                let loaded = context.find_secret(&secret).await.map_err(resource_error)?;
                // A name and an ARN can mean the same secret (rule 1.5).
                Ok(Target::Secret(SecretRef { scope: Some(loaded.secret.scope.clone()), name: secret.name }))
            }
            Target::Key(key) => {
                let held = context.app.keys().find(&context.scope, &key).await.map_err(resource_error)?;
                Ok(Target::Key(KeyRef { scope: None, target: KeyTarget::Id(held.key().id.clone()) }))
            }
        }
    }
}

/// The new style has a code of its own for a resource that does not exist.
pub(in crate::actions) fn resource_error(error: AppError) -> ApiError {
    match error {
        AppError::Refused(Refusal::SecretNotFound)
        | AppError::Key(KeyRefusal::NotFound | KeyRefusal::AliasNotFound) => {
            ApiError::new(Code::InvalidResourceIdNotFound, format!("of ResourceId.N: {error}"))
        }
        other => other.into(),
    }
}

/// The reason for refusing a call of the old style that names several resources.
const ONE_ONLY: &str = "was sent beside another of SecretName, KeyId and CertificateId; send one of them";

/// A resource that carries tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::actions) enum Target {
    /// A secret.
    Secret(SecretRef),
    /// A key.
    Key(KeyRef),
}

impl Target {
    /// The one resource that a call of the old style names: exactly one of `KeyId`, `SecretName`, `CertificateId`.
    ///
    /// # Errors
    /// MissingParameter, InvalidParameter; 404 for a certificate, because there are none.
    pub(in crate::actions) fn decode_one(fields: Fields<'_>) -> Result<Self, ApiError> {
        let given = |name| Ok::<_, ApiError>(fields.text(name)?.is_some());
        match (given("SecretName")?, given("KeyId")?, given("CertificateId")?) {
            // These two actions take a name and no ARN (rule 1.5).
            (true, false, false) => {
                Ok(Self::Secret(SecretRef { scope: None, name: fields.required("SecretName")? }))
            }
            (false, true, false) => Ok(Self::Key(fields.required("KeyId")?)),
            (false, false, true) => {
                Err(ApiError::new(Code::ResourceNotFound, "there are no certificates here"))
            }
            (false, false, false) => {
                let reason =
                    "none of SecretName, KeyId and CertificateId was sent; one of them names what is tagged";
                Err(ApiError { reason: reason.into(), ..fields.missing("SecretName") })
            }
            (true, _, _) => Err(ApiError::invalid("SecretName", ONE_ONLY)),
            (false, true, true) => Err(ApiError::invalid("KeyId", ONE_ONLY)),
        }
    }

    /// Sets tags.
    ///
    /// # Errors
    /// 404 when the resource does not exist; LimitExceeded.
    pub(in crate::actions) async fn tag(
        &self,
        context: &Context,
        tags: &[(TagKey, TagValue)],
    ) -> Result<(), ApiError> {
        match self {
            Self::Secret(secret) => {
                let decide = |secret: &Secret, _now| writes::tag(secret, tags.to_vec()).map(Some);
                context.app.change(&context.scope, secret, decide).await?;
            }
            Self::Key(key) => {
                context.app.keys().change(&context.scope, key, |key| decisions::tag(key, tags)).await?;
            }
        }
        Ok(())
    }

    /// Removes the tags with these keys; `None` removes all tags.
    ///
    /// # Errors
    /// 404 when the resource does not exist.
    pub(in crate::actions) async fn untag(
        &self,
        context: &Context,
        keys: Option<&[TagKey]>,
    ) -> Result<(), ApiError> {
        match self {
            Self::Secret(secret) => {
                let decide = |secret: &Secret, _now| {
                    let all = || secret.tags.iter().map(|(key, _)| key.clone()).collect();
                    Ok(writes::untag(secret, &keys.map_or_else(all, <[TagKey]>::to_vec)))
                };
                context.app.change(&context.scope, secret, decide).await?;
            }
            Self::Key(key) => {
                context.app.keys().change(&context.scope, key, |key| decisions::untag(key, keys)).await?;
            }
        }
        Ok(())
    }
}
