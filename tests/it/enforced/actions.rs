//! Every action with exactly the permissions that it needs, and without each one of them. The actions are those of the
//! server's own table. The permissions that each one needs are written here, from the service's published list.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sesame::testing::actions::ACTIONS;
use sesame::testing::server::AuthMode;

use super::{Pairs, Signer, TEAM, arn, let_ann, no_permission, stored};
use crate::support::{Answer, Options, Server, text};

/// A permission that a call needs.
struct Need {
    action: String,
    resource: String,
    /// The resource that a refusal names: the permission's resource, except for the key that encrypts a secret (rule 4.8).
    named: String,
}

impl Need {
    fn new(action: &str, resource: &str) -> Self {
        let resource = if resource == "*" { resource.to_owned() } else { arn(TEAM, resource) };
        Self { action: format!("kms:{action}"), named: resource.clone(), resource }
    }

    /// On the key that encrypts a secret: the refusal names its bare id.
    fn on_key_of_secret(action: &str, key: &str) -> Self {
        Self { named: key.to_owned(), ..Self::new(action, &format!("key/{key}")) }
    }
}

/// A valid call.
struct Call {
    parameters: Vec<(String, String)>,
    needs: Vec<Need>,
    /// What it answers with all permissions: a code, or `None` when it succeeds.
    answers: &'static str,
}

impl Call {
    fn new(parameters: &[(&str, &str)], needs: Vec<Need>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { parameters: parameters.iter().map(owned).collect(), needs, answers: "" }
    }

    async fn send(&self, server: &Server, signer: &Signer, action: &str) -> Answer {
        let parameters: Vec<_> = self.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        signer.call(server, action, &parameters).await
    }
}

const TAGS: (&str, &str) = ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#);
const TAG_KEYS: (&str, &str) = ("TagKeys", r#"["k"]"#);
const DIGEST: (&str, &str) = ("Digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
const PLAINTEXT: (&str, &str) = ("Plaintext", "aGVsbG8=");
const REGION: (&str, &str) = ("RegionId", "cn-hangzhou");

/// Actions on one secret: their parameters besides its name, and the code of those that are always refused.
const ON_SECRET: &[(&str, Pairs<'static>, &str)] = &[
    ("DeleteSecret", &[], ""),
    ("DescribeSecret", &[], ""),
    ("GetSecretPolicy", &[], ""),
    ("GetSecretValue", &[], ""),
    ("ListSecretVersionIds", &[], ""),
    ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "two")], ""),
    ("RestoreSecret", &[], ""),
    ("RotateSecret", &[("VersionId", "v2")], "Rejected.UnsupportedOperation"),
    ("SetSecretPolicy", &[("Policy", OWN_POLICY)], ""),
    ("TagResource", &[TAGS], ""),
    ("UntagResource", &[TAG_KEYS], ""),
    ("UpdateSecret", &[("Description", "d")], ""),
    ("UpdateSecretRotationPolicy", &[("EnableAutomaticRotation", "true")], "Rejected.UnsupportedOperation"),
    ("UpdateSecretVersionStage", &[("VersionStage", "Mine"), ("MoveToVersion", "v1")], ""),
];

