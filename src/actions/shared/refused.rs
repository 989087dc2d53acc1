//! Actions that Sesame does not implement: each is refused with the code that the service documents for it, never
//! faked.

use crate::actions::endpoint::{Answer, Context, Endpoint, Kind, Parameter, Resource, Support};
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
            resource: Resource::All,
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
            resource: Resource::All,
            parameters,
            code: Code::DkmsInstanceNotFound,
            because: "there are no KMS instances",
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

    fn support(&self) -> Support {
        Support::Refused
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
            Code::DkmsInstanceNotFound => &[Code::DkmsInstanceNotFound],
            _ => &[Code::UnsupportedOperation],
        }
    }

    #[cfg(test)]
    fn decode(&self, _fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    fn call<'a>(&self, _context: &'a Context, fields: Fields<'_>, _format: Format) -> Answer<'a> {
        let code = self.code;
        let reason = format!("{} is not implemented here: {}", self.name, self.because);
        let missing = self.parameters.iter().filter(|p| p.required).find_map(|p| match fields.text(p.name) {
            Ok(Some(_)) => None,
            Ok(None) => Some(fields.missing(p.name)),
            Err(twice) => Some(twice),
        });
        Box::pin(async move {
            if let Some(error) = missing {
                return Err(error);
            }
            Err(ApiError::new(code, reason))
        })
    }
}
