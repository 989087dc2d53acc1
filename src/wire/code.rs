//! The one table of error codes: spelling, HTTP status, wording.

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

/// Makes [`Code`] and [`TABLE`] from rows of code, spelling, status and wording.
macro_rules! codes {
    ($($code:ident, $wire:literal, $status:literal, $message:literal;)*) => {
        /// An error code of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $wire, "`, HTTP ", $status, ".")] $code,)*
        }

        /// All codes, in the order of [`Code`].
        pub const TABLE: &[CodeRow] =
            &[$(CodeRow { code: Code::$code, wire: $wire, status: $status, message: $message },)*];
    };
}

codes! {
    AliasExists, "AliasAlreadyExists", 400, "AliasName Already Exists.";
    AliasNotFound, "Forbidden.AliasNotFound", 404, "The specified Alias is not found.";
    AliasUnsupported, "Unsupported.Alias", 400, "Alias is not valid for this api.";
    AuthenticationFailNoPermission, "AuthenticationFail.NoPermission", 401, "There is no permission";
    DkmsInstanceNotFound, "Forbidden.DKMSInstanceNotFound", 403, "The specified DKMS Instance is not found.";
    DryRunAccessDenied, "AccessDeniedError", 403, "The caller may not perform this operation.";
    DryRunOperation, "DryRunOperationError", 400, "The request would have succeeded without DryRun.";
    DryRunValidation, "ValidationError", 400, "The request would have failed without DryRun.";
    DuplicateTagKey, "Duplicate.TagKey", 400, "The specified tagKey is duplicate.";
    EntityNotExistRole, "EntityNotExist.Role", 404, "The role not exists: <name>. ";
    ExpiredImportToken, "ExpiredImportToken", 400, "import token is expired";
    ForbiddenNoPermission, "Forbidden.NoPermission", 403, "This operation for <name> is forbidden by permission system.";
    ForbiddenOpened, "Forbidden.Opened", 400, "Your kms service has been opened.";
    IncompleteSignature, "IncompleteSignature", 400, "The request signature does not conform to Alibaba Cloud standards.";
    InternalFailure, "InternalFailure", 500, "Internal Failure";
    InvalidAccessKeyIdInactive, "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.";
    InvalidAccessKeyIdNotFound, "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.";
    InvalidActionNotFound, "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method.";
    InvalidImportToken, "InvalidImportToken", 400, "import token is invalid";
    InvalidKeyMaterial, "InvalidKeyMaterial", 400, "key material is invalid";
    InvalidParameter, "InvalidParameter", 400, "The specified parameter \"<name>\" is not valid.";
    InvalidParameterDurationSeconds, "InvalidParameter.DurationSeconds", 400, "The Min/Max value of DurationSeconds is 15min/1hr.";
    InvalidParameterExternalId, "InvalidParameter.ExternalId", 400, "The parameter ExternalId is wrongly formed.";
    InvalidParameterPolicyGrammar, "InvalidParameter.PolicyGrammar", 400, "The parameter Policy has not passed grammar check.";
    InvalidParameterPolicySize, "InvalidParameter.PolicySize", 400, "The size of Policy must be smaller than 2048 bytes.";
    InvalidParameterRoleArn, "InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed.";
    InvalidParameterRoleSessionName, "InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed.";
    InvalidParameterSourceIdentity, "InvalidParameter.SourceIdentity", 400, "The parameter SourceIdentity is wrongly formed.";
    InvalidParameterTagKey, "InvalidParameter.TagKey", 400, "The specified parameter is not valid.";
    InvalidParameterTagValue, "InvalidParameter.TagValue", 400, "The specified parameter is not valid.";
    InvalidResourceIdNotFound, "InvalidResourceId.NotFound", 404, "The specified ResourceId is not found.";
    InvalidSecurityTokenExpired, "InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.";
    InvalidSecurityTokenMalformed, "InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.";
    InvalidSecurityTokenMismatch, "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey.";
    InvalidSignatureMethod, "InvalidSignatureMethod", 400, "Specified signature method is not valid.";
    InvalidTimeStampExpired, "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.";
    InvalidTimeStampFormat, "InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted.";
    InvalidVersion, "InvalidVersion", 400, "Specified parameter Version is not valid.";
    KeyNotFound, "Forbidden.KeyNotFound", 404, "The specified Key is not found.";
    KeyPolicyUnsupported, "Forbidden.KeyPolicyUnSupported", 400, "The specified key does not support key policy.";
    KeyVersionNotFound, "Forbidden.KeyVersionNotFound", 404, "The specified Key version is not found.";
    MissingGatewayParameter, "Missing", 400, "<name> is mandatory for this action.";
    MissingParameter, "MissingParameter", 400, "The parameter \"<name>\" is needed but not provided.";
    MissingSecurityToken, "MissingSecurityToken", 400, "SecurityToken is mandatory for this action.";
    NoPermission, "NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM.";
    OidcAudienceNotMatch, "AuthenticationFail.OIDCToken.AudienceNotMatch", 401, "Invalid audience.";
    OidcExpired, "AuthenticationFail.OIDCToken.Expired", 401, "This JsonWebToken is expired.";
    OidcInvalid, "AuthenticationFail.OIDCToken.Invalid", 401, "The Jwt content is invalid that cannot be recognized.";
    OidcInvalidSignature, "AuthenticationFail.OIDCToken.InvalidSignature", 401, "OIDC token validate failed: invalid signature.";
    OidcIssuerConfigurationBroken, "AuthenticationFail.OIDCToken.IssuerConfigurationBroken", 401, "Get public keys from OIDC Provider failed, the issuer is <name>.";
    OidcIssuerNotMatch, "AuthenticationFail.OIDCToken.IssuerNotMatch", 401, "The issuer in the OIDC Token doesn't match the OIDC Provider registered.";
    OriginUnsupported, "Unsupported.Origin", 400, "This key origin is not valid for this api.";
    ParseRequestParameter, "ParseRequestParameterException", 400, "Server parse parameters exception. Please check your input params.";
    RamRoleNotFound, "Forbidden.RamRoleNotFound", 403, "The specified RAM role is not found.";
    RejectedDisabled, "Rejected.Disabled", 409, "The request was rejected because the key state is Disabled.";
    RejectedInvalidRequest, "Rejected.InvalidRequest", 400, "param mismatch";
    RejectedLimitExceeded, "Rejected.LimitExceeded", 400, "exceed secret limits error";
    RejectedPendingDeletion, "Rejected.PendingDeletion", 409, "The request was rejected because the key state is PendingDeletion.";
    RejectedPendingImport, "Rejected.PendingImport", 409, "The request was rejected because the key state is PendingImport.";
    RejectedResourceExist, "Rejected.ResourceExist", 409, "The resource already exists.";
    RejectedResourceInDeleteWindow, "Rejected.ResourceInDeleteWindow", 409, "secret in delete peroid";
    RejectedResourceInUse, "Rejected.ResourceInUse", 409, "restore normal secret";
    RejectedStateModifiedFailed, "Rejected.StateModifiedFailed", 409, "Keystate modified failed.";
    RejectedThrottling, "Rejected.Throttling", 429, "QPS Limit Exceeded";
    RejectedUnsupportedOperation, "Rejected.UnsupportedOperation", 400, "Unsupported operation.";
    RequestBodyTooLarge, "RequestBodyTooLarge", 413, "The request body is longer than the server accepts.";
    RequestUriTooLong, "RequestURITooLong", 414, "The request line is longer than the server accepts.";
    ResourceNotFound, "Forbidden.ResourceNotFound", 404, "Resource not found.";
    ServiceUnavailableTemporary, "ServiceUnavailableTemporary", 503, "Service Unavailable Temporary.";
    SignatureDoesNotMatch, "SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation.";
    SignatureNonceUsed, "SignatureNonceUsed", 400, "Specified signature nonce was used already.";
    Throttling, "Throttling", 400, "Request was denied due to request throttling.";
    ThrottlingApi, "Throttling.Api", 400, "Request was denied due to api flow control.";
    ThrottlingUser, "Throttling.User", 400, "Request was denied due to user flow control.";
    UnsupportedHttpMethod, "UnsupportedHTTPMethod", 403, "This http method is not supported.";
    UnsupportedOperation, "UnsupportedOperation", 400, "This action is not supported.";
}

impl Code {
    /// The code with this spelling. `None` for a missing parameter of the gateway, whose spelling depends on its name.
    pub fn spelled(text: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.wire == text && row.code != Self::MissingGatewayParameter);
        row.map(|row| row.code)
    }

    /// The row of this code.
    pub fn row(self) -> &'static CodeRow {
        &TABLE[self as usize]
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
    fn every_code_finds_its_own_row_and_every_spelling_is_used_once() {
        for row in TABLE {
            assert_eq!(row.code.row().code, row.code);
            assert_eq!(TABLE.iter().filter(|r| r.wire == row.wire).count(), 1, "{}", row.wire);
            assert!((400..=599).contains(&row.status), "{}", row.wire);
        }
    }
}