/// Actions on one key: their parameters besides its id.
const ON_KEY: &[(&str, Pairs<'static>)] = &[
    ("CancelKeyDeletion", &[]),
    ("CreateKeyVersion", &[]),
    ("DescribeKey", &[]),
    ("DisableKey", &[]),
    ("EnableKey", &[]),
    ("Encrypt", &[PLAINTEXT]),
    ("GenerateDataKey", &[]),
    ("GenerateDataKeyWithoutPlaintext", &[]),
    ("GetKeyPolicy", &[]),
    ("ListAliasesByKeyId", &[]),
    ("ListKeyVersions", &[]),
    ("ListResourceTags", &[]),
    ("ScheduleKeyDeletion", &[("PendingWindowInDays", "7")]),
    ("SetDeletionProtection", &[("EnableDeletionProtection", "true")]),
    ("SetKeyPolicy", &[("Policy", OWN_POLICY)]),
    ("TagResource", &[TAGS]),
    ("UntagResource", &[TAG_KEYS]),
    ("UpdateKeyDescription", &[("Description", "d")]),
    ("UpdateRotationPolicy", &[("EnableAutomaticRotation", "false")]),
];

/// Actions on nothing that has a name of its own: their resource, their parameters, and the code of those that are always
/// refused.
const ON_ALL: &[(&str, &str, Pairs<'static>, &str)] = &[
    ("CreateKey", "key", &[], ""),
    ("CreateSecret", "secret", &[("SecretName", "plain"), ("VersionId", "v1"), ("SecretData", "one")], ""),
    ("DescribeAccountKmsStatus", "*", &[], ""),
    ("GetChallenge", "*", &[], "UnsupportedOperation"),
    ("GetDefaultKmsInstance", "*", &[], "Forbidden.DKMSInstanceNotFound"),
    ("GetManagedDataKey", "*", &[("DataKeyName", "d")], "UnsupportedOperation"),
    ("GetRandomPassword", "*", &[], ""),
    ("ListAliases", "alias", &[], ""),
    ("ListKeys", "key", &[], ""),
    ("ListManagedDataKeyVersions", "*", &[("DataKeyName", "d")], "UnsupportedOperation"),
    ("ListSecrets", "secret", &[], ""),
    ("ListTagResources", "secret/*", &[REGION, ("ResourceType", "secret")], ""),
    ("ListTagResources", "key/*", &[REGION, ("ResourceType", "key")], ""),
    ("OpenKmsService", "*", &[], "Forbidden.Opened"),
];

/// The policy of a resource of the team, which leaves everything to the team's own policies.
const OWN_POLICY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1000000000000003:*"]},"Action":["kms:*"],"Resource":["*"]}]}"#;

/// Creates the resources that calls use, as root.
struct Stage<'a> {
    server: &'a Server,
    root: Signer,
}

impl Stage<'_> {
    async fn ok(&self, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.root.ok(self.server, action, parameters).await
    }

    async fn key(&self, more: &[(&str, &str)]) -> String {
        self.root.make_key(self.server, more).await
    }

    /// A secret encrypted by a key of the user, and that key.
    async fn secret_under_key(&self, name: &str) -> String {
        let key = self.key(&[]).await;
        self.root.create(self.server, name, &[("EncryptionKeyId", &key)]).await;
        key
    }

    async fn blob(&self, key: &str) -> String {
        text(&self.ok("Encrypt", &[("KeyId", key), PLAINTEXT]).await["CiphertextBlob"]).to_owned()
    }

    /// The calls to try for an action. `None` for an action that is not listed here.
    async fn calls(&self, action: &str) -> Vec<Call> {
        let mut calls = Vec::new();
        for (_, resource, more, answers) in ON_ALL.iter().filter(|(name, ..)| *name == action) {
            let call = Call::new(more, vec![Need::new(action, resource)]);
            calls.push(Call { answers, ..call });
        }
        for (_, more, answers) in ON_SECRET.iter().filter(|(name, ..)| *name == action) {
            let name = format!("on/{action}");
            self.root.create(self.server, &name, &[TAGS]).await;
            if action == "RestoreSecret" {
                self.ok("DeleteSecret", &[("SecretName", &name)]).await;
            }
            let parameters = [&[("SecretName", name.as_str())], *more].concat();
            let call = Call::new(&parameters, vec![Need::new(action, &format!("secret/{name}"))]);
            calls.push(Call { answers, ..call });
        }
        for (_, more) in ON_KEY.iter().filter(|(name, ..)| *name == action) {
            let key = self.key(&[TAGS]).await;
            if action == "CancelKeyDeletion" {
                self.ok("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await;
            }
            let parameters = [&[("KeyId", key.as_str())], *more].concat();
            calls.push(Call::new(&parameters, vec![Need::new(action, &format!("key/{key}"))]));
        }
        calls.extend(self.with_double_permissions(action).await);
        calls.extend(self.on_tagged(action).await);
        calls.extend(self.on_pairs(action).await);
        calls.extend(self.on_imported(action).await);
        calls
    }

    /// Calls that need permissions on more than one resource, or on one that no parameter names.
    async fn with_double_permissions(&self, action: &str) -> Vec<Call> {
        let name = format!("under-key/{action}");
        let secret = ("SecretName", name.as_str());
        let on_secret = || Need::new(action, &format!("secret/{name}"));
        let on_key = |action: &str, key: &str| Need::new(action, &format!("key/{key}"));
        match action {
            "CreateSecret" => {
                let key = self.key(&[]).await;
                let more = [secret, ("VersionId", "v1"), ("SecretData", "1"), ("EncryptionKeyId", &key)];
                let needs = vec![Need::new(action, "secret"), on_key("GenerateDataKey", &key)];
                vec![Call::new(&more, needs)]
            }
            "GetSecretValue" => {
                let key = self.secret_under_key(&name).await;
                vec![Call::new(&[secret], vec![on_secret(), Need::on_key_of_secret("Decrypt", &key)])]
            }
            "PutSecretValue" => {
                let key = self.secret_under_key(&name).await;
                let needs = vec![on_secret(), Need::on_key_of_secret("GenerateDataKey", &key)];
                vec![Call::new(&[secret, ("VersionId", "v2"), ("SecretData", "two")], needs)]
            }
            "BatchGetSecretValue" => {
                let (one, two) = (format!("{name}/1"), format!("{name}/2"));
                let key = self.secret_under_key(&one).await;
                self.root.create(self.server, &two, &[]).await;
                let read = |name: &str| Need::new("GetSecretValue", &format!("secret/{name}"));
                let needs = vec![read(&one), Need::on_key_of_secret("Decrypt", &key), read(&two)];
                let list = json!([{"SecretName": one}, {"SecretName": two}]).to_string();
                vec![Call::new(&[("SecretsList", &list)], needs)]
            }
            "Decrypt" => {
                let key = self.key(&[]).await;
                let blob = self.blob(&key).await;
                vec![Call::new(&[("CiphertextBlob", &blob)], vec![on_key(action, &key)])]
            }
            "ReEncrypt" => {
                let (from, to) = (self.key(&[]).await, self.key(&[]).await);
                let blob = self.blob(&from).await;
                let needs = vec![on_key("ReEncryptFrom", &from), on_key("ReEncryptTo", &to)];
                vec![Call::new(&[("CiphertextBlob", &blob), ("DestinationKeyId", &to)], needs)]
            }
            "CreateAlias" | "UpdateAlias" | "DeleteAlias" => {
                let key = self.key(&[]).await;
                let alias = format!("alias/{action}");
                let both = [("AliasName", alias.as_str()), ("KeyId", key.as_str())];
                if action != "CreateAlias" {
                    self.ok("CreateAlias", &both).await;
                }
                let parameters = if action == "DeleteAlias" { &both[..1] } else { &both[..] };
                vec![Call::new(parameters, vec![Need::new(action, &alias), on_key(action, &key)])]
            }
            "DescribeRegions" => vec![Call::new(&[], Vec::new())],
            _ => Vec::new(),
        }
    }

    /// The tag actions of the new style, on two secrets and on two keys; deletion protection, by ARN.
    async fn on_tagged(&self, action: &str) -> Vec<Call> {
        let more: &[(&str, &str)] = match action {
            "TagResources" => &[("Tag.1.Key", "k"), ("Tag.1.Value", "v")],
            "UntagResources" => &[("TagKey.1", "k")],
            "ListTagResources" => &[],
            "SetDeletionProtection" => {
                let resource = format!("key/{}", self.key(&[]).await);
                let by_arn = [
                    ("ProtectedResourceArn", arn(TEAM, &resource)),
                    ("EnableDeletionProtection", "true".to_owned()),
                ];
                let needs = vec![Need::new(action, &resource)];
                return vec![Call {
                    parameters: by_arn.map(|(n, v)| (n.to_owned(), v)).to_vec(),
                    ..Call::new(&[], needs)
                }];
            }
            _ => return Vec::new(),
        };
        let mut calls = Vec::new();
        for kind in ["secret", "key"] {
            let mut names = Vec::new();
            for n in ["1", "2"] {
                if kind == "key" {
                    names.push(self.key(&[TAGS]).await);
                } else {
                    names.push(format!("{action}/{n}"));
                    self.root.create(self.server, &names[names.len() - 1], &[TAGS]).await;
                }
            }
            let on =
                [REGION, ("ResourceType", kind), ("ResourceId.1", &names[0]), ("ResourceId.2", &names[1])];
            let needs = names.iter().map(|name| Need::new(action, &format!("{kind}/{name}"))).collect();
            calls.push(Call::new(&[&on[..], more].concat(), needs));
        }
        calls
    }

    /// The actions on asymmetric keys, and on versions of keys.
    async fn on_pairs(&self, action: &str) -> Vec<Call> {
        let usage = match action {
            "AsymmetricSign" | "AsymmetricVerify" | "GetPublicKey" | "DescribeKeyVersion" => "SIGN/VERIFY",
            "AsymmetricEncrypt" | "AsymmetricDecrypt" | "ReEncrypt" => "ENCRYPT/DECRYPT",
            _ => return Vec::new(),
        };
        let key = self.key(&[("KeySpec", "EC_SM2"), ("KeyUsage", usage)]).await;
        let listed = self.ok("ListKeyVersions", &[("KeyId", &key)]).await;
        let version = text(&listed["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]).to_owned();
        let pair = [("KeyId", key.as_str()), ("KeyVersionId", version.as_str())];
        let algorithm = ("Algorithm", if usage == "SIGN/VERIFY" { "SM2DSA" } else { "SM2PKE" });
        let with = |more: &[(&'static str, &str)]| {
            let parameters = [&pair[..], &[algorithm], more].concat();
            Call::new(&parameters, vec![Need::new(action, &format!("key/{key}"))])
        };
        let blob = async || {
            let sealed = self.ok("AsymmetricEncrypt", &[&pair[..], &[algorithm, PLAINTEXT]].concat()).await;
            text(&sealed["CiphertextBlob"]).to_owned()
        };
        let call = match action {
            "AsymmetricSign" => with(&[DIGEST]),
            "AsymmetricVerify" => {
                let signed = self.ok("AsymmetricSign", &[&pair[..], &[algorithm, DIGEST]].concat()).await;
                with(&[DIGEST, ("Value", text(&signed["Value"]))])
            }
            "AsymmetricEncrypt" => with(&[PLAINTEXT]),
            "AsymmetricDecrypt" => with(&[("CiphertextBlob", &blob().await)]),
            "ReEncrypt" => {
                let (blob, to) = (blob().await, self.key(&[]).await);
                let parameters = [
                    ("CiphertextBlob", blob.as_str()),
                    ("SourceKeyId", &key),
                    ("SourceKeyVersionId", &version),
                    ("SourceEncryptionAlgorithm", "SM2PKE"),
                    ("DestinationKeyId", &to),
                ];
                let on = |action, key: &str| Need::new(action, &format!("key/{key}"));
                Call::new(&parameters, vec![on("ReEncryptFrom", &key), on("ReEncryptTo", &to)])
            }
            _ => Call::new(&pair, vec![Need::new(action, &format!("key/{key}"))]),
        };
        vec![call]
    }

    /// The actions on keys with imported material.
    async fn on_imported(&self, action: &str) -> Vec<Call> {
        let wrapping = [("WrappingAlgorithm", "RSAES_OAEP_SHA_256"), ("WrappingKeySpec", "RSA_2048")];
        if !matches!(action, "GetParametersForImport" | "ImportKeyMaterial" | "DeleteKeyMaterial") {
            return Vec::new();
        }
        let key = self.key(&[("Origin", "EXTERNAL")]).await;
        let needs = vec![Need::new(action, &format!("key/{key}"))];
        let id = ("KeyId", key.as_str());
        if action == "GetParametersForImport" {
            return vec![Call::new(&[&[id], &wrapping[..]].concat(), needs)];
        }
        let given = self.ok("GetParametersForImport", &[&[id], &wrapping[..]].concat()).await;
        let der = STANDARD.decode(text(&given["PublicKey"])).unwrap();
        let public: rsa::PublicKey = rsa::pkcs8::DecodePublicKey::from_public_key_der(&der).unwrap();
        let padding = rsa::Oaep::<sha2::Sha256>::new();
        let wrapped = STANDARD.encode(public.encrypt(&mut rand::rng(), padding, &[5; 32]).unwrap());
        let import = [id, ("ImportToken", text(&given["ImportToken"])), ("EncryptedKeyMaterial", &wrapped)];
        if action == "ImportKeyMaterial" {
            return vec![Call::new(&import, needs)];
        }
        self.ok("ImportKeyMaterial", &import).await;
        vec![Call::new(&[id], needs)]
    }
}

/// All permissions of the product except one.
fn all_but(need: &Need) -> [Value; 2] {
    [
        json!({"Effect": "Allow", "NotAction": need.action, "Resource": "*"}),
        json!({"Effect": "Allow", "Action": need.action, "NotResource": need.resource}),
    ]
}

/// The refusal of one entry of a batch, in the form of other refusals.
fn refused_entry(answer: &Answer) -> super::Refused {
    let answer = answer.ok();
    let error = &answer["Errors"][0];
    assert_eq!(answer["Errors"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["SecretValues"].as_array().unwrap().len(), 1, "{answer}");
    let status = error["HttpStatus"].as_u64().unwrap();
    (u16::try_from(status).unwrap(), text(&error["Code"]).to_owned(), text(&error["Message"]).to_owned())
}

/// Without any one of the permissions that it needs a call is refused and stores nothing; with exactly these it succeeds.
async fn check(server: &Server, dir: &Path, ann: &Signer, action: &str, call: &Call) {
    for need in &call.needs {
        let_ann(server, &all_but(need)).await;
        let before = stored(dir);
        let answer = call.send(server, ann, action).await;
        let refused = if action == "BatchGetSecretValue" { refused_entry(&answer) } else { answer.refused() };
        assert_eq!(refused, no_permission(&need.named), "{action} without {}", need.action);
        assert_eq!(stored(dir), before, "{action} without {}", need.action);
    }
    let exactly: Vec<Value> = call.needs.iter().map(|n| super::allow(&n.action, &n.resource)).collect();
    let_ann(server, &exactly).await;
    let answer = call.send(server, ann, action).await;
    if call.answers.is_empty() {
        let answer = answer.ok();
        assert!(answer["Errors"].as_array().is_none_or(Vec::is_empty), "{action}: {answer}");
    } else {
        assert_eq!(answer.refused().1, call.answers, "{action}");
    }
}

#[tokio::test]
async fn every_action_passes_with_exactly_its_permission_and_is_refused_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { mode: AuthMode::Enforced, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options).await;
    let_ann(&server, &[]).await;
    let stage = Stage { server: &server, root: Signer::of(TEAM) };
    let ann = Signer::of("ann");
    for action in ACTIONS {
        let calls = stage.calls(action.name()).await;
        assert!(!calls.is_empty(), "the permissions of {} are not listed here", action.name());
        for call in &calls {
            check(&server, dir.path(), &ann, action.name(), call).await;
        }
    }
    server.stop().await;
}

#[test]
fn the_expected_permissions_name_existing_actions() {
    let named = ON_ALL.iter().map(|row| row.0).chain(ON_SECRET.iter().map(|row| row.0));
    for name in named.chain(ON_KEY.iter().map(|row| row.0)) {
        assert!(ACTIONS.iter().any(|action| action.name() == name), "{name}");
    }
}
