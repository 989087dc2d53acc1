//! The one table of error codes: spelling, HTTP status, wording.

/// An error code of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is its row in TABLE, generated into docs/errors.md")]
pub enum Code {
    AliasExists,
    AliasNotFound,
    AliasUnsupported,
    AuthenticationFailNoPermission,
    DkmsInstanceNotFound,
    DryRunAccessDenied,
    DryRunOperation,
    DryRunValidation,
    DuplicateTagKey,
    EntityNotExistRole,
    ExpiredImportToken,
    ForbiddenNoPermission,
    ForbiddenOpened,
    IncompleteSignature,
    InternalFailure,
    InvalidAccessKeyIdInactive,
    InvalidAccessKeyIdNotFound,
    InvalidActionNotFound,
    InvalidImportToken,
    InvalidKeyMaterial,
    InvalidParameter,
    InvalidParameterDurationSeconds,
    InvalidParameterExternalId,
    InvalidParameterPolicyGrammar,
    InvalidParameterPolicySize,
    InvalidParameterRoleArn,
    InvalidParameterRoleSessionName,
    InvalidParameterSourceIdentity,
    InvalidParameterTagKey,
    InvalidParameterTagValue,
    InvalidResourceIdNotFound,
    InvalidSecurityTokenExpired,
    InvalidSecurityTokenMalformed,
    InvalidSecurityTokenMismatch,
    InvalidSignatureMethod,
    InvalidTimeStampExpired,
    InvalidTimeStampFormat,
    InvalidVersion,
    KeyNotFound,
    KeyPolicyUnsupported,
    KeyVersionNotFound,
    MissingGatewayParameter,
    MissingParameter,
    MissingSecurityToken,
    NoPermission,
    OidcAudienceNotMatch,
    OidcExpired,
    OidcInvalid,
    OidcInvalidSignature,
    OidcIssuerConfigurationBroken,
    OidcIssuerNotMatch,
    OriginUnsupported,
    ParseRequestParameter,
    RejectedDisabled,
    RejectedInvalidRequest,
    RejectedLimitExceeded,
    RejectedPendingDeletion,
    RejectedPendingImport,
    RejectedResourceExist,
    RejectedResourceInDeleteWindow,
    RejectedResourceInUse,
    RejectedStateModifiedFailed,
    RejectedThrottling,
    RejectedUnsupportedOperation,
    RequestBodyTooLarge,
    RequestUriTooLong,
    ResourceNotFound,
    ServiceUnavailableTemporary,
    SignatureDoesNotMatch,
    SignatureNonceUsed,
    Throttling,
    ThrottlingApi,
    ThrottlingUser,
    UnsupportedHttpMethod,
    UnsupportedOperation,
}

/// One row: code, spelling on the wire, HTTP status, default wording (verbatim, misspellings included).
#[derive(Debug, Clone, Copy)]
pub struct CodeRow {
    /// The code.
    pub code: Code,
    /// Its spelling. `Missing*` is completed by the parameter's name.
    pub wire: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The wording; `<name>` is replaced by the parameter's name.
    pub message: &'static str,
}

const fn row(code: Code, wire: &'static str, status: u16, message: &'static str) -> CodeRow {
    CodeRow { code, wire, status, message }
}

