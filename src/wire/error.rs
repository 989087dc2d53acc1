//! [`ApiError`], the one type that becomes an error answer.

use std::borrow::Cow;
use std::fmt::Display;

use crate::app::{AppError, NoPermission, NonceRefusal, RoleRefusal};
use crate::domain::keys::KeyState;
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::{Refusal, with_causes};
use crate::wire::code::Code;
use crate::wire::params::ParamError;
use crate::wire::reason::{NAME_BYTES, shown};
use crate::wire::signature::AuthError;

/// An error as the caller sees it: a code, its spelling and a message without secret values. The reason is for
/// developers.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The code, which decides the HTTP status.
    pub code: Code,
    /// The spelling. Only `Missing<Name>` differs from the table.
    pub wire: Cow<'static, str>,
    /// The message, in the wording of the cloud.
    pub message: Cow<'static, str>,
    /// What is wrong and what was expected, in plain English. It is shown in the log, in `/_sesame/requests`, and in
    /// `open` mode in the header `x-sesame-reason`. It may contain names of parameters, lengths, numbers, times, a
    /// single character, at most 64 bytes of unknown names (action, version, key id, path) and a refused host. It never
    /// contains a secret value, a signature, a string to sign or a token.
    pub reason: Cow<'static, str>,
    /// The missing permission, with every evaluated statement.
    pub denied: Option<Box<NoPermission>>,
}

impl ApiError {
    /// An error with the default wording of its code.
    pub fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(code, code.row().message, reason)
    }

    /// An error with another documented wording of its code.
    pub fn with_message(
        code: Code,
        message: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (message, reason) = (message.into(), reason.into());
        Self { code, wire: code.as_str().into(), message, reason, denied: None }
    }

    /// An error whose wording contains the name of a parameter or resource.
    pub fn naming(code: Code, name: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(code, code.row().message.replace("<name>", name), reason)
    }

    /// 400 InvalidParameter for a parameter. `why` completes a sentence that begins with the name, such as
    /// `has 65 characters; at most 64 are allowed`.
    pub fn invalid(name: &str, why: impl Display) -> Self {
        let reason = format!("{} {why}", shown(name, NAME_BYTES));
        Self::naming(Code::InvalidParameter, name, reason)
    }

    /// 400 MissingParameter for a parameter of the action (protocol P25). If the request is available,
    /// [`Fields::missing`](super::Fields::missing) says more.
    pub fn missing(name: &str) -> Self {
        let reason = format!("{name} is needed and was not sent; send it in the query or in a form body");
        Self::naming(Code::MissingParameter, name, reason)
    }

    /// 400 `Missing<Name>` for a parameter that the gateway itself needs (protocol P41).
    pub fn missing_from_gateway(name: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        let error = Self::naming(Code::MissingGatewayParameter, name, reason);
        Self { wire: format!("Missing{name}").into(), ..error }
    }

    /// The same refusal of a permission with another name of the resource.
    #[must_use]
    pub fn about(self, name: &str) -> Self {
        match self.denied {
            Some(denied) => Self { denied: Some(denied), ..Self::naming(self.code, name, self.reason) },
            None => self,
        }
    }

    /// A missing permission with another code than the usual one.
    pub fn denied(code: Code, denied: Box<NoPermission>) -> Self {
        let reason = denied.reason();
        Self { denied: Some(denied), ..Self::new(code, reason) }
    }

    /// 500 InternalFailure, which tells the caller nothing; the cause becomes the reason.
    pub fn internal(cause: impl Display) -> Self {
        Self::new(Code::InternalFailure, cause.to_string())
    }
}

impl From<Box<NoPermission>> for ApiError {
    fn from(denied: Box<NoPermission>) -> Self {
        let arn = denied.to_caller().arn.clone();
        let error = Self::denied(Code::ForbiddenNoPermission, denied);
        error.about(&arn)
    }
}

