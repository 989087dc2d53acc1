//! Which actions a secret policy or key policy can control, and which of them other accounts can be allowed.

/// Whether a policy attached to a resource controls an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Statements about it have no effect.
    None,
    /// Statements about it apply to identities of the resource's own account only.
    Own,
    /// Statements about it apply to identities of other accounts too (rule 10.6).
    Everyone,
}

use self::Reach::{Everyone, Own};
use super::pattern::Pattern;

/// Actions on secrets, by name or prefix; the first matching row counts. The list is that of
/// <https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/modify-a-secret-policy>,
/// which says that any other action in a secret policy has no effect. Users of other accounts can retrieve the value
/// (same page). `AliyunKMSSecretUserAccess` also lets a user describe the secret and list versions, so these are included.
const SECRET: &[(&str, Reach)] = &[
    ("GetSecretValue", Everyone),
    ("DescribeSecret", Everyone),
    ("ListSecretVersionIds", Everyone),
    ("List*", Own),
    ("Describe*", Own),
    ("PutSecretValue", Own),
    ("Update*", Own),
    ("DeleteSecret", Own),
    ("RestoreSecret", Own),
    ("RotateSecret", Own),
    ("TagResource", Own),
    ("UntagResource", Own),
];

/// Actions on keys. The administrative ones are those of the example in
/// <https://help.aliyun.com/zh/kms/key-management-service/developer-reference/api-setkeypolicy>. Users, those of other
/// accounts included, can use the cryptographic operations
/// (<https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/modify-a-key-policy>):
/// those of `AliyunKMSCryptoUserAccess`, with re-encryption, and DescribeKey.
const KEY: &[(&str, Reach)] = &[
    ("Encrypt", Everyone),
    ("Decrypt", Everyone),
    ("ReEncrypt*", Everyone),
    ("GenerateDataKey", Everyone),
    ("GenerateDataKeyWithoutPlaintext", Everyone),
    ("AsymmetricEncrypt", Everyone),
    ("AsymmetricDecrypt", Everyone),
    ("AsymmetricSign", Everyone),
    ("AsymmetricVerify", Everyone),
    ("GenerateMac", Everyone),
    ("VerifyMac", Everyone),
    ("GetPublicKey", Everyone),
    ("DescribeKey", Everyone),
    ("List*", Own),
    ("Describe*", Own),
    ("Create*", Own),
    ("Enable*", Own),
    ("Disable*", Own),
    ("Get*", Own),
    ("Set*", Own),
    ("Update*", Own),
    ("Delete*", Own),
    ("Cancel*", Own),
    ("TagResource", Own),
    ("UntagResource", Own),
    ("ImportKeyMaterial", Own),
    ("ScheduleKeyDeletion", Own),
];

/// How the policy of `resource` (an ARN) controls `action` (such as `kms:GetSecretValue`).
pub(super) fn reach(action: &str, resource: &str) -> Reach {
    let kind = resource.splitn(5, ':').nth(4).unwrap_or_default();
    let table = match kind.split_once('/') {
        Some(("secret", _)) => SECRET,
        Some(("key", _)) => KEY,
        _ => return Reach::None,
    };
    let name = action.strip_prefix("kms:").unwrap_or_default();
    let fits = |row: &str| match row.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == row,
    };
    table.iter().find(|(row, _)| fits(row)).map_or(Reach::None, |(_, reach)| *reach)
}

/// Every action that the documentation of KMS names, including those that Sesame does not have. A policy may name other
/// actions, as on the cloud, but that is probably a mistake.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "AsymmetricDecrypt", "AsymmetricEncrypt", "AsymmetricSign", "AsymmetricVerify", "BatchGetSecretValue",
    "CancelKeyDeletion", "CertificatePrivateKeyDecrypt", "CertificatePrivateKeySign", "CertificatePublicKeyEncrypt",
    "CertificatePublicKeyVerify", "ConnectKmsInstance", "CreateAlias", "CreateApplicationAccessPoint",
    "CreateCertificate", "CreateClientKey", "CreateKey", "CreateKeyVersion", "CreateNetworkRule", "CreatePolicy",
    "CreateSecret", "Decrypt", "DeleteAlias", "DeleteApplicationAccessPoint", "DeleteCertificate", "DeleteClientKey",
    "DeleteKeyMaterial", "DeleteNetworkRule", "DeletePolicy", "DeleteSecret", "DescribeAccountKmsStatus",
    "DescribeApplicationAccessPoint", "DescribeCertificate", "DescribeKey", "DescribeKeyVersion",
    "DescribeNetworkRule", "DescribePolicy", "DescribeRegions", "DescribeSecret", "DescribeService", "DisableKey",
    "EnableKey", "Encrypt", "ExportCertificate", "ExportDataKey", "GenerateAndExportDataKey", "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetCertificate", "GetChallenge",
    "GetCheckAssociateResourceTaskResults", "GetClientKey", "GetDefaultKmsInstance", "GetKeyDefaultPolicy",
    "GetKeyPolicy", "GetKmsInstance", "GetKmsInstanceQuotaInfos", "GetKmsInstanceSharedAccounts", "GetManagedDataKey",
    "GetParametersForImport", "GetPublicKey", "GetRandomPassword", "GetSecretDefaultPolicy", "GetSecretPolicy",
    "GetSecretValue", "GetUploadBackupDataInfo", "ImportCertificate", "ImportEncryptionCertificate",
    "ImportKeyMaterial", "ListAliases", "ListAliasesByKeyId", "ListApplicationAccessPoints", "ListCertificates",
    "ListClientKeys", "ListKeyVersions", "ListKeys", "ListKmsInstances", "ListManagedDataKeyVersions",
    "ListManagedQuotas", "ListNetworkRules", "ListPolicies", "ListResourceTags", "ListSecretVersionIds",
    "ListSecrets", "ListTagResources", "OpenKmsService", "PutSecretValue", "ReEncrypt", "ReEncryptFrom",
    "ReEncryptTo", "ReleaseKmsInstance", "RestoreSecret", "RotateSecret", "ScheduleKeyDeletion",
    "SetDeletionProtection", "SetKeyPolicy", "SetSecretPolicy", "TagResource", "TagResources", "UntagResource",
    "UntagResources", "UpdateAlias", "UpdateApplicationAccessPoint", "UpdateCertificateStatus",
    "UpdateKeyDescription", "UpdateKmsInstance", "UpdateKmsInstanceBindVpc", "UpdateNetworkRule", "UpdatePolicy",
    "UpdateRotationPolicy", "UpdateSecret", "UpdateSecretRotationPolicy", "UpdateSecretVersionStage",
    "UploadCertificate", "VerifyMac",
];

/// The documented action whose spelling is nearest to `name` (without `kms:`), if one is near.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // Up to a third of the name may differ.
    crate::domain::nearest::within(name, (name.len() / 3).clamp(2, 6), NAMES.iter().copied())
}

/// Whether a pattern, such as `kms:Get*`, matches a documented action. Patterns of other services are not checked.
pub(super) fn fits_any(pattern: &Pattern) -> bool {
    let service = pattern.text().split(':').next().unwrap_or_default();
    !service.eq_ignore_ascii_case("kms") || NAMES.iter().any(|name| pattern.matches(&format!("kms:{name}")))
}
