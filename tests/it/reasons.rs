//! Every refusal gives a reason: in the request log, in the log, and in mode `open` in a header. Names in a request that do
//! not exist appear in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame::testing::identities::file::{KeyFile, Status};
use sesame::testing::ports::Clock;
use sesame::testing::server::AuthMode;
use sesame::testing::store::sql::SqlStore;
use sesame::testing::wire::code::TABLE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::state::{admin, done};
use crate::store::counted::Recorded;
use crate::support::handed_on::Intercepted;
use crate::support::program::Program;
use crate::support::sign::{Acs, rpc_signature, rpc_system, rpc_system_of};
use crate::support::{ACCOUNT, Answer, NOW, OTHER_ACCOUNT, Options, Server, form, key_file, text};

const DAY: i64 = 86_400;
const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

/// The newest entry of the request log.
async fn newest(server: &Server) -> Value {
    let entries = done(server, "GET", "/_sesame/requests?limit=1", "").await;
    entries["requests"][0].clone()
}

/// The codes that were seen with their reason.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    /// Expects an answer with this code whose reason contains this: in the request log, and in the header if there is one.
    async fn note(&mut self, server: &Server, answer: Answer, code: &str, says: &str) {
        let refused = answer.refused();
        assert_eq!(refused.1, code, "{}", answer.body);
        let entry = newest(server).await;
        assert_eq!(entry["code"], code, "{entry}");
        let reason = text(&entry["reason"]);
        assert!(reason.contains(says), "{code}: {reason}");
        if let Some(header) = answer.header("x-sesame-reason") {
            assert_eq!(header, reason);
        }
        self.0.insert(refused.1);
    }

    /// The same for a call of an action in mode `open`.
    async fn call(
        &mut self,
        server: &Server,
        action: &str,
        parameters: &[(&str, &str)],
        (code, says): (&str, &str),
    ) {
        let answer = server.call(action, parameters).await;
        self.note(server, answer, code, says).await;
    }

    /// The same for an unsigned call of Sts.
    async fn sts(
        &mut self,
        server: &Server,
        action: &str,
        parameters: &[(&str, &str)],
        (code, says): (&str, &str),
    ) {
        let parameters = [&[("Action", action), ("Version", "2015-04-01")], parameters].concat();
        let answer = server.send("POST", "/", &FORM, form(&parameters).as_bytes()).await;
        self.note(server, answer, code, says).await;
    }
}

/// A call signed with RPC v1 as these parameters say.
async fn signed(server: &Server, key: (&str, &str), time: &str, more: &[(&str, &str)]) -> Answer {
    let mut parameters = rpc_system("ListSecrets", key.0, time);
    parameters.extend(more);
    let signature = rpc_signature("POST", key.1, &parameters);
    parameters.push(("Signature", &signature));
    server.send("POST", "/", &FORM, form(&parameters).as_bytes()).await
}

async fn make(server: &Server, more: &[(&str, &str)]) -> String {
    text(&server.ok("CreateKey", more).await["KeyMetadata"]["KeyId"]).to_owned()
}

/// Requests that fail before they reach an action.
async fn of_shape(seen: &mut Seen, server: &Server) {
    let list = form(&[("Action", "ListSecrets"), ("Version", "2016-01-20")]);
    for (method, target, body, code, says) in [
        ("PUT", "/", "", "UnsupportedHTTPMethod", "GET and POST, not PUT"),
        ("GET", "/?Action=SetSecretPolicy&Version=2016-01-20", "", "UnsupportedHTTPMethod", "by POST only"),
        ("GET", "/v1/secrets", "", "InvalidAction.NotFound", "nothing is served at /v1/secrets"),
        ("POST", "/", "%zz=1", "ParseRequestParameterException", "a percent sign without"),
        ("POST", "/", "Action=%zz", "InvalidParameter", "Action"),
        ("POST", "/", "SecretName=a", "MissingAction", "send it as a parameter, such as Action="),
        ("POST", "/", "Action=ListSecrets", "MissingVersion", "such as Version=2016-01-20"),
        ("POST", "/", "Action=ListSecrets&Version=2016", "InvalidVersion", "Version 2016 is unknown"),
        ("POST", "/", "Action=ListSecrts&Version=2016-01-20", "InvalidAction.NotFound", "mean ListSecrets?"),
        ("POST", "/", "Action=listSecrets&Version=2016-01-20", "InvalidAction.NotFound", "write ListSecrets"),
        ("POST", "/", "Action=AssumeRole&Version=2016-01-20", "InvalidAction.NotFound", "2015-04-01 (Sts)"),
    ] {
        let answer = server.send(method, target, &FORM, body.as_bytes()).await;
        seen.note(server, answer, code, says).await;
    }
    let answer = server.send("POST", "/", &[("Content-Type", "text/plain")], list.as_bytes()).await;
    seen.note(server, answer, "MissingAction", "its Content-Type is text/plain").await;
    let answer = server.send("POST", "/", &FORM, &vec![b'a'; 300_000]).await;
    seen.note(server, answer, "RequestBodyTooLarge", "has 300000 bytes; at most 262144").await;
    let answer = server.send("GET", &format!("/?{list}&x={}", "y".repeat(300_000)), &[], b"").await;
    seen.note(server, answer, "RequestURITooLong", "longer than 262144 bytes").await;
    let other = [("Sec-Fetch-Site", "cross-site")];
    let answer = server.send("GET", &format!("/?{list}"), &other, b"").await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert!(answer.header("x-sesame-reason").is_some_and(|reason| !reason.is_empty()));
}

