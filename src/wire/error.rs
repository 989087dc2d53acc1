//! The only thing that becomes an error answer.

use std::borrow::Cow;

use crate::app::{AppError, NoPermission};
use crate::domain::Refusal;
use crate::domain::keys::KeyState;
use crate::domain::keys::decisions::KeyRefusal;
use crate::wire::code::Code;
use crate::wire::params::ParamError;
use crate::wire::signature::AuthError;

/// An error as the caller sees it: a code, its spelling and a wording that holds no secret value.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The code, which decides the HTTP status.
    pub code: Code,
    /// The spelling; only `Missing<Name>` differs from the table's.
    pub wire: Cow<'static, str>,
    /// The wording.
    pub message: Cow<'static, str>,
    /// What the log shall say beside it, if anything; never part of the answer.
    pub cause: Option<String>,
    /// Which permission was missing, and what was looked at.
    pub denied: Option<Box<NoPermission>>,
}

impl ApiError {
    /// The code with its default wording.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            wire: code.as_str().into(),
            message: code.row().message.into(),
            cause: None,
            denied: None,
        }
    }

    /// The code with another documented wording.
    pub fn with_message(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..Self::new(code) }
    }

    /// The code with the parameter's (or resource's) name in its wording.
    pub fn naming(code: Code, name: &str) -> Self {
        Self::with_message(code, code.row().message.replace("<name>", name))
    }

    /// 400 InvalidParameter, naming the parameter.
    pub fn invalid(name: &str) -> Self {
        Self::naming(Code::InvalidParameter, name)
    }

    /// 400 MissingParameter, naming the parameter of the action (fact C9).
    pub fn missing(name: &str) -> Self {
        Self::naming(Code::MissingParameter, name)
    }

    /// 400 `Missing<Name>`: a parameter that the gateway itself needs (fact D17).
    pub fn missing_from_gateway(name: &str) -> Self {
        Self { wire: format!("Missing{name}").into(), ..Self::naming(Code::MissingGatewayParameter, name) }
    }

    /// The same refusal of a permission, with another name for what it is about.
    #[must_use]
    pub fn about(self, name: &str) -> Self {
        match self.denied {
            Some(denied) => Self { denied: Some(denied), ..Self::naming(self.code, name) },
            None => self,
        }
    }

    /// 500 InternalFailure without detail; the cause goes to the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..Self::new(Code::InternalFailure) }
    }
}

impl From<Box<NoPermission>> for ApiError {
    fn from(denied: Box<NoPermission>) -> Self {
        let error = Self::naming(Code::ForbiddenNoPermission, &denied.to_caller().arn);
        Self { denied: Some(denied), ..error }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::SecretNotFound | Refusal::VersionNotFound => Self::new(Code::ResourceNotFound),
            Refusal::SecretExists => Self::new(Code::RejectedResourceExist),
            Refusal::NameInRecoveryWindow => Self::with_message(
                Code::RejectedResourceInDeleteWindow,
                "The secret is planned to be deleted.",
            ),
            Refusal::InRecoveryWindow => Self::new(Code::RejectedResourceInDeleteWindow),
            Refusal::VersionExists => Self::with_message(
                Code::RejectedResourceExist,
                "The request was rejected becasue key already exsit",
            ),
            Refusal::NotInRecoveryWindow => Self::new(Code::RejectedResourceInUse),
            Refusal::LimitExceeded(exceeded) | Refusal::TooManyTags(exceeded) => {
                Self { cause: Some(exceeded.to_string()), ..Self::new(Code::RejectedLimitExceeded) }
            }
            Refusal::QuotaExceeded(exceeded) => Self {
                cause: Some(exceeded.to_string()),
                ..Self::with_message(Code::RejectedLimitExceeded, "The secret quota is exceeded.")
            },
            Refusal::StageMismatch => Self::new(Code::RejectedInvalidRequest),
            Refusal::NoCurrentVersion => {
                Self::with_message(Code::RejectedUnsupportedOperation, "secret stages in unnormal status")
            }
            Refusal::Parameter(name) => Self::invalid(name),
            Refusal::UnsupportedType => Self::new(Code::RejectedUnsupportedOperation),
        }
    }
}

