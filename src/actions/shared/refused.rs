//! Actions that Sesame does not implement: each is refused with the code that the service documents for it, never
//! faked. An action on a secret first reports a secret that does not exist, as the service does.

use crate::actions::endpoint::{Answer, Context, Endpoint, Kind, Parameter, Resource, State};
use crate::domain::SecretRef;
use crate::wire::{ApiError, Code, Fields, Format};

/// An action that is refused.
#[derive(Debug)]
pub(in crate::actions) struct Refused {
    name: &'static str,
    kind: Kind,
    resource: Resource,
    parameters: &'static [Parameter],
    code: Code,
    /// The reason, for developers.
    because: &'static str,
}

impl Refused {
    /// An action on enclaves or managed data keys.
    pub(in crate::actions) const fn enclave(name: &'static str, parameters: &'static [Parameter]) -> Self {
        Self {
            name,
            kind: Kind::Read,
            resource: Resource::None,
            parameters,
            code: Code::UnsupportedOperation,
            because: "it belongs to enclaves and managed data keys",
        }
    }

    /// An action on KMS instances.
    pub(in crate::actions) const fn instance(name: &'static str, parameters: &'static [Parameter]) -> Self {
        Self {
            name,
            kind: Kind::Read,
            resource: Resource::None,
            parameters,
            code: Code::DkmsInstanceNotFound,
            because: "there are no KMS instances",
        }
    }

    /// An action on the rotation of a secret: the service refuses it for a generic secret (rules 2.12, 8.8; guess G7).
    pub(in crate::actions) const fn rotation(name: &'static str, parameters: &'static [Parameter]) -> Self {
        Self {
            name,
            kind: Kind::Write,
            resource: Resource::Secret,
            parameters,
            code: Code::RejectedUnsupportedOperation,
            because: "only dynamic secrets rotate by themselves, and every secret here is of type Generic",
        }
    }
}

impl Endpoint for Refused {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn state(&self) -> State {
        State::Refused
    }

    fn resource(&self) -> Resource {
        self.resource
    }

    fn anonymous(&self) -> bool {
        false
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn codes(&self) -> &'static [Code] {
        match self.code {
            Code::RejectedUnsupportedOperation => &[
                Code::RejectedUnsupportedOperation,
                Code::ResourceNotFound,
                Code::RejectedResourceInDeleteWindow,
            ],
            Code::DkmsInstanceNotFound => &[Code::DkmsInstanceNotFound],
            _ => &[Code::UnsupportedOperation],
        }
    }

    #[cfg(test)]
    fn decode(&self, _fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, _format: Format) -> Answer<'a> {
        let code = self.code;
        let reason = format!("{} is not implemented here: {}", self.name, self.because);
        let missing = self.parameters.iter().filter(|p| p.required).find_map(|p| match fields.text(p.name) {
            Ok(Some(_)) => None,
            Ok(None) => Some(fields.missing(p.name)),
            Err(twice) => Some(twice),
        });
        let on_secret = self.resource == Resource::Secret;
        let reference = if on_secret { Some(fields.required::<SecretRef>("SecretName")) } else { None };
        Box::pin(async move {
            if let Some(error) = missing {
                return Err(error);
            }
            if let Some(reference) = reference.transpose()? {
                let loaded = context.find_secret(&reference).await?;
                // A secret that is scheduled for deletion says so first (rule 6.6).
                loaded.secret.require_live()?;
            }
            Err(ApiError::new(code, reason))
        })
    }
}