/// Signatures, in mode `signed`.
async fn of_signatures(seen: &mut Seen) {
    let inactive = KeyFile { status: Status::Inactive, ..key_file("asleep", "s") };
    let fixed = KeyFile { security_token: Some("token".into()), ..key_file("STS.fixed", "s") };
    let options = Options { mode: AuthMode::Signed, keys: vec![inactive, fixed], ..Options::default() };
    let server = &Server::with(options).await;
    let now = NOW.to_string();
    let good = ("testid", "testsecret");
    let list = form(&[("Action", "ListSecrets"), ("Version", "2016-01-20")]);
    let answer = server.send("POST", "/", &FORM, list.as_bytes()).await;
    seen.note(server, answer, "MissingAccessKeyId", "in mode signed every request must be signed").await;
    for (key, time, more, code, says) in [
        (("nobody", "x"), &now[..], vec![], "InvalidAccessKeyId.NotFound", "there is no access key nobody"),
        (("asleep", "s"), &now, vec![], "InvalidAccessKeyId.Inactive", "the access key is Inactive"),
        ((good.0, "wrong"), &now, vec![], "SignatureDoesNotMatch", "the HMAC-SHA1 signature does not match"),
        (good, "yesterday", vec![], "InvalidTimeStamp.Format", "such as 2026-11-24T03:30:00Z"),
        (good, "2026-11-24T02:00:00Z", vec![], "InvalidTimeStamp.Expired", "signed at 2026-11-24T02:00:00Z"),
        (good, "2026-11-24T02:00:00Z", vec![], "InvalidTimeStamp.Expired", "at most 15 min are allowed"),
        (good, "2026-11-24T02:00:00Z", vec![], "InvalidTimeStamp.Expired", "clock was moved"),
        (("STS.fixed", "s"), &now, vec![], "MissingSecurityToken", "needs a SecurityToken"),
        (("STS.none", "s"), &now, vec![], "MissingSecurityToken", "needs a SecurityToken"),
        (
            ("STS.fixed", "s"),
            &now,
            vec![("SecurityToken", "other")],
            "InvalidSecurityToken.MismatchWithAccessKey",
            "belongs to another access key",
        ),
        (
            ("STS.none", "s"),
            &now,
            vec![("SecurityToken", "CAISgarbage")],
            "InvalidSecurityToken.Malformed",
            "was not issued by this server",
        ),
    ] {
        let answer = signed(server, key, time, &more).await;
        seen.note(server, answer, code, says).await;
    }
    let nonce = [("SignatureNonce", "once")];
    signed(server, good, &now, &nonce).await.ok();
    let again = signed(server, good, &now, &nonce).await;
    seen.note(server, again, "SignatureNonceUsed", "SignatureNonce was accepted before").await;
    let method = [("Signature", "x"), ("AccessKeyId", "a"), ("SignatureMethod", "HMAC-MD5")];
    let method = form(&[&method[..], &[("SignatureVersion", "1.0"), ("Timestamp", &now)]].concat());
    let answer = server.send("POST", "/", &FORM, format!("{list}&{method}").as_bytes()).await;
    seen.note(server, answer, "InvalidSignatureMethod", "expected SignatureMethod=HMAC-SHA1").await;
    let acs = Acs::new("ListSecrets", "n", &[]);
    let answer = acs.send_with(server, "ACS3-HMAC-SHA256 Credential=a").await;
    seen.note(server, answer, "IncompleteSignature", "Authorization has no SignedHeaders").await;
    let answer = acs.send_body(server, "other").await;
    seen.note(server, answer, "SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body")
        .await;
}