impl From<KeyRefusal> for ApiError {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::NotFound => Self::new(Code::KeyNotFound),
            KeyRefusal::AliasNotFound => Self::new(Code::AliasNotFound),
            KeyRefusal::VersionNotFound => Self::new(Code::KeyVersionNotFound),
            KeyRefusal::AliasExists => Self::new(Code::AliasExists),
            KeyRefusal::AliasNotAllowed => Self::new(Code::AliasUnsupported),
            KeyRefusal::State(KeyState::Disabled | KeyState::Enabled) => Self::new(Code::RejectedDisabled),
            KeyRefusal::State(KeyState::PendingDeletion) => Self::new(Code::RejectedPendingDeletion),
            KeyRefusal::State(KeyState::PendingImport) => Self::new(Code::RejectedPendingImport),
            KeyRefusal::StateModification => Self::new(Code::RejectedStateModifiedFailed),
            KeyRefusal::UnsupportedKey => Self::new(Code::UnsupportedOperation),
            KeyRefusal::UnsupportedRotation => Self::new(Code::RejectedUnsupportedOperation),
            KeyRefusal::UnsupportedOrigin => Self::new(Code::OriginUnsupported),
            KeyRefusal::Parameter(name) => Self::invalid(name),
            KeyRefusal::LimitExceeded(exceeded) => Self {
                cause: Some(exceeded.to_string()),
                ..Self::with_message(
                    Code::RejectedLimitExceeded,
                    "The request was rejected because user create resource limit was exceeded",
                )
            },
            KeyRefusal::Material => Self::new(Code::InvalidKeyMaterial),
            KeyRefusal::ImportToken => Self::new(Code::InvalidImportToken),
            KeyRefusal::ImportTokenExpired => Self::new(Code::ExpiredImportToken),
        }
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(refusal) => refusal.into(),
            AppError::Busy | AppError::Unavailable(_) => {
                Self { cause: Some(error.to_string()), ..Self::new(Code::ServiceUnavailableTemporary) }
            }
            AppError::Key(refusal) => refusal.into(),
            AppError::Damaged(_) | AppError::Crypto(_) | AppError::Pair(_) => Self::internal(error),
        }
    }
}

impl From<ParamError> for ApiError {
    fn from(error: ParamError) -> Self {
        match error.name {
            Some(name) => Self::invalid(&name),
            None => Self::new(Code::ParseRequestParameter),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing { name } => Self::missing_from_gateway(name),
            AuthError::UnknownMethod { .. } => Self::new(Code::InvalidSignatureMethod),
            AuthError::Mismatch(mismatch) => Self::with_message(
                Code::SignatureDoesNotMatch,
                match mismatch.canonical_request() {
                    // Clients compare what stands behind the first colon with their own text (fact E10).
                    None => format!(
                        "Specified signature is not matched with our calculation. server string to sign is:{}",
                        mismatch.string_to_sign()
                    ),
                    Some(canonical) => format!(
                        "Specified signature does not match our calculation. server StringToSign is [{}], \
                         server CanonicalRequest is [{canonical}]",
                        mismatch.string_to_sign()
                    ),
                },
            ),
            AuthError::BodyHash { header } => Self::with_message(
                Code::SignatureDoesNotMatch,
                format!(
                    "Specified signature does not match our calculation. {header} is not the hash of the body."
                ),
            ),
            // The id is of another kind of key, so this key is not known for such signatures.
            AuthError::WrongMaterial => Self::new(Code::InvalidAccessKeyIdNotFound),
            AuthError::UnusableKey => Self::internal(error),
            AuthError::UnknownVersion
            | AuthError::Malformed { .. }
            | AuthError::TooLong { .. }
            | AuthError::Repeated { .. }
            | AuthError::HeadersNotAscending
            | AuthError::UnsignedHeader { .. } => {
                Self { cause: Some(error.to_string()), ..Self::new(Code::IncompleteSignature) }
            }
        }
    }
}