impl From<RoleRefusal> for ApiError {
    fn from(refusal: RoleRefusal) -> Self {
        match refusal {
            RoleRefusal::NoPermission(denied) => denied.into(),
            RoleRefusal::Absent(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.to_string();
        let plain = |code| Self::new(code, reason.clone());
        let worded = |code, message: &'static str| Self::with_message(code, message, reason.clone());
        match refusal {
            Refusal::SecretNotFound
            | Refusal::VersionNotFound
            | Refusal::LabelElsewhere
            | Refusal::RamUserNotFound => plain(Code::ResourceNotFound),
            Refusal::RamRoleNotFound(_) => plain(Code::RamRoleNotFound),
            Refusal::SecretExists | Refusal::AccountTaken => plain(Code::RejectedResourceExist),
            Refusal::NameInRecoveryWindow => {
                worded(Code::RejectedResourceInDeleteWindow, "The secret is planned to be deleted.")
            }
            Refusal::InRecoveryWindow => plain(Code::RejectedResourceInDeleteWindow),
            Refusal::VersionExists => {
                worded(Code::RejectedResourceExist, "The request was rejected becasue key already exsit")
            }
            Refusal::NotInRecoveryWindow => plain(Code::RejectedResourceInUse),
            Refusal::BeingRotated => {
                worded(Code::RejectedResourceInUse, "Your secret is being rotated, please try again later")
            }
            Refusal::LimitExceeded(_) => plain(Code::RejectedLimitExceeded),
            Refusal::QuotaExceeded(_) => worded(Code::RejectedLimitExceeded, "The secret quota is exceeded."),
            Refusal::StageMismatch | Refusal::SameVersion => plain(Code::RejectedInvalidRequest),
            Refusal::NoCurrentVersion => {
                worded(Code::RejectedUnsupportedOperation, "secret stages in unnormal status")
            }
            Refusal::Parameter(name, why) => Self::invalid(name, why),
            // The message has the database's own words (rule DY11.6).
            Refusal::NotCarriedOut(why) => {
                let usual = Self::invalid("ExtendedConfig", &why);
                Self { message: format!("{} {why}", usual.message).into(), reason: why.into(), ..usual }
            }
            Refusal::UnsupportedType => plain(Code::RejectedUnsupportedOperation),
        }
    }
}

impl From<KeyRefusal> for ApiError {
    fn from(refusal: KeyRefusal) -> Self {
        let code = match &refusal {
            KeyRefusal::NotFound => Code::KeyNotFound,
            KeyRefusal::AliasNotFound => Code::AliasNotFound,
            KeyRefusal::VersionNotFound => Code::KeyVersionNotFound,
            KeyRefusal::AliasExists => Code::AliasExists,
            KeyRefusal::AliasNotAllowed => Code::AliasUnsupported,
            KeyRefusal::State(KeyState::Disabled | KeyState::Enabled) => Code::RejectedDisabled,
            KeyRefusal::State(KeyState::PendingDeletion) => Code::RejectedPendingDeletion,
            KeyRefusal::State(KeyState::PendingImport) => Code::RejectedPendingImport,
            KeyRefusal::StateModification(..) | KeyRefusal::Protected => Code::RejectedStateModifiedFailed,
            KeyRefusal::UnsupportedKey(_) => Code::UnsupportedOperation,
            KeyRefusal::UnsupportedRotation(_) => Code::RejectedUnsupportedOperation,
            KeyRefusal::UnsupportedOrigin(_) => Code::OriginUnsupported,
            KeyRefusal::Parameter(name, why) => return Self::invalid(name, why),
            KeyRefusal::LimitExceeded(_) => {
                return Self::with_message(
                    Code::RejectedLimitExceeded,
                    "The request was rejected because user create resource limit was exceeded",
                    refusal.to_string(),
                );
            }
            KeyRefusal::Material(_) => Code::InvalidKeyMaterial,
            KeyRefusal::ImportToken => Code::InvalidImportToken,
            KeyRefusal::ImportTokenExpired => Code::ExpiredImportToken,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(refusal) => refusal.into(),
            AppError::Key(refusal) => refusal.into(),
            AppError::Busy | AppError::Unavailable(_) => {
                Self::new(Code::ServiceUnavailableTemporary, with_causes(&error))
            }
            AppError::Damaged(_) | AppError::Crypto(_) | AppError::Pair(_) => {
                Self::internal(with_causes(&error))
            }
        }
    }
}

impl From<NonceRefusal> for ApiError {
    fn from(refusal: NonceRefusal) -> Self {
        let code = match refusal {
            NonceRefusal::Failed(error) => return error.into(),
            NonceRefusal::Used => Code::SignatureNonceUsed,
            NonceRefusal::Forgotten(_) => Code::InvalidTimeStampExpired,
            NonceRefusal::TooMany { .. } => Code::ThrottlingUser,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<ParamError> for ApiError {
    fn from(error: ParamError) -> Self {
        match &error.name {
            Some(name) => Self::naming(Code::InvalidParameter, name, error.to_string()),
            None => Self::new(Code::ParseRequestParameter, error.to_string()),
        }
    }
}

/// The reason for a refused signature: what is wrong, and what was expected.
fn reason_of(error: &AuthError) -> String {
    match error {
        AuthError::Missing { name } => {
            format!("{name} is missing; a signature of this kind needs it")
        }
        AuthError::UnknownMethod { .. } => {
            "the signature method is unknown; expected SignatureMethod=HMAC-SHA1 or \
            HMAC-SHA256, or in the header Authorization ACS3-HMAC-SHA256"
                .to_owned()
        }
        AuthError::UnknownVersion => "SignatureVersion is not 1.0, the only supported version".to_owned(),
        AuthError::HeadersNotAscending => {
            "the names in SignedHeaders are not in ascending order, or one occurs twice".to_owned()
        }
        AuthError::UnsignedHeader { name } => {
            let name = shown(name, NAME_BYTES);
            format!("the header {name} was sent and is not in SignedHeaders; every x-acs-* header must be")
        }
        AuthError::BodyHash { header } => format!("{header} is not the hash of the body that arrived"),
        other => other.to_string(),
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let reason = reason_of(&error);
        match error {
            AuthError::Missing { name } => Self::missing_from_gateway(name, reason),
            AuthError::UnknownMethod { .. } => Self::new(Code::InvalidSignatureMethod, reason),
            AuthError::Mismatch(mismatch) => Self::with_message(
                Code::SignatureDoesNotMatch,
                match mismatch.canonical_request() {
                    // Clients compare the text after the first colon with their own string to sign (protocol P54).
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
                reason,
            ),
            AuthError::BodyHash { header } => Self::with_message(
                Code::SignatureDoesNotMatch,
                format!(
                    "Specified signature does not match our calculation. {header} is not the hash of the body."
                ),
                reason,
            ),
            // The id belongs to another kind of key, so no key of this id is known for such signatures.
            AuthError::WrongMaterial => Self::new(Code::InvalidAccessKeyIdNotFound, reason),
            AuthError::UnusableKey => Self::internal(reason),
            AuthError::UnknownVersion
            | AuthError::Malformed { .. }
            | AuthError::TooLong { .. }
            | AuthError::Repeated { .. }
            | AuthError::HeadersNotAscending
            | AuthError::UnsignedHeader { .. } => Self::new(Code::IncompleteSignature, reason),
        }
    }
}