/// Names of secrets, and other parameters of reads.
async fn of_names(seen: &mut Seen, server: &Server) {
    server.create("s").await;
    server.put("s", "v2", "two").await;
    let long = "n".repeat(193);
    let foreign = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/s");
    for (action, parameters, code, says) in [
        (
            "DescribeSecret",
            vec![("SecretName", "none")],
            "Forbidden.ResourceNotFound",
            "no secret of this name",
        ),
        (
            "DescribeSecret",
            vec![("SecretName", &long)],
            "InvalidParameter",
            "has 193 characters; at most 192",
        ),
        ("DescribeSecret", vec![("SecretName", "a b")], "InvalidParameter", "' ' (U+0020) as character 2"),
        (
            "DescribeSecret",
            vec![("SecretName", "")],
            "MissingParameter",
            "SecretName was sent with an empty value",
        ),
        (
            "DescribeSecret",
            vec![("SecretName", "acs:kms:x")],
            "InvalidParameter",
            "is not the ARN of a secret",
        ),
        ("DescribeSecret", vec![("secretname", "s")], "MissingParameter", "not sent, but secretname was"),
        ("DescribeSecret", vec![], "MissingParameter", "SecretName is needed and was not sent"),
        ("DescribeSecret", vec![("SecretName", &foreign)], "Forbidden.NoPermission", "another account"),
        ("ListSecrets", vec![("PageSize", "101")], "InvalidParameter", "out of range; expected 1 to 100"),
        ("ListSecrets", vec![("PageSize", "x")], "InvalidParameter", "is not a whole number"),
        ("ListSecrets", vec![("Filters", "[{")], "InvalidParameter", "line 1, column"),
        (
            "ListSecrets",
            vec![("Filters", r#"[{"Key":"SecretNam","Values":["a"]}]"#)],
            "InvalidParameter",
            "did you mean SecretName?",
        ),
    ] {
        seen.call(server, action, &parameters, (code, says)).await;
    }
}

/// Dry runs, and features that do not exist.
async fn of_dry_runs(seen: &mut Seen, server: &Server) {
    let foreign = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/s");
    for (action, parameters, code, says) in [
        (
            "GetSecretValue",
            vec![("SecretName", "s"), ("DryRun", "true")],
            "DryRunOperationError",
            "have succeeded",
        ),
        (
            "GetSecretValue",
            vec![("SecretName", "none"), ("DryRun", "true")],
            "ValidationError",
            "Forbidden.ResourceNotFound: there is no secret",
        ),
        (
            "GetSecretValue",
            vec![("SecretName", &foreign), ("DryRun", "true")],
            "AccessDeniedError",
            "another account",
        ),
        ("GetDefaultKmsInstance", vec![], "Forbidden.DKMSInstanceNotFound", "there are no KMS instances"),
        ("OpenKmsService", vec![], "Forbidden.Opened", "open for every account"),
    ] {
        seen.call(server, action, &parameters, (code, says)).await;
    }
}

/// Secrets.
async fn of_secrets(seen: &mut Seen, server: &Server) {
    let long_value = "x".repeat(30_721);
    let create = |name| vec![("SecretName", name), ("VersionId", "v1"), ("SecretData", "x")];
    let labels = r#"["a","b","c","d","e","f","g"]"#;
    let put = |more: (&'static str, &'static str)| {
        vec![("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "x"), more]
    };
    for (action, parameters, code, says) in [
        ("CreateSecret", create("s"), "Rejected.ResourceExist", "PutSecretValue adds a version"),
        ("CreateSecret", create("acs/x"), "InvalidParameter", "begins with acs/, which is reserved"),
        (
            "CreateSecret",
            vec![("SecretName", "t"), ("VersionId", "v1"), ("SecretData", &long_value)],
            "InvalidParameter",
            "has 30721 bytes; at most 30720 are allowed (limits.secret_data_bytes",
        ),
        (
            "CreateSecret",
            [create("t"), vec![("SecretDataType", "Text")]].concat(),
            "InvalidParameter",
            "did you mean text?",
        ),
        (
            "CreateSecret",
            [create("t"), vec![("SecretType", "Rds")]].concat(),
            "InvalidParameter",
            "ExtendedConfig is missing; a secret of type Rds needs it, such as",
        ),
        ("GetChallenge", vec![], "UnsupportedOperation", "it belongs to enclaves"),
        ("PutSecretValue", put(("VersionStages", labels)), "Rejected.LimitExceeded", "at most 8 labels"),
        (
            "PutSecretValue",
            vec![("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "other")],
            "Rejected.ResourceExist",
            "a version never changes",
        ),
        (
            "UpdateSecretVersionStage",
            vec![
                ("SecretName", "s"),
                ("VersionStage", "ACSCurrent"),
                ("RemoveFromVersion", "v1"),
                ("MoveToVersion", "v2"),
            ],
            "Rejected.InvalidRequest",
            "not on the version that RemoveFromVersion names",
        ),
        ("RestoreSecret", vec![("SecretName", "s")], "Rejected.ResourceInUse", "not scheduled for deletion"),
        (
            "RotateSecret",
            vec![("SecretName", "s"), ("VersionId", "v9")],
            "Rejected.UnsupportedOperation",
            "Generic secrets are written by their users, all others rotate",
        ),
    ] {
        seen.call(server, action, &parameters, (code, says)).await;
    }
    server.ok("DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await;
    let window = "Rejected.ResourceInDeleteWindow";
    seen.call(server, "GetSecretValue", &[("SecretName", "s")], (window, "RestoreSecret brings it back"))
        .await;
    seen.call(server, "CreateSecret", &create("s"), (window, "frees the name at once")).await;
}

/// Tags of the new style.
async fn of_tags(seen: &mut Seen, server: &Server) {
    server.create("tagged").await;
    let on = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "tagged")];
    let none = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "none")];
    let twice = [("Tag.1.Key", "a"), ("Tag.2.Key", "a")];
    for (resource, tags, code, says) in [
        (&on, &[("Tag.1.Key", "acs:x")][..], "InvalidParameter.TagKey", "which is reserved"),
        (
            &on,
            &[("Tag.1.Key", "a"), ("Tag.1.Value", "a\nb")],
            "InvalidParameter.TagValue",
            "U+000A as character 2",
        ),
        (&on, &twice, "Duplicate.TagKey", "two of Tag.N.Key are the same"),
        (&none, &twice[..1], "InvalidResourceId.NotFound", "no secret of this name"),
    ] {
        seen.call(server, "TagResources", &[&resource[..], tags].concat(), (code, says)).await;
    }
}

/// Keys.
async fn of_keys(seen: &mut Seen, server: &Server) {
    let key = make(server, &[]).await;
    let external = make(server, &[("Origin", "EXTERNAL")]).await;
    let (key, external) = (key.as_str(), external.as_str());
    server.ok("CreateAlias", &[("AliasName", "alias/a"), ("KeyId", key)]).await;
    let encrypt = |key| vec![("KeyId", key), ("Plaintext", "AAAA")];
    for (action, parameters, code, says) in [
        ("DescribeKey", vec![("KeyId", "key-none")], "Forbidden.KeyNotFound", "ListKeys lists"),
        ("DescribeKey", vec![("KeyId", "alias/none")], "Forbidden.AliasNotFound", "ListAliases lists"),
        ("EnableKey", vec![("KeyId", "alias/a")], "Unsupported.Alias", "takes a key's id"),
        ("CreateAlias", vec![("AliasName", "alias/a"), ("KeyId", key)], "AliasAlreadyExists", "UpdateAlias"),
        (
            "DescribeKeyVersion",
            vec![("KeyId", key), ("KeyVersionId", "none")],
            "Forbidden.KeyVersionNotFound",
            "ListKeyVersions lists",
        ),
        ("DeleteKeyMaterial", vec![("KeyId", key)], "Unsupported.Origin", "the key's Origin is Aliyun_KMS"),
        ("Encrypt", encrypt(external), "Rejected.PendingImport", "waits for ImportKeyMaterial"),
        ("Decrypt", vec![("CiphertextBlob", "?")], "InvalidParameter", "is not base64"),
        (
            "Decrypt",
            vec![("CiphertextBlob", "AAAA")],
            "InvalidParameter",
            "CiphertextBlob is not a ciphertext",
        ),
        ("CreateKey", vec![("KeySpec", "aes_256")], "InvalidParameter", "did you mean Aliyun_AES_256?"),
        (
            "ScheduleKeyDeletion",
            vec![("KeyId", key), ("PendingWindowInDays", "6")],
            "InvalidParameter",
            "out of range; expected 7 to 366 days",
        ),
        ("CancelKeyDeletion", vec![("KeyId", key)], "Rejected.StateModifiedFailed", "state is Enabled"),
    ] {
        seen.call(server, action, &parameters, (code, says)).await;
    }
    server.ok("DisableKey", &[("KeyId", key)]).await;
    seen.call(server, "Encrypt", &encrypt(key), ("Rejected.Disabled", "EnableKey enables it")).await;
    server.ok("ScheduleKeyDeletion", &[("KeyId", key), ("PendingWindowInDays", "7")]).await;
    let pending = ("Rejected.PendingDeletion", "CancelKeyDeletion cancels the deletion");
    seen.call(server, "Encrypt", &encrypt(key), pending).await;
    // Imports.
    let wrapping =
        [("KeyId", external), ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"), ("WrappingKeySpec", "RSA_2048")];
    let token = text(&server.ok("GetParametersForImport", &wrapping).await["ImportToken"]).to_owned();
    let garbage = STANDARD.encode([1; 256]);
    let import =
        |token| [("KeyId", external), ("ImportToken", token), ("EncryptedKeyMaterial", garbage.as_str())];
    for (token, code, says) in [
        ("AAAA", "InvalidImportToken", "not one that GetParametersForImport gave out"),
        (&token, "InvalidKeyMaterial", "does not open with the public key"),
    ] {
        seen.call(server, "ImportKeyMaterial", &import(token), (code, says)).await;
    }
    server.advance_seconds(DAY + 1).await;
    let old = ("ExpiredImportToken", "older than 24 hours");
    seen.call(server, "ImportKeyMaterial", &import(&token), old).await;
    server.clock.set(NOW);
    let plain = Server::with(Options { resource_policies: false, ..Options::default() }).await;
    plain.create("s").await;
    let off = ("Forbidden.KeyPolicyUnSupported", "service.resource_policies");
    seen.call(&plain, "GetSecretPolicy", &[("SecretName", "s")], off).await;
}

/// Roles of Sts, and tokens. Checks of a token's signature are in `enforced::oidc`.
async fn of_sts(seen: &mut Seen) {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:root"]}}]}"#;
    let accounts = format!(
        "[[accounts]]\nid = '{ACCOUNT}'\nroles = [{{ name = 'app', trust = '{trust}' }}]\n\
         [[accounts]]\nid = '{OTHER_ACCOUNT}'\nroles = [{{ name = 'theirs', trust = '{trust}' }}]\n"
    );
    let server = &Server::with(Options { accounts: &accounts, ..Options::default() }).await;
    let arn = |account: &str, role: &str| format!("acs:ram::{account}:role/{role}");
    let (app, theirs, none) = (arn(ACCOUNT, "app"), arn(OTHER_ACCOUNT, "theirs"), arn(ACCOUNT, "none"));
    let long = "x".repeat(2049);
    let assume = |role, more: &[(&'static str, &'static str)]| {
        [&[("RoleArn", role), ("RoleSessionName", "alice")], more].concat()
    };
    let with_policy = |policy| [assume(&app, &[]), vec![("Policy", policy)]].concat();
    for (parameters, code, says) in [
        (assume(&none, &[]), "EntityNotExist.Role", "has no role of this name"),
        (assume("role", &[]), "InvalidParameter.RoleArn", "such as acs:ram::"),
        (assume(&theirs, &[]), "NoPermission", "another account"),
        (
            vec![("RoleArn", &app), ("RoleSessionName", "a b")],
            "InvalidParameter.RoleSessionName",
            "2 to 64 characters",
        ),
        (vec![("RoleArn", &app)], "MissingRoleSessionName", "RoleSessionName is needed"),
        (
            assume(&app, &[("DurationSeconds", "1")]),
            "InvalidParameter.DurationSeconds",
            "expected 900 to 3600",
        ),
        (assume(&app, &[("ExternalId", "?")]), "InvalidParameter.ExternalId", "ExternalId is not 2 to 1224"),
        (
            assume(&app, &[("SourceIdentity", "?")]),
            "InvalidParameter.SourceIdentity",
            "SourceIdentity is not",
        ),
        (with_policy("{}"), "InvalidParameter.PolicyGrammar", "Policy is not a policy: "),
        (with_policy(&long), "InvalidParameter.PolicySize", "has 2049 characters; at most 2048"),
    ] {
        seen.sts(server, "AssumeRole", &parameters, (code, says)).await;
    }
    // Expired temporary credentials.
    let given = server
        .send(
            "POST",
            "/",
            &FORM,
            form(&[&[("Action", "AssumeRole"), ("Version", "2015-04-01")], &assume(&app, &[])[..]].concat())
                .as_bytes(),
        )
        .await
        .ok();
    let member = |name: &str| text(&given["Credentials"][name]).to_owned();
    let (id, secret, token) = (member("AccessKeyId"), member("AccessKeySecret"), member("SecurityToken"));
    server.advance_seconds(3601).await;
    let time = server.clock.now().to_string();
    let mut parameters = rpc_system_of("2016-01-20", "ListSecrets", &id, &time);
    parameters.push(("SecurityToken", &token));
    let signature = rpc_signature("POST", &secret, &parameters);
    parameters.push(("Signature", &signature));
    let answer = server.send("POST", "/", &FORM, form(&parameters).as_bytes()).await;
    seen.note(server, answer, "InvalidSecurityToken.Expired", "expired at 2026-11-24T04:30:00Z").await;
    let provider =
        [("OIDCProviderArn", "acs:ram::1:oidc-provider/x"), ("RoleArn", &app), ("RoleSessionName", "job")];
    let bearer = |token| [&provider[..], &[("OIDCToken", token)]].concat();
    let invalid = ("AuthenticationFail.OIDCToken.Invalid", "not three parts");
    seen.sts(server, "AssumeRoleWithOIDC", &bearer("x"), invalid).await;
    let form_only =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIiwic3ViIjoicyIsImF1ZCI6ImEiLCJleHAiOjEsImlhdCI6MX0.AAAA";
    let unknown = ("AuthenticationFail.NoPermission", "OIDCProviderArn is not that of a provider");
    seen.sts(server, "AssumeRoleWithOIDC", &bearer(form_only), unknown).await;
}

/// Codes whose reasons other tests check: `enforced::oidc::each_refusal_of_a_token_says_why`,
/// `rotation::managed::rule_dy5_15_an_account_with_roles_needs_that_of_ram_credentials`, and the panics below.
const ELSEWHERE: &[&str] = &[
    "AuthenticationFail.OIDCToken.AudienceNotMatch",
    "AuthenticationFail.OIDCToken.Expired",
    "AuthenticationFail.OIDCToken.InvalidSignature",
    "AuthenticationFail.OIDCToken.IssuerConfigurationBroken",
    "AuthenticationFail.OIDCToken.IssuerNotMatch",
    "Forbidden.RamRoleNotFound",
    "InternalFailure",
];

/// Codes that only fault rules or an unavailable database cause.
const BY_FAULTS: &[&str] = &[
    "Rejected.Throttling",
    "ServiceUnavailableTemporary",
    "Throttling",
    "Throttling.Api",
    "Throttling.User",
];

#[tokio::test]
async fn every_code_comes_with_a_reason_that_tells_what_to_do() {
    let mut seen = Seen::default();
    let server = Server::start().await;
    of_shape(&mut seen, &server).await;
    of_names(&mut seen, &server).await;
    of_dry_runs(&mut seen, &server).await;
    of_secrets(&mut seen, &server).await;
    of_tags(&mut seen, &server).await;
    of_keys(&mut seen, &server).await;
    of_signatures(&mut seen).await;
    of_sts(&mut seen).await;
    for code in BY_FAULTS {
        let rules = format!(r#"[{{"action":"ListSecrets","code":"{code}"}}]"#);
        done(&server, "PUT", "/_sesame/faults", &rules).await;
        seen.call(&server, "ListSecrets", &[], (code, "fault rule 1 injects this code")).await;
    }
    for row in TABLE {
        let known = seen.0.contains(row.wire) || ELSEWHERE.contains(&row.wire);
        let completed = row.wire == "Missing" && seen.0.contains("MissingAction");
        assert!(known || completed, "no request here is refused with {}", row.wire);
    }
}

#[tokio::test]
async fn a_missing_parameter_is_never_explained_by_one_that_the_action_takes() {
    let server = Server::start().await;
    let reason = |answer: &Answer| answer.header("x-sesame-reason").unwrap().to_owned();
    for (parameters, missing) in [
        // `Version` and `SecretName` are the nearest names that were sent, and both are right.
        (&[("SecretName", "s"), ("SecretData", "x")][..], "VersionId"),
        (&[("SecretName", "s"), ("VersionId", "v1")][..], "SecretData"),
    ] {
        let answer = server.call("CreateSecret", parameters).await;
        assert_eq!(
            reason(&answer),
            format!("{missing} is needed and was not sent; send it in the query or in a form body")
        );
    }
    let misspelt = [("SecretName", "s"), ("SecretData", "x"), ("VersonId", "v1")];
    let answer = server.call("CreateSecret", &misspelt).await;
    assert_eq!(reason(&answer), "VersionId is needed and was not sent, but VersonId was");
    server.stop().await;
}

#[tokio::test]
async fn the_log_line_of_a_refusal_has_its_reason_in_every_mode() {
    for mode in ["open", "signed"] {
        let server = Program::serve(&["--in-memory", "--auth", mode, "--admin-token", "t"], &[]);
        let answer = server.call("GetSecretValu", &[("SecretName", "hunter2-name")]);
        let has_header =
            answer.contains("\r\nx-sesame-reason: there is no action GetSecretValu; did you mean ");
        assert_eq!(has_header, mode == "open", "{answer}");
        let log = server.kill();
        let line = log.lines().find(|line| line.contains("refused")).unwrap();
        assert!(line.contains("there is no action GetSecretValu; did you mean GetSecretValue?"), "{line}");
        assert!(!log.contains("hunter2-name"), "{log}");
    }
}

#[tokio::test]
async fn unknown_actions_and_access_keys_appear_by_name_in_the_log_of_requests() {
    let server = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    let time = NOW.to_string();
    // An unknown action with a known key: refused before the signature is checked.
    let mut parameters = rpc_system("GetSecretValu", "testid", &time);
    parameters.push(("Signature", "x"));
    let answer = server.send("POST", "/", &FORM, form(&parameters).as_bytes()).await;
    assert_eq!(answer.refused().1, "InvalidAction.NotFound");
    let entry = newest(&server).await;
    let named = |entry: &Value, member: &str| entry[member].as_str().map(str::to_owned);
    assert_eq!(named(&entry, "action").as_deref(), Some("GetSecretValu"));
    assert_eq!(named(&entry, "claimed_access_key").as_deref(), Some("testid"));
    assert_eq!((named(&entry, "access_key"), named(&entry, "caller")), (None, None));
    // An unknown key, in parameters and in headers; a known key with a wrong secret.
    let id = "LTAI-of-another-environment";
    signed(&server, (id, "x"), &time, &[]).await.refused();
    assert_eq!(named(&newest(&server).await, "claimed_access_key").as_deref(), Some(id));
    let acs = Acs { key: (id, "x"), ..Acs::new("ListSecrets", "n", &[]) };
    acs.send(&server).await.refused();
    let entry = newest(&server).await;
    assert_eq!(named(&entry, "claimed_access_key").as_deref(), Some(id));
    assert_eq!(named(&entry, "action").as_deref(), Some("ListSecrets"));
    signed(&server, ("testid", "wrong"), &time, &[]).await.refused();
    let entry = newest(&server).await;
    assert_eq!(
        (named(&entry, "claimed_access_key").as_deref(), &entry["caller"]),
        (Some("testid"), &Value::Null)
    );
    // Even when the claim cannot be read.
    let unsigned = form(&[("Action", "Nope"), ("Version", "2016-01-20"), ("AccessKeyId", "half")]);
    server.send("POST", "/", &FORM, unsigned.as_bytes()).await.refused();
    let entry = newest(&server).await;
    assert_eq!(named(&entry, "claimed_access_key").as_deref(), Some("half"));
    assert_eq!(named(&entry, "action").as_deref(), Some("Nope"));
    // A verified key is not a claim, and its owner may search for an action that does not exist.
    signed(&server, ("testid", "testsecret"), &time, &[]).await.ok();
    let entry = newest(&server).await;
    assert_eq!(
        (named(&entry, "claimed_access_key"), named(&entry, "access_key").as_deref()),
        (None, Some("testid"))
    );
    let found = done(&server, "GET", "/_sesame/requests?action=GetSecretValu", "").await;
    assert_eq!(found["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_strangers_name_is_bounded_printable_and_no_label_of_a_metric() {
    let server = Server::start().await;
    let hostile = format!("Get\r\nX-Evil: 1\u{202e}{}", "A".repeat(5_000));
    let body = form(&[("Action", hostile.as_str()), ("Version", "2016-01-20")]);
    let answer = server.send("POST", "/", &FORM, body.as_bytes()).await;
    assert_eq!(answer.refused().1, "InvalidAction.NotFound");
    assert_eq!(answer.header("x-evil"), None);
    let entry = newest(&server).await;
    let action = text(&entry["action"]);
    assert!(action.len() <= 64 && action.starts_with(r"Get\u{d}\u{a}X-Evil: 1\u{202e}AAA"), "{action}");
    let metrics = admin(&server, "GET", "/_sesame/metrics", "").await.body;
    assert!(!metrics.contains("Evil"), "{metrics}");
    assert!(
        metrics.contains(r#"sesame_requests_refused_total{action="-",code="InvalidAction.NotFound"} 1"#),
        "{metrics}"
    );
    // A name that is long in the message does not make the reason long.
    let name = format!("ResourceId.{}", "9".repeat(4_000));
    let list = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), (name.as_str(), "a")];
    server.call("ListTagResources", &list).await.refused();
    assert!(text(&newest(&server).await["reason"]).len() <= 1_000);
}

/// A server whose store panics when a test asks for it.
async fn panicking() -> (Server, Arc<std::sync::Mutex<Option<&'static str>>>) {
    let panics = Arc::default();
    let store = Arc::new(SqlStore::in_memory().await.unwrap());
    let store = Recorded { store, called: Arc::default(), panics: Arc::clone(&panics) };
    (Server::over(Arc::new(Intercepted(store)), Options::default()).await, panics)
}

/// Sends on a connection that stays open, and reads one answer.
async fn kept_alive(stream: &mut TcpStream, target: &str, host: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the connection was closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() == length.unwrap_or(0) {
            return Answer::parse(&bytes);
        }
    }
}

#[tokio::test]
async fn an_action_that_panics_answers_internal_failure_and_its_connection_goes_on() {
    let (server, panics) = panicking().await;
    server.create("there").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let target = |name: &str| {
        format!(
            "/?{}",
            form(&[("Action", "GetSecretValue"), ("Version", "2016-01-20"), ("SecretName", name)])
        )
    };
    *panics.lock().unwrap() = Some("load_secret");
    let answer = kept_alive(&mut stream, &target("other"), "127.0.0.1").await;
    let (status, code, message) = answer.refused();
    assert_eq!((status, code.as_str(), message.as_str()), (500, "InternalFailure", "Internal Failure"));
    let reason = answer.header("x-sesame-reason").unwrap();
    assert_eq!(reason, "internal error; the server's log has the cause under this request id");
    // In the request log, under the id of the answer, and counted.
    let entry = newest(&server).await;
    assert_eq!(entry["request_id"].as_str(), answer.header("x-acs-request-id"));
    let reason = text(&entry["reason"]);
    assert!(reason.starts_with("the handler panicked") && !reason.contains("a test wanted"), "{reason}");
    assert_eq!((text(&entry["action"]), text(&entry["code"])), ("GetSecretValue", "InternalFailure"));
    assert_eq!(text(&entry["reason"]), reason);
    let metrics = admin(&server, "GET", "/_sesame/metrics", "").await.body;
    assert!(
        metrics
            .contains(r#"sesame_requests_refused_total{action="GetSecretValue",code="InternalFailure"} 1"#),
        "{metrics}"
    );
    // The same connection, and the same secret's lock, still work afterwards.
    let again = kept_alive(&mut stream, &target("other"), "127.0.0.1").await;
    assert_eq!(again.status, 500);
    *panics.lock().unwrap() = None;
    assert_eq!(kept_alive(&mut stream, &target("other"), "127.0.0.1").await.status, 404);
    assert_eq!(kept_alive(&mut stream, &target("there"), "127.0.0.1").await.status, 200);
    server.create("other").await;
    let metrics = admin(&server, "GET", "/_sesame/metrics", "").await.body;
    assert!(metrics.contains("sesame_requests_in_flight 0"), "{metrics}");
}

#[tokio::test]
async fn an_endpoint_that_panics_answers_500_in_json_and_its_connection_goes_on() {
    let (server, panics) = panicking().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for (method, path) in [("health", "/_sesame/ready"), ("snapshot", "/_sesame/state")] {
        *panics.lock().unwrap() = Some(method);
        let answer = kept_alive(&mut stream, path, "127.0.0.1").await;
        assert_eq!(answer.status, 500, "{path}: {}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(text(&body["error"]).starts_with("internal error"), "{body}");
        *panics.lock().unwrap() = None;
        assert_eq!(kept_alive(&mut stream, path, "127.0.0.1").await.status, 200, "{path}");
    }
}
