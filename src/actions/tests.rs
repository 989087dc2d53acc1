//! The documented parameters of every action against those that its `decode` reads.

use std::collections::BTreeSet;

use super::{Endpoint, Parameter, Support, all};
use crate::wire::Fields;
use crate::wire::fields::recording::names_read;
use crate::wire::params::Pairs;

/// A value that is valid for the parameter of this name.
fn sample(action: &str, name: &str) -> &'static str {
    match name {
        "KeyId" | "DestinationKeyId" | "SourceKeyId" | "EncryptionKeyId" | "KeyVersionId"
        | "SourceKeyVersionId" => "08ec3bb9-034f-485b-b1cd-3459baa889c7",
        "ProtectedResourceArn" => {
            "acs:kms:cn-hangzhou:1000000000000001:key/08ec3bb9-034f-485b-b1cd-3459baa889c7"
        }
        "AliasName" => "alias/a",
        "Algorithm" if action.contains("crypt") => "RSAES_OAEP_SHA_256",
        "Algorithm" => "RSA_PKCS1_SHA_256",
        "SourceEncryptionAlgorithm" | "WrappingAlgorithm" => "RSAES_OAEP_SHA_256",
        "WrappingKeySpec" => "RSA_2048",
        "KeySpec" if action == "CreateKey" => "Aliyun_AES_256",
        "KeySpec" => "AES_256",
        "KeyUsage" => "ENCRYPT/DECRYPT",
        "Origin" => "Aliyun_KMS",
        "ProtectionLevel" => "SOFTWARE",
        "CiphertextBlob" | "Digest" | "Value" | "Plaintext" | "EncryptedKeyMaterial" | "ImportToken" => {
            "YQ%3D%3D"
        }
        "SourceEncryptionContext" | "DestinationEncryptionContext" | "EncryptionContext" => "{}",
        "SecretsList" => "[{\"SecretName\":\"a\"}]",
        "Filters" => "[]",
        "Tags" => "[{\"TagKey\":\"a\"}]",
        "TagKeys" => "[\"a\"]",
        "VersionStages" => "[\"ACSCurrent\"]",
        "ResourceType" => "secret",
        "SecretType" => "Rds",
        "SecretDataType" => "text",
        "PolicyName" => "default",
        "Policy" => "{\"Version\":\"1\",\"Statement\":[]}",
        "RegionId" | "Id" => "cn-hangzhou",
        "NextToken" => "613a62",
        "RotationInterval" => "30d",
        "RoleArn" => "acs:ram::1000000000000001:role/a",
        "OIDCProviderArn" => "acs:ram::1000000000000001:oidc-provider/a",
        "RoleSessionName" | "ExternalId" | "SourceIdentity" => "ab",
        "DurationSeconds" => "3600",
        "PageNumber"
        | "PageSize"
        | "RecoveryWindowInDays"
        | "PendingWindowInDays"
        | "NumberOfBytes"
        | "PasswordLength"
        | "KeyMaterialExpireUnix" => "16",
        _ if ["Enable", "Exclude", "Fetch", "Force", "Include", "Require"]
            .iter()
            .any(|p| name.starts_with(p))
            && name != "ExcludeCharacters" =>
        {
            "true"
        }
        "DryRun" | "All" => "true",
        _ => "a",
    }
}

/// The names that `decode` reads, over every choice of optional parameters: which ones it reads depends on what was sent.
fn read_by(action: &dyn Endpoint) -> BTreeSet<String> {
    let (required, optional): (Vec<&Parameter>, Vec<&Parameter>) =
        action.parameters().iter().partition(|p| p.required);
    let mut all = BTreeSet::new();
    let mut decoded = false;
    for choice in 0..1_u32 << optional.len() {
        let is_chosen = |at: usize| choice & (1 << at) != 0;
        let chosen = optional.iter().enumerate().filter(|(at, _)| is_chosen(*at)).map(|(_, p)| p);
        let pair = |name: &str| format!("{}={}", name.replace(".N", ".1"), sample(action.name(), name));
        let query: Vec<String> = required.iter().chain(chosen).map(|p| pair(p.name)).collect();
        let query = query.join("&");
        let pairs = Pairs::parse(&query).unwrap();
        let (result, names) = names_read(|| action.decode(Fields::new(&pairs)));
        decoded |= result.is_ok();
        all.extend(names);
    }
    assert!(decoded, "{}: no choice of parameters is valid; give better samples", action.name());
    all
}

#[test]
fn every_action_reads_the_parameters_that_it_documents_and_no_others() {
    for action in all().filter(|action| action.support() == Support::Implemented) {
        let names = |ignored: bool| {
            let parameters = action.parameters().iter().filter(move |p| p.ignored == ignored);
            parameters.map(|p| p.name.to_owned()).collect::<BTreeSet<String>>()
        };
        assert_eq!(read_by(action), names(false), "left: read by {}; right: documented", action.name());
    }
}
