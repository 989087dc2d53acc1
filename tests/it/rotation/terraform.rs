//! The requests that the Terraform provider sends for a managed secret, as `resource_alicloud_kms_secret.go` of its commit 81c43b6
//! makes them: the same actions in the same order, signed, with system parameters in the query and all others in the form.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::{accounts, advance};
use crate::support::sign::{rpc_signature, rpc_system};
use crate::support::{Answer, Options, Server, form, refusal, stages, text};

/// The interval of the provider's own tests.
const INTERVAL: &str = "605800s";
const REGION: &str = "cn-hangzhou";
/// How many requests all providers of this process have sent: each needs a nonce of its own.
static REQUESTS: AtomicU32 = AtomicU32::new(0);
/// Signs the provider's requests.
const KEY: (&str, &str) = ("testid", "testsecret");

/// The provider, with the values that it has in its state.
struct Provider<'a> {
    server: &'a Server,
    id: String,
}

/// What the provider reads into its state.
#[derive(Debug, PartialEq)]
struct State {
    version: String,
    stages: Vec<String>,
    interval: Option<String>,
    /// True only for `Enabled`.
    rotates: bool,
    description: Option<String>,
    tags: Vec<(String, String)>,
}

impl Provider<'_> {
    fn of(server: &Server) -> Provider<'_> {
        Provider { server, id: String::new() }
    }

    /// `RpcPost`: the library tea-rpc sends system parameters in the query and the request in the form.
    async fn post(&self, action: &str, request: &[(&str, &str)]) -> Answer {
        let nonce = format!("terraform-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        let time = self.server.app.clock().now().to_string();
        let mut query = rpc_system(action, KEY.0, &time);
        query.extend([("Format", "json"), ("SignatureNonce", &nonce)]);
        let signature = rpc_signature("POST", KEY.1, &[&query[..], request].concat());
        query.push(("Signature", &signature));
        let headers = [
            ("User-Agent", "AlibabaCloud (linux; amd64) Golang/1.27.3 Core/0.01 TeaDSL/1"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-acs-action", action),
            ("x-acs-version", "2016-01-20"),
        ];
        let target = format!("/?{}", form(&query));
        self.server.send("POST", &target, &headers, form(request).as_bytes()).await
    }

    /// Create. Its update part sends nothing while the configuration has no `version_stages`.
    async fn create(&mut self, kind: &str, name: &str, config: &Value, data: &str, more: &[(&str, &str)]) {
        let config = config.to_string();
        let request = [
            ("SecretName", name),
            ("SecretData", data),
            ("VersionId", "v001"),
            ("SecretType", kind),
            ("SecretDataType", "text"),
            ("ExtendedConfig", &config),
        ];
        let made = self.post("CreateSecret", &[&request, more].concat()).await.ok();
        text(&made["SecretName"]).clone_into(&mut self.id);
    }

    /// An RDS secret with a plan, as in the provider's own tests.
    async fn create_rds(&mut self) {
        let config = json!({"CustomData": {"tf-testAcc": "tf-testAcc"}, "DBInstanceId": "rm-1", "SecretSubType": "SingleUser"});
        let more = [
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", INTERVAL),
            ("Description", "by terraform"),
            ("Tags", r#"[{"TagKey":"Created","TagValue":"TF"}]"#),
        ];
        self.create("Rds", "tf/rds", &config, &accounts(&[("app", "hush")]), &more).await;
    }

    /// Read.
    async fn read(&self) -> State {
        let described = self.post("DescribeSecret", &[("SecretName", &self.id)]).await.ok();
        let value = self.value().await;
        let of_tags = [("RegionId", REGION), ("ResourceType", "secret"), ("ResourceId.1", &self.id)];
        let tags = self.post("ListTagResources", &of_tags).await.ok();
        let tags = tags["TagResources"]["TagResource"].as_array().unwrap();
        let optional = |member: &str| described[member].as_str().map(str::to_owned);
        State {
            version: text(&value["VersionId"]).to_owned(),
            stages: stages(&value).into_iter().map(str::to_owned).collect(),
            interval: optional("RotationInterval"),
            rotates: described["AutomaticRotation"] == "Enabled",
            description: optional("Description").filter(|text| !text.is_empty()),
            tags: tags
                .iter()
                .map(|tag| (text(&tag["TagKey"]).to_owned(), text(&tag["TagValue"]).to_owned()))
                .collect(),
        }
    }

    async fn value(&self) -> Value {
        self.post("GetSecretValue", &[("SecretName", &self.id)]).await.ok()
    }

    /// The part of Update that sends PutSecretValue. `secret_data` shows no difference, so it is the value that was read.
    async fn put(&self, version: &str) -> Answer {
        let read = self.value().await;
        let request = [
            ("SecretName", &*self.id),
            ("SecretData", text(&read["SecretData"])),
            ("VersionId", version),
            ("SecretDataType", "text"),
            ("VersionStages", r#"["ACSCurrent"]"#),
        ];
        self.post("PutSecretValue", &request).await
    }

    /// Delete. Both parameters have defaults, so they are always sent.
    async fn delete(&self, force: &str) -> Value {
        let request = [
            ("SecretName", &*self.id),
            ("ForceDeleteWithoutRecovery", force),
            ("RecoveryWindowInDays", "30"),
        ];
        self.post("DeleteSecret", &request).await.ok()
    }
}

async fn server() -> Server {
    Server::with(Options { mode: AuthMode::Signed, accounts: USERS, ..Options::default() }).await
}

const USERS: &str = r#"
[[accounts]]
id = "1000000000000001"
[[accounts.users]]
name = "tf"
[[accounts.users.access_keys]]
id = "LTAI5tTerraformExample"
secret = "first-secret"
"#;

fn unsupported() -> (u16, String, String) {
    refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.")
}

#[tokio::test]
async fn rule_r10_1_after_a_rotation_the_next_apply_puts_the_old_version_back_and_is_refused() {
    let server = server().await;
    let mut provider = Provider::of(&server);
    provider.create_rds().await;
    let first = provider.read().await;
    let wanted = State {
        version: "v001".to_owned(),
        stages: vec!["ACSCurrent".to_owned()],
        interval: Some(INTERVAL.to_owned()),
        rotates: true,
        description: Some("by terraform".to_owned()),
        tags: vec![("Created".to_owned(), "TF".to_owned())],
    };
    assert_eq!(first, wanted);
    provider.post("RotateSecret", &[("SecretName", &provider.id), ("VersionId", "v002")]).await.ok();
    assert_eq!(provider.read().await, State { version: "v002".to_owned(), ..wanted });
    let value = text(&provider.value().await["SecretData"]).to_owned();
    assert_eq!(provider.put("v001").await.refused(), unsupported());
    assert_eq!(provider.read().await.version, "v002");
    assert_eq!(text(&provider.value().await["SecretData"]), value);
}

#[tokio::test]
async fn rule_r10_1_version_stages_in_the_configuration_make_the_first_apply_end_with_a_refusal() {
    let server = server().await;
    let mut provider = Provider::of(&server);
    provider.create_rds().await;
    // The provider does not ask whether the resource is a new one before it compares this argument.
    assert_eq!(provider.put("v001").await.refused(), unsupported());
    assert_eq!(provider.read().await.version, "v001", "the secret stays");
}

#[tokio::test]
async fn rule_r10_2_value_and_configuration_read_differ_from_what_was_sent_and_the_plan_is_read_back() {
    let server = server().await;
    let mut provider = Provider::of(&server);
    provider.create_rds().await;
    let read = provider.value().await;
    assert_eq!(text(&read["SecretData"]), r#"{"AccountName":"app","AccountPassword":"hush"}"#);
    assert_eq!(read["SecretDataType"], "text");
    let off = [("SecretName", &*provider.id), ("EnableAutomaticRotation", "false")];
    provider.post("UpdateSecretRotationPolicy", &off).await.ok();
    let state = provider.read().await;
    assert_eq!((state.interval, state.rotates), (None, false), "rule R3.7");
    let on = [("SecretName", &*provider.id), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    provider.post("UpdateSecretRotationPolicy", &on).await.ok();
    let state = provider.read().await;
    // Not an echo of the input: a user who writes 7d sees a difference for ever, as on the cloud (rule R2.8).
    assert_eq!((state.interval.as_deref(), state.rotates), (Some("604800s"), true));
    let description = [("SecretName", &*provider.id), ("Description", "changed")];
    provider.post("UpdateSecret", &description).await.ok();
    let tag = [
        ("RegionId", REGION),
        ("ResourceType", "secret"),
        ("ResourceId.1", &*provider.id),
        ("Tag.1.Key", "For"),
        ("Tag.1.Value", "acceptance"),
    ];
    provider.post("TagResources", &tag).await.ok();
    let state = provider.read().await;
    assert_eq!(state.description.as_deref(), Some("changed"));
    assert_eq!(state.tags.len(), 2);
    provider.delete("true").await;
    let gone = provider.post("DescribeSecret", &[("SecretName", &provider.id)]).await.refused();
    assert_eq!(
        gone.1, "Forbidden.ResourceNotFound",
        "the provider takes this code for a secret that is gone"
    );
    provider.create_rds().await;
    assert_eq!(provider.delete("false").await["SecretName"], "tf/rds");
}

#[tokio::test]
async fn rule_r10_2_the_five_types_are_created_read_and_deleted_as_the_provider_does() {
    let server = server().await;
    let two = |more: Value| {
        let mut config = json!({"SecretSubType": "DoubleUsers", "RegionId": REGION, "AccountName": "app", "CloneAccountName": "app_clone"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let ecs = r#"{"UserName":"root","Password":"first-Secret1"}"#;
    let keys =
        r#"{"AccessKeys":[{"AccessKeyId":"LTAI5tTerraformExample","AccessKeySecret":"first-secret"}]}"#;
    let rows = [
        (
            "Rds",
            "tf/rds",
            json!({"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"}),
            accounts(&[("app", "hush")]),
        ),
        (
            "Redis",
            "tf/redis",
            two(json!({"InstanceId": "r-1", "AccountPrivilege": "RoleReadWrite"})),
            "$Auto".to_owned(),
        ),
        (
            "PolarDB",
            "tf/polardb",
            two(json!({"DBClusterId": "pc-1", "DBType": "MySQL", "AccountType": "Normal"})),
            "$Auto".to_owned(),
        ),
        // The empty CommandId is in the provider's own tests.
        (
            "ECS",
            "acs/ecs/tf",
            json!({"CommandId": "", "InstanceId": "i-1", "RegionId": REGION, "SecretSubType": "Password"}),
            ecs.to_owned(),
        ),
        (
            "RAMCredentials",
            "$Auto",
            json!({"SecretSubType": "RamUserAccessKey", "UserName": "tf"}),
            keys.to_owned(),
        ),
    ];
    for (kind, name, config, data) in rows {
        let mut provider = Provider::of(&server);
        provider.create(kind, name, &config, &data, &[("EnableAutomaticRotation", "false")]).await;
        let state = provider.read().await;
        assert_eq!((state.version.as_str(), state.rotates), ("v001", false), "{kind}");
        let described = provider.post("DescribeSecret", &[("SecretName", &provider.id)]).await.ok();
        assert_eq!(described["SecretType"], kind);
        let told: Value = serde_json::from_str(text(&described["ExtendedConfig"])).unwrap();
        for (member, sent) in config.as_object().unwrap() {
            assert_eq!(&told[member], sent, "{kind} {member}");
        }
        provider.delete("true").await;
    }
}

#[tokio::test]
async fn rule_r10_3_an_invalid_plan_reads_as_off() {
    let server = server().await;
    let mut provider = Provider::of(&server);
    provider.create_rds().await;
    let faults = r#"[{"action":"RotateSecret","code":"Kms:TargetRefused"}]"#;
    crate::state::done(&server, "PUT", "/_sesame/faults", faults).await;
    assert_eq!(advance(&server, 8 * 24 * 3600).await["failed"], 1);
    let state = provider.read().await;
    assert_eq!((state.version.as_str(), state.rotates), ("v001", false));
    assert_eq!(state.interval.as_deref(), Some(INTERVAL));
}

#[tokio::test]
async fn rule_r10_4_cache_clients_read_what_they_expect() {
    let server = Server::start().await;
    super::create_rds(&server, "tf", &super::every(INTERVAL)).await;
    let read = [("SecretName", "tf"), ("VersionStage", "ACSCurrent"), ("FetchExtendedConfig", "true")];
    for format in ["JSON", "XML"] {
        let answer = server.call("GetSecretValue", &[&read[..], &[("Format", format)]].concat()).await;
        assert_eq!(answer.status, 200);
        for wanted in ["AccountName", "AccountPassword", "ExtendedConfig", "NextRotationDate", "Enabled"] {
            assert!(answer.body.contains(wanted), "{format}: {wanted}: {}", answer.body);
        }
    }
}
