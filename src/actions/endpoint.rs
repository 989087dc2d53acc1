//! The trait of an action, and the adapter that decodes its request and encodes its answer.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::app::{Access, App};
use crate::domain::{Scope, Secret, VersionId};
use crate::wire::{ApiError, Code, Fields, Format, RequestId, encode};

/// Whether an action changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// Whether an action is implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Does what the cloud does.
    Implemented,
    /// Refused with the documented code.
    Refused,
}

/// The resource that a policy names for an action, and the parameters that it comes from (rule 10.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// No permission is needed (rule 10.8).
    Unchecked,
    /// The resource is known only while the action runs, which checks the permission itself: entries of a list, keys of
    /// ciphertexts.
    AskedLater,
    /// All resources: `*`.
    All,
    /// `acs:kms:<region>:<account>:secret`.
    Secrets,
    /// `acs:kms:<region>:<account>:secret/<name>`; `SecretName` says which.
    Secret,
    /// `acs:kms:<region>:<account>:key`.
    Keys,
    /// `acs:kms:<region>:<account>:key/<id>`; `KeyId` says which.
    Key,
    /// The same; `ProtectedResourceArn` or `KeyId` says which.
    ProtectedKey,
    /// `acs:kms:<region>:<account>:alias`.
    Aliases,
    /// `acs:kms:<region>:<account>:alias/<name>` and the key that the alias points to.
    Alias,
    /// `acs:kms:<region>:<account>:alias/<name>` and the key of `KeyId`.
    AliasAndKey,
    /// The one key or secret that a tag action of the old style names.
    OneTagged,
    /// The keys or secrets that a tag action of the new style names.
    Tagged,
}

impl Resource {
    /// The resource as policies name it, after `acs:kms:<region>:<account>:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "-",
            Self::AskedLater => "each entry, key or role",
            Self::All => "*",
            Self::Secrets => "secret",
            Self::Secret => "secret/NAME",
            Self::Keys => "key",
            Self::Key | Self::ProtectedKey => "key/ID",
            Self::Aliases => "alias",
            Self::Alias | Self::AliasAndKey => "alias/NAME and key/ID",
            Self::OneTagged | Self::Tagged => "secret/NAME or key/ID",
        }
    }
}

/// A parameter of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; `.N` stands for a number, counted from 1.
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether an empty value has a meaning of its own; for all other parameters it counts as absent (rule 14.10).
    pub may_be_empty: bool,
    /// Whether the parameter is accepted without being read: it means nothing for what is implemented here.
    pub ignored: bool,
}

impl Parameter {
    /// A parameter that must be given.
    pub const fn required(name: &'static str) -> Self {
        Self { name, required: true, may_be_empty: false, ignored: false }
    }

    /// A parameter that must be given and whose empty value has a meaning; read it by [`Fields::given`].
    pub const fn required_or_empty(name: &'static str) -> Self {
        Self { name, required: true, may_be_empty: true, ignored: false }
    }

    /// A parameter that may be given.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, may_be_empty: false, ignored: false }
    }

    /// A parameter that may be given and has no effect. Giving it twice is still an error.
    pub const fn ignored(name: &'static str) -> Self {
        Self { name, required: false, may_be_empty: false, ignored: true }
    }
}

