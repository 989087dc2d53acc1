//! Built-in policies (rules 10.2 and 10.10).

use crate::domain::AccountId;

/// A system policy, which every account has and no account can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemPolicy {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its text, for [`super::PolicyDocument::parse`] as an identity policy.
    pub document: &'static str,
}

/// The built-in system policies, by name.
///
/// The contents are those published at `https://www.alibabacloud.com/help/en/ram/developer-reference/<name>` (in lower
/// case), parts about other services included. `AdministratorAccess` has no such page; its content is inferred from
/// its description, all actions on all resources.
pub const SYSTEM_POLICIES: &[SystemPolicy] = &[
    SystemPolicy {
        name: "AdministratorAccess",
        description: "All actions on all resources",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSCryptoAdminAccess",
        description: "Manages keys",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Action": ["kms:*"],
      "Resource": ["acs:kms:*:*:key*", "acs:kms:*:*:alias*"],
      "Effect": "Allow"
    },
    {
      "Action": ["ecs:TagResources", "ecs:UntagResources", "ecs:ListTagResources"],
      "Resource": ["acs:kms:*:*:key/*", "acs:kms:*:*:secret/*"],
      "Effect": "Allow"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunKMSCryptoUserAccess",
        description: "Uses keys for cryptography",
        // Version 2 of July 2026.
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:AsymmetricDecrypt",
        "kms:AsymmetricEncrypt",
        "kms:AsymmetricSign",
        "kms:AsymmetricVerify",
        "kms:GetPublicKey",
        "kms:GenerateMac",
        "kms:VerifyMac"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunKMSFullAccess",
        description: "All of the key management service",
        document: r#"{
  "Version": "1",
  "Statement": [
    {"Action": "kms:*", "Resource": "*", "Effect": "Allow"},
    {
      "Action": "ram:CreateServiceLinkedRole",
      "Condition": {
        "StringEquals": {
          "ram:ServiceName": ["secretsmanager-rds.kms.aliyuncs.com", "keystore.kms.aliyuncs.com"]
        }
      },
      "Resource": "*",
      "Effect": "Allow"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunKMSReadOnlyAccess",
        description: "Reads what there is, but no values",
        document: r#"{
  "Version": "1",
  "Statement": [
    {
      "Action": [
        "kms:List*",
        "kms:Describe*",
        "kms:GetPublicKey",
        "kms:GetUploadBackupDataInfo",
        "kms:GetKmsInstanceSharedAccounts",
        "kms:GetKmsInstanceQuotaInfos",
        "kms:GetCheckAssociateResourceTaskResults",
        "kms:GetKeyPolicy",
        "kms:GetKeyDefaultPolicy",
        "kms:GetSecretPolicy",
        "kms:GetSecretDefaultPolicy",
        "kms:GetKmsInstance",
        "kms:GetDefaultKmsInstance"
      ],
      "Resource": "*",
      "Effect": "Allow"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunKMSSecretAdminAccess",
        description: "Manages secrets",
        document: r#"{
  "Version": "1",
  "Statement": [
    {"Action": "kms:*", "Resource": "acs:kms:*:*:secret*", "Effect": "Allow"},
    {"Action": "kms:GetRandomPassword", "Resource": "*", "Effect": "Allow"},
    {
      "Action": [
        "rds:DescribeDBInstances",
        "rds:DescribeDBInstanceAttribute",
        "rds:DescribeDatabases",
        "rds:DescribeAccounts",
        "rds:DescribeDBInstanceNetInfo",
        "rds:CreateAccount",
        "rds:GrantAccountPrivilege"
      ],
      "Resource": "*",
      "Effect": "Allow"
    },
    {"Action": "ecs:DescribeInstances", "Resource": "acs:ecs:*:*:instance/*", "Effect": "Allow"},
    {
      "Action": ["ecs:TagResources", "ecs:UntagResources", "ecs:ListTagResources"],
      "Resource": ["acs:kms:*:*:key/*", "acs:kms:*:*:secret/*"],
      "Effect": "Allow"
    },
    {
      "Action": "ram:CreateServiceLinkedRole",
      "Condition": {
        "StringEquals": {
          "ram:ServiceName": ["secretsmanager-rds.kms.aliyuncs.com", "secretsmanager-ecs.kms.aliyuncs.com"]
        }
      },
      "Resource": "*",
      "Effect": "Allow"
    }
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunKMSSecretUserAccess",
        description: "Reads secrets",
        document: r#"{
  "Version": "1",
  "Statement": [
    {"Effect": "Allow", "Action": ["kms:GetSecretValue"], "Resource": "*"},
    {"Effect": "Allow", "Action": ["kms:DescribeSecret", "kms:ListSecretVersionIds"], "Resource": "*"}
  ]
}"#,
    },
    SystemPolicy {
        name: "AliyunSTSAssumeRoleAccess",
        description: "Assumes roles",
        document: r#"{
  "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Resource": "*"}],
  "Version": "1"
}"#,
    },
];

/// The policy of a key that has no policy of its own, byte for byte as GetKeyPolicy answers it.
pub fn default_key_policy(account: &AccountId) -> String {
    format!(
        r#"{{"Statement": [{{"Action": ["kms:*"],"Effect": "Allow","Principal": {{"RAM": ["acs:ram::{account}:*"]}},"Resource": ["*"],"Sid": "kms default key policy"}}],"Version": "1" }}"#
    )
}

/// The policy of a secret that has no policy of its own, byte for byte as GetSecretPolicy answers it (rule 10.2).
pub fn default_secret_policy(account: &AccountId) -> String {
    format!(
        r#"{{"Version":"1","Statement": [{{"Sid":"kms default secret policy","Effect":"Allow","Principal":{{"RAM": ["acs:ram::{account}:*"]}},"Action":["kms:*"],"Resource": ["*"] }}] }}"#
    )
}
