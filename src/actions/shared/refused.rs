//! Actions that belong to what Sesame does not do yet: refused with the code that the service documents for it,
//! never faked. Actions on a secret say first whether the secret is there, as the service does.

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
    /// Why, for developers.
    because: &'static str,
    when_in_window: InWindow,
}

/// What an action on a secret says while the secret is scheduled for deletion (rule 6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InWindow {
    /// That it is.
    Refuse,
    /// What it always says.
    Ignore,
}

const SECRET: Parameter = Parameter::required("SecretName");

const fn key_action(
    name: &'static str,
    kind: Kind,
    resource: Resource,
    parameters: &'static [Parameter],
) -> Refused {
    Refused {
        name,
        kind,
        resource,
        parameters,
        code: Code::UnsupportedOperation,
        because: "it belongs to enclaves and managed data keys",
        when_in_window: InWindow::Ignore,
    }
}

const fn secret_action(
    name: &'static str,
    kind: Kind,
    parameters: &'static [Parameter],
    code: Code,
    when_in_window: InWindow,
) -> Refused {
    let because = "only dynamic secrets rotate by themselves, and every secret here is of type Generic";
    Refused { name, kind, resource: Resource::Secret, parameters, code, because, when_in_window }
}

// Dynamic secrets: what RotateSecret and its policy answer for a generic secret (rules 2.12, 8.8; question 6).
pub(in crate::actions) const ROTATE_SECRET: Refused = secret_action(
    "RotateSecret",
    Kind::Write,
    &[SECRET, Parameter::required("VersionId")],
    Code::RejectedUnsupportedOperation,
    InWindow::Refuse,
);
pub(in crate::actions) const UPDATE_SECRET_ROTATION_POLICY: Refused = secret_action(
    "UpdateSecretRotationPolicy",
    Kind::Write,
    &[SECRET, Parameter::required("EnableAutomaticRotation"), Parameter::optional("RotationInterval")],
    Code::RejectedUnsupportedOperation,
    InWindow::Refuse,
);

// KMS instances: there is none.
pub(in crate::actions) const GET_DEFAULT_KMS_INSTANCE: Refused = Refused {
    name: "GetDefaultKmsInstance",
    kind: Kind::Read,
    resource: Resource::None,
    parameters: &[],
    code: Code::DkmsInstanceNotFound,
    because: "there are no KMS instances",
    when_in_window: InWindow::Ignore,
};

// Enclaves and managed data keys.
pub(in crate::actions) const GET_CHALLENGE: Refused =
    key_action("GetChallenge", Kind::Read, Resource::None, &[]);
pub(in crate::actions) const GET_MANAGED_DATA_KEY: Refused =
    key_action("GetManagedDataKey", Kind::Read, Resource::None, &[Parameter::required("DataKeyName")]);
pub(in crate::actions) const LIST_MANAGED_DATA_KEY_VERSIONS: Refused = key_action(
    "ListManagedDataKeyVersions",
    Kind::Read,
    Resource::None,
    &[Parameter::required("DataKeyName")],
);

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

    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, _format: Format) -> Answer<'a> {
        let (code, when_in_window) = (self.code, self.when_in_window);
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
                if when_in_window == InWindow::Refuse {
                    loaded.secret.require_live()?;
                }
            }
            Err(ApiError::new(code, reason))
        })
    }
}