/// The parameters that every action takes.
const SYSTEM_PARAMETERS: [&str; 13] = [
    "AccessKeyId",
    "Action",
    "BearerToken",
    "Format",
    "RegionId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Whether an action takes a parameter of this name.
fn takes<A: Action>(name: &str) -> bool {
    SYSTEM_PARAMETERS.contains(&name) || A::PARAMETERS.iter().any(|parameter| parameter.name == name)
}

/// What an action gets besides its parameters.
#[derive(Debug)]
pub struct Context {
    /// The application.
    pub app: Arc<App>,
    /// The caller's account and the region of the request.
    pub scope: Scope,
    /// The caller and the caller's permissions.
    pub access: Access,
    /// The id of the request, which the answer carries.
    pub request_id: RequestId,
    /// The host and port of the request's Host header; empty when it has none.
    pub address: String,
    /// The version that the answer is about, for the request log.
    pub answered: AnsweredVersion,
}

/// The version that an answer is about and the labels that it has, once the action knows them.
#[derive(Debug, Default)]
pub struct AnsweredVersion(OnceLock<String>);

impl AnsweredVersion {
    /// Notes the version and its labels in a secret. The first note stays.
    pub(in crate::actions) fn note(&self, secret: &Secret, version: &VersionId) {
        self.0.get_or_init(|| {
            let mut text = version.to_string();
            for label in secret.stages.labels_of(version) {
                text.push('\n');
                text.push_str(label.as_str());
            }
            text
        });
    }

    /// The version, and the labels, one a line.
    pub fn into_text(self) -> Option<String> {
        self.0.into_inner()
    }
}

/// An action of the API.
pub trait Action: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Whether it changes anything.
    const KIND: Kind;
    /// What a policy names.
    const RESOURCE: Resource;
    /// Whether the request needs no signature in any mode.
    const ANONYMOUS: bool = false;
    /// Its parameters.
    const PARAMETERS: &'static [Parameter];
    /// The error codes it may return besides those of every action ([`COMMON_CODES`]).
    const CODES: &'static [Code];

    /// The decoded request. Each of its parameters is valid on its own.
    type Request: Send;
    /// The answer, with its members in the shape and order of the wire.
    type Response: Serialize + Send;

    /// Reads the parameters.
    ///
    /// # Errors
    /// MissingParameter or InvalidParameter, naming the parameter.
    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError>;

    /// Runs the action.
    fn run(
        context: &Context,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response, ApiError>> + Send;
}

/// Error codes that every action may return.
pub const COMMON_CODES: &[Code] = &[
    Code::InvalidParameter,
    Code::MissingParameter,
    Code::ForbiddenNoPermission,
    Code::InternalFailure,
    Code::ServiceUnavailableTemporary,
];

/// A boxed future of the encoded answer.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, ApiError>> + Send + 'a>>;

/// An action with its types erased, as the tables hold it.
pub trait Endpoint: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Whether it changes anything.
    fn kind(&self) -> Kind;
    /// Whether it is implemented.
    fn support(&self) -> Support;
    /// What a policy names.
    fn resource(&self) -> Resource;
    /// Whether the request needs no signature in any mode.
    fn anonymous(&self) -> bool;
    /// Its parameters.
    fn parameters(&self) -> &'static [Parameter];
    /// The error codes it may return besides [`COMMON_CODES`].
    fn codes(&self) -> &'static [Code];
    /// Decodes, runs and encodes.
    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, format: Format) -> Answer<'a>;
    /// Only decodes; an action that is refused reads nothing.
    ///
    /// # Errors
    /// Those of the action's parameters.
    #[cfg(test)]
    fn decode(&self, fields: Fields<'_>) -> Result<(), ApiError>;
}

impl<A: Action> Endpoint for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn kind(&self) -> Kind {
        A::KIND
    }

    fn support(&self) -> Support {
        Support::Implemented
    }

    fn resource(&self) -> Resource {
        A::RESOURCE
    }

    fn anonymous(&self) -> bool {
        A::ANONYMOUS
    }

    fn parameters(&self) -> &'static [Parameter] {
        A::PARAMETERS
    }

    fn codes(&self) -> &'static [Code] {
        A::CODES
    }

    #[cfg(test)]
    fn decode(&self, fields: Fields<'_>) -> Result<(), ApiError> {
        A::decode(fields).map(drop)
    }

    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, format: Format) -> Answer<'a> {
        // No parameter may be given twice, not even one that is ignored.
        let once = A::PARAMETERS.iter().try_for_each(|parameter| fields.text(parameter.name).map(drop));
        let request = once.and_then(|()| A::decode(fields.of_action(takes::<A>)));
        Box::pin(async move {
            let answered = match request {
                Ok(request) => A::run(context, request).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(response) => encode::success(format, A::NAME, context.request_id, &response),
                Err(error) => {
                    let declared = A::CODES.contains(&error.code) || COMMON_CODES.contains(&error.code);
                    debug_assert!(
                        declared,
                        "{} answers {:?}, which it does not declare",
                        A::NAME,
                        error.code
                    );
                    Err(error)
                }
            }
        })
    }
}