/// All codes, in the order of [`Code`].
#[rustfmt::skip]
pub const TABLE: &[CodeRow] = &[
    row(Code::AliasExists, "AliasAlreadyExists", 400, "AliasName Already Exists."),
    row(Code::AliasNotFound, "Forbidden.AliasNotFound", 404, "The specified Alias is not found."),
    row(Code::AliasUnsupported, "Unsupported.Alias", 400, "Alias is not valid for this api."),
    row(Code::AuthenticationFailNoPermission, "AuthenticationFail.NoPermission", 401, "There is no permission"),
    row(Code::DkmsInstanceNotFound, "Forbidden.DKMSInstanceNotFound", 403, "The specified DKMS Instance is not found."),
    row(Code::DryRunAccessDenied, "AccessDeniedError", 403, "The caller may not perform this operation."),
    row(Code::DryRunOperation, "DryRunOperationError", 400, "The request would have succeeded without DryRun."),
    row(Code::DryRunValidation, "ValidationError", 400, "The request would have failed without DryRun."),
    row(Code::DuplicateTagKey, "Duplicate.TagKey", 400, "The specified tagKey is duplicate."),
    row(Code::EntityNotExistRole, "EntityNotExist.Role", 404, "The role not exists: <name>. "),
    row(Code::ExpiredImportToken, "ExpiredImportToken", 400, "import token is expired"),
    row(Code::ForbiddenNoPermission, "Forbidden.NoPermission", 403, "This operation for <name> is forbidden by permission system."),
    row(Code::ForbiddenOpened, "Forbidden.Opened", 400, "Your kms service has been opened."),
    row(Code::IncompleteSignature, "IncompleteSignature", 400, "The request signature does not conform to Alibaba Cloud standards."),
    row(Code::InternalFailure, "InternalFailure", 500, "Internal Failure"),
    row(Code::InvalidAccessKeyIdInactive, "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled."),
    row(Code::InvalidAccessKeyIdNotFound, "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."),
    row(Code::InvalidActionNotFound, "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method."),
    row(Code::InvalidImportToken, "InvalidImportToken", 400, "import token is invalid"),
    row(Code::InvalidKeyMaterial, "InvalidKeyMaterial", 400, "key material is invalid"),
    row(Code::InvalidParameter, "InvalidParameter", 400, "The specified parameter \"<name>\" is not valid."),
    row(Code::InvalidParameterDurationSeconds, "InvalidParameter.DurationSeconds", 400, "The Min/Max value of DurationSeconds is 15min/1hr."),
    row(Code::InvalidParameterExternalId, "InvalidParameter.ExternalId", 400, "The parameter ExternalId is wrongly formed."),
    row(Code::InvalidParameterPolicyGrammar, "InvalidParameter.PolicyGrammar", 400, "The parameter Policy has not passed grammar check."),
    row(Code::InvalidParameterPolicySize, "InvalidParameter.PolicySize", 400, "The size of Policy must be smaller than 2048 bytes."),
    row(Code::InvalidParameterRoleArn, "InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed."),
    row(Code::InvalidParameterRoleSessionName, "InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed."),
    row(Code::InvalidParameterSourceIdentity, "InvalidParameter.SourceIdentity", 400, "The parameter SourceIdentity is wrongly formed."),
    row(Code::InvalidParameterTagKey, "InvalidParameter.TagKey", 400, "The specified parameter is not valid."),
    row(Code::InvalidParameterTagValue, "InvalidParameter.TagValue", 400, "The specified parameter is not valid."),
    row(Code::InvalidResourceIdNotFound, "InvalidResourceId.NotFound", 404, "The specified ResourceId is not found."),
    row(Code::InvalidSecurityTokenExpired, "InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."),
    row(Code::InvalidSecurityTokenMalformed, "InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed."),
    row(Code::InvalidSecurityTokenMismatch, "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey."),
    row(Code::InvalidSignatureMethod, "InvalidSignatureMethod", 400, "Specified signature method is not valid."),
    row(Code::InvalidTimeStampExpired, "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired."),
    row(Code::InvalidTimeStampFormat, "InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted."),
    row(Code::InvalidVersion, "InvalidVersion", 400, "Specified parameter Version is not valid."),
    row(Code::KeyNotFound, "Forbidden.KeyNotFound", 404, "The specified Key is not found."),
    row(Code::KeyPolicyUnsupported, "Forbidden.KeyPolicyUnSupported", 400, "The specified key does not support key policy."),
    row(Code::KeyVersionNotFound, "Forbidden.KeyVersionNotFound", 404, "The specified Key version is not found."),
    row(Code::MissingGatewayParameter, "Missing", 400, "<name> is mandatory for this action."),
    row(Code::MissingParameter, "MissingParameter", 400, "The parameter \"<name>\" is needed but not provided."),
    row(Code::MissingSecurityToken, "MissingSecurityToken", 400, "SecurityToken is mandatory for this action."),
    row(Code::NoPermission, "NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM."),
    row(Code::OidcAudienceNotMatch, "AuthenticationFail.OIDCToken.AudienceNotMatch", 401, "Invalid audience."),
    row(Code::OidcExpired, "AuthenticationFail.OIDCToken.Expired", 401, "This JsonWebToken is expired."),
    row(Code::OidcInvalid, "AuthenticationFail.OIDCToken.Invalid", 401, "The Jwt content is invalid that cannot be recognized."),
    row(Code::OidcInvalidSignature, "AuthenticationFail.OIDCToken.InvalidSignature", 401, "OIDC token validate failed: invalid signature."),
    row(Code::OidcIssuerConfigurationBroken, "AuthenticationFail.OIDCToken.IssuerConfigurationBroken", 401, "Get public keys from OIDC Provider failed, the issuer is <name>."),
    row(Code::OidcIssuerNotMatch, "AuthenticationFail.OIDCToken.IssuerNotMatch", 401, "The issuer in the OIDC Token doesn't match the OIDC Provider registered."),
    row(Code::OriginUnsupported, "Unsupported.Origin", 400, "This key origin is not valid for this api."),
    row(Code::ParseRequestParameter, "ParseRequestParameterException", 400, "Server parse parameters exception. Please check your input params."),
    row(Code::RejectedDisabled, "Rejected.Disabled", 409, "The request was rejected because the key state is Disabled."),
    row(Code::RejectedInvalidRequest, "Rejected.InvalidRequest", 400, "param mismatch"),
    row(Code::RejectedLimitExceeded, "Rejected.LimitExceeded", 400, "exceed secret limits error"),
    row(Code::RejectedPendingDeletion, "Rejected.PendingDeletion", 409, "The request was rejected because the key state is PendingDeletion."),
    row(Code::RejectedPendingImport, "Rejected.PendingImport", 409, "The request was rejected because the key state is PendingImport."),
    row(Code::RejectedResourceExist, "Rejected.ResourceExist", 409, "The resource already exists."),
    row(Code::RejectedResourceInDeleteWindow, "Rejected.ResourceInDeleteWindow", 409, "secret in delete peroid"),
    row(Code::RejectedResourceInUse, "Rejected.ResourceInUse", 409, "restore normal secret"),
    row(Code::RejectedStateModifiedFailed, "Rejected.StateModifiedFailed", 409, "Keystate modified failed."),
    row(Code::RejectedThrottling, "Rejected.Throttling", 429, "QPS Limit Exceeded"),
    row(Code::RejectedUnsupportedOperation, "Rejected.UnsupportedOperation", 400, "Unsupported operation."),
    row(Code::RequestBodyTooLarge, "RequestBodyTooLarge", 413, "The request body is longer than the server accepts."),
    row(Code::RequestUriTooLong, "RequestURITooLong", 414, "The request line is longer than the server accepts."),
    row(Code::ResourceNotFound, "Forbidden.ResourceNotFound", 404, "Resource not found."),
    row(Code::ServiceUnavailableTemporary, "ServiceUnavailableTemporary", 503, "Service Unavailable Temporary."),
    row(Code::SignatureDoesNotMatch, "SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation."),
    row(Code::SignatureNonceUsed, "SignatureNonceUsed", 400, "Specified signature nonce was used already."),
    row(Code::Throttling, "Throttling", 400, "Request was denied due to request throttling."),
    row(Code::ThrottlingApi, "Throttling.Api", 400, "Request was denied due to api flow control."),
    row(Code::ThrottlingUser, "Throttling.User", 400, "Request was denied due to user flow control."),
    row(Code::UnsupportedHttpMethod, "UnsupportedHTTPMethod", 403, "This http method is not supported."),
    row(Code::UnsupportedOperation, "UnsupportedOperation", 400, "This action is not supported."),
];

/// What a code without a row would be; a test proves that there is none.
const NO_ROW: CodeRow = row(Code::InternalFailure, "InternalFailure", 500, "Internal Failure");

impl Code {
    /// The code that is spelled so. None for that of a missing parameter of the gateway, whose spelling depends on it.
    pub fn spelled(text: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.wire == text && row.code != Self::MissingGatewayParameter);
        row.map(|row| row.code)
    }

    /// The row of this code.
    pub fn row(self) -> &'static CodeRow {
        TABLE.iter().find(|row| row.code == self).unwrap_or(&NO_ROW)
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().status
    }

    /// The spelling on the wire.
    pub fn as_str(self) -> &'static str {
        self.row().wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_row_and_every_spelling_is_used_once() {
        for row in TABLE {
            assert_eq!(row.code.row().wire, row.wire);
            assert_eq!(TABLE.iter().filter(|r| r.wire == row.wire).count(), 1, "{}", row.wire);
            assert!((400..=599).contains(&row.status), "{}", row.wire);
        }
        assert!(TABLE.is_sorted_by_key(|row| row.code as usize), "rows stand in the order of the enum");
        assert_eq!(TABLE.len(), Code::UnsupportedOperation as usize + 1, "a code has no row");
    }
}
