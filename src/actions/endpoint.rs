//! What an action is, and the adapter that decodes its request and encodes its answer.

use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;

use crate::app::{Access, App};
use crate::domain::Scope;
use crate::wire::{ApiError, Code, Fields, Format, RequestId, encode};

/// Whether an action changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// How far an action is implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Does what the cloud does.
    Real,
    /// Refused with the documented code.
    Refused,
}

/// What a policy names when it speaks of the action, and which parameters say it (rule 10.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// No permission is needed (rule 10.8).
    Unchecked,
    /// What it is about shows only while the action runs, which asks itself: entries of a list, keys of ciphertexts.
    AskedLater,
    /// Nothing in particular: `*`.
    None,
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
    /// `acs:kms:<region>:<account>:alias/<name>` and the key that it stands for.
    Alias,
    /// `acs:kms:<region>:<account>:alias/<name>` and the key of `KeyId`.
    AliasAndKey,
    /// The one key or secret that a tag action of the old style names.
    OneTagged,
    /// The keys or secrets that a tag action of the new style names.
    Tagged,
}

impl Resource {
    /// What a policy names, behind `acs:kms:<region>:<account>:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "-",
            Self::AskedLater => "each entry, key or role",
            Self::None => "*",
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
    /// Its name; `.N` stands for a number from 1.
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether an empty value means something by itself; for all others it counts as absent (rule 14.10).
    pub may_be_empty: bool,
}

impl Parameter {
    /// One that must be given.
    pub const fn required(name: &'static str) -> Self {
        Self { name, required: true, may_be_empty: false }
    }

    /// One that must be given, and whose empty value means something; it is read by [`Fields::given`].
    pub const fn required_or_empty(name: &'static str) -> Self {
        Self { name, required: true, may_be_empty: true }
    }

    /// One that may be given.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, may_be_empty: false }
    }
}

/// What an action works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The application.
    pub app: Arc<App>,
    /// The caller's account, and the region of the request.
    pub scope: Scope,
    /// Who asks, and what that lets them do.
    pub access: Access,
    /// The id of the request, which the answer carries.
    pub request_id: RequestId,
    /// The host and port that the caller reached the server by; empty when the request names no host.
    pub address: String,
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
    /// The codes it may answer, beside those that any action may ([`COMMON_CODES`]).
    const CODES: &'static [Code];

    /// The decoded request: once it exists, each parameter is valid by itself.
    type Request: Send;
    /// The members of the answer, in the shape and order of the wire.
    type Response: Serialize + Send;

    /// Reads the parameters.
    ///
    /// # Errors
    /// MissingParameter or InvalidParameter, naming the parameter.
    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError>;

    /// Does it.
    fn run(
        context: &Context,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response, ApiError>> + Send;
}

/// Codes that any action may answer.
pub const COMMON_CODES: &[Code] = &[
    Code::InvalidParameter,
    Code::MissingParameter,
    Code::ForbiddenNoPermission,
    Code::InternalFailure,
    Code::ServiceUnavailableTemporary,
];

/// A boxed future of an answer's document.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, ApiError>> + Send + 'a>>;

/// An action with its types erased, as the table holds it.
pub trait Endpoint: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Whether it changes anything.
    fn kind(&self) -> Kind;
    /// How far it is implemented.
    fn state(&self) -> State;
    /// What a policy names.
    fn resource(&self) -> Resource;
    /// Whether the request needs no signature in any mode.
    fn anonymous(&self) -> bool;
    /// Its parameters.
    fn parameters(&self) -> &'static [Parameter];
    /// The codes it may answer, beside [`COMMON_CODES`].
    fn codes(&self) -> &'static [Code];
    /// Decodes, runs and encodes.
    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, format: Format) -> Answer<'a>;
}

impl<A: Action> Endpoint for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn kind(&self) -> Kind {
        A::KIND
    }

    fn state(&self) -> State {
        State::Real
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

    fn call<'a>(&self, context: &'a Context, fields: Fields<'_>, format: Format) -> Answer<'a> {
        // Also one that this implementation has no use for is not to be given twice.
        let once = A::PARAMETERS.iter().try_for_each(|parameter| fields.text(parameter.name).map(drop));
        let request = once.and_then(|()| A::decode(fields));
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
