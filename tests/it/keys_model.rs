//! Random sequences of key and secret actions agree, answer by answer, with a model that is small enough to be read.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::support::{NOW, Server, text};

const DAY_MS: i64 = 86_400_000;
/// The expected answer: the essential text of a success, or the code of a refusal.
type Expected = Result<String, &'static str>;

/// An action. Keys, blobs and names are small numbers, so that sequences use them repeatedly.
#[derive(Debug, Clone)]
enum Op {
    CreateKey,
    Enable(usize),
    Disable(usize),
    Schedule(usize),
    Cancel(usize),
    Rotate(usize),
    Describe(usize),
    CreateAlias(u8, usize),
    UpdateAlias(u8, usize),
    DeleteAlias(u8),
    Encrypt(usize, u8),
    EncryptByAlias(u8, u8),
    Decrypt(usize, u8),
    CreateSecret(u8, usize),
    PutSecret(u8),
    GetSecret(u8, &'static str),
    DropSecret(u8),
    PassDays(i64),
}

fn op() -> impl Strategy<Value = Op> {
    let (key, name, context) = (0..4_usize, 0..3_u8, 0..3_u8);
    let stage = prop_oneof![Just("ACSCurrent"), Just("ACSPrevious")];
    prop_oneof![
        3 => Just(Op::CreateKey),
        2 => key.clone().prop_map(Op::Enable),
        1 => key.clone().prop_map(Op::Disable),
        1 => key.clone().prop_map(Op::Schedule),
        1 => key.clone().prop_map(Op::Cancel),
        2 => key.clone().prop_map(Op::Rotate),
        2 => key.clone().prop_map(Op::Describe),
        2 => (name.clone(), key.clone()).prop_map(|(a, k)| Op::CreateAlias(a, k)),
        1 => (name.clone(), key.clone()).prop_map(|(a, k)| Op::UpdateAlias(a, k)),
        1 => name.clone().prop_map(Op::DeleteAlias),
        3 => (key.clone(), context.clone()).prop_map(|(k, c)| Op::Encrypt(k, c)),
        2 => (name.clone(), context.clone()).prop_map(|(a, c)| Op::EncryptByAlias(a, c)),
        4 => (0..8_usize, context).prop_map(|(b, c)| Op::Decrypt(b, c)),
        3 => (name.clone(), key).prop_map(|(n, k)| Op::CreateSecret(n, k)),
        3 => name.clone().prop_map(Op::PutSecret),
        4 => (name.clone(), stage).prop_map(|(n, s)| Op::GetSecret(n, s)),
        1 => name.prop_map(Op::DropSecret),
        1 => (1..9_i64).prop_map(Op::PassDays),
    ]
}

const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";
const PENDING: &str = "PendingDeletion";

struct ModelKey {
    id: String,
    /// `None` once it is deleted.
    state: Option<&'static str>,
    deletion_ms: i64,
    versions: Vec<String>,
}

impl ModelKey {
    fn usable(&self) -> Result<(), &'static str> {
        match self.state {
            Some(ENABLED) => Ok(()),
            Some(DISABLED) => Err("Rejected.Disabled"),
            Some(_) => Err("Rejected.PendingDeletion"),
            None => Err("Forbidden.KeyNotFound"),
        }
    }

    /// Changes the state if it is one of those given.
    fn change(&mut self, from: &[&str], to: &'static str) -> Expected {
        let state = self.state.ok_or("Forbidden.KeyNotFound")?;
        if !from.contains(&state) {
            return Err("Rejected.StateModifiedFailed");
        }
        self.state = Some(to);
        Ok(String::new())
    }
}

struct ModelBlob {
    bytes: String,
    key: usize,
    version: String,
    context: u8,
    plaintext: String,
}

struct ModelSecret {
    key: usize,
    current: String,
    previous: Option<String>,
}

/// Everything that the server should know, and the server.
struct Pair {
    server: Server,
    now_ms: i64,
    keys: Vec<ModelKey>,
    aliases: BTreeMap<u8, usize>,
    blobs: Vec<ModelBlob>,
    secrets: BTreeMap<u8, ModelSecret>,
    /// Numbers values and versions, so that all differ.
    count: u32,
}

/// Three contexts: none, and two that differ in one letter.
fn context(number: u8) -> &'static str {
    ["{}", r#"{"purpose":"a","é":"="}"#, r#"{"purpose":"b","é":"="}"#][usize::from(number)]
}

impl Pair {
    async fn new() -> Self {
        Self {
            server: Server::start().await,
            now_ms: NOW.as_millis(),
            keys: Vec::new(),
            aliases: BTreeMap::new(),
            blobs: Vec::new(),
            secrets: BTreeMap::new(),
            count: 0,
        }
    }

    fn key_mut(&mut self, key: usize) -> Result<&mut ModelKey, &'static str> {
        self.keys.get_mut(key).ok_or("Forbidden.KeyNotFound")
    }

    fn usable(&self, key: usize) -> Result<(), &'static str> {
        self.keys.get(key).ok_or("Forbidden.KeyNotFound")?.usable()
    }

    /// The id of a key, or of one that never existed.
    fn id(&self, key: usize) -> String {
        let unknown = || format!("key-hzz0000000000000000000000000000{key}");
        self.keys.get(key).map_or_else(unknown, |key| key.id.clone())
    }

    /// Calls an action. The answer must have the expected code, and the field must have the expected text.
    async fn agree(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        field: &str,
        expected: &Expected,
    ) -> serde_json::Value {
        let answer = self.server.call(action, parameters).await;
        match expected {
            Ok(want) => {
                let body = answer.ok();
                let found = body.pointer(field).map_or("", text);
                assert_eq!(found, want, "{action} {parameters:?}");
                body
            }
            Err(code) => {
                assert_eq!(answer.refused().1, *code, "{action} {parameters:?}");
                serde_json::Value::Null
            }
        }
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::PassDays(days) => self.pass(days),
            Op::Encrypt(key, context) => self.encrypt(Ok(key), self.id(key), context).await,
            Op::EncryptByAlias(alias, context) => {
                let key = self.aliases.get(&alias).copied().ok_or("Forbidden.AliasNotFound");
                self.encrypt(key, format!("alias/{alias}"), context).await;
            }
            Op::Decrypt(blob, context) => self.decrypt(blob, context).await,
            Op::CreateSecret(name, key) => self.create_secret(name, key).await,
            Op::PutSecret(name) => self.put_secret(name).await,
            Op::GetSecret(name, stage) => self.get_secret(name, stage).await,
            Op::DropSecret(name) => {
                let found = self.secrets.remove(&name).map(|_| format!("secret-{name}"));
                let name = format!("secret-{name}");
                let drop = [("SecretName", name.as_str()), ("ForceDeleteWithoutRecovery", "true")];
                let expected = found.ok_or("Forbidden.ResourceNotFound");
                self.agree("DeleteSecret", &drop, "/SecretName", &expected).await;
            }
            Op::CreateAlias(..) | Op::UpdateAlias(..) | Op::DeleteAlias(_) => self.alias(op).await,
            _ => self.manage(op).await,
        }
    }

    /// Moves both clocks. Keys whose window has ended are gone, and their aliases with them.
    fn pass(&mut self, days: i64) {
        self.now_ms += days * DAY_MS;
        let now = self.now_ms;
        for key in self.keys.iter_mut().filter(|k| k.state == Some(PENDING) && k.deletion_ms <= now) {
            key.state = None;
        }
        let keys = &self.keys;
        self.aliases.retain(|_, key| keys[*key].state.is_some());
        self.server.clock.set(sesame::testing::domain::Timestamp::from_millis(now));
    }

    /// Actions on a key itself.
    async fn manage(&mut self, op: Op) {
        let now = self.now_ms;
        match op {
            Op::CreateKey if self.keys.len() < 4 => {
                let made = self.server.ok("CreateKey", &[]).await["KeyMetadata"].clone();
                let (id, version) = (text(&made["KeyId"]), text(&made["PrimaryKeyVersion"]));
                self.keys.push(ModelKey {
                    id: id.to_owned(),
                    state: Some(ENABLED),
                    deletion_ms: 0,
                    versions: vec![version.to_owned()],
                });
            }
            Op::Enable(key) | Op::Disable(key) | Op::Cancel(key) | Op::Schedule(key) => {
                let (action, from, to): (_, &[&str], _) = match op {
                    Op::Enable(_) => ("EnableKey", &[ENABLED, DISABLED], ENABLED),
                    Op::Disable(_) => ("DisableKey", &[ENABLED, DISABLED], DISABLED),
                    Op::Cancel(_) => ("CancelKeyDeletion", &[PENDING], ENABLED),
                    _ => ("ScheduleKeyDeletion", &[ENABLED, DISABLED], PENDING),
                };
                let id = self.id(key);
                let expected = self.key_mut(key).and_then(|k| {
                    let done = k.change(from, to)?;
                    k.deletion_ms = now + 7 * DAY_MS;
                    Ok(done)
                });
                let window = [("KeyId", id.as_str()), ("PendingWindowInDays", "7")];
                self.agree(action, &window[..if to == PENDING { 2 } else { 1 }], "/-", &expected).await;
            }
            Op::Rotate(key) => {
                let expected = self.usable(key).map(|()| self.id(key));
                let id = self.id(key);
                let body =
                    self.agree("CreateKeyVersion", &[("KeyId", &id)], "/KeyVersion/KeyId", &expected).await;
                if let Some(version) = body.pointer("/KeyVersion/KeyVersionId") {
                    self.keys[key].versions.push(text(version).to_owned());
                }
            }
            Op::Describe(key) => {
                let known = self.keys.get(key).and_then(|k| k.state);
                let expected = known.map(str::to_owned).ok_or("Forbidden.KeyNotFound");
                let id = self.id(key);
                let parameters = [("KeyId", id.as_str())];
                let body = self.agree("DescribeKey", &parameters, "/KeyMetadata/KeyState", &expected).await;
                if known.is_some() {
                    let primary = self.keys[key].versions.last().unwrap();
                    assert_eq!(body["KeyMetadata"]["PrimaryKeyVersion"], *primary);
                }
            }
            _ => {}
        }
    }

    async fn alias(&mut self, op: Op) {
        let (action, alias, key) = match op {
            Op::CreateAlias(alias, key) => ("CreateAlias", alias, Some(key)),
            Op::UpdateAlias(alias, key) => ("UpdateAlias", alias, Some(key)),
            Op::DeleteAlias(alias) => ("DeleteAlias", alias, None),
            other => panic!("{other:?} is not about an alias"),
        };
        let known = self.aliases.contains_key(&alias);
        let state = key.map(|key| self.keys.get(key).and_then(|k| k.state));
        let expected: Expected = match (action, state) {
            (_, Some(None)) => Err("Forbidden.KeyNotFound"),
            ("CreateAlias", _) if known => Err("AliasAlreadyExists"),
            ("UpdateAlias" | "DeleteAlias", _) if !known => Err("Forbidden.AliasNotFound"),
            ("CreateAlias", Some(Some(PENDING))) => Err("Rejected.StateModifiedFailed"),
            ("UpdateAlias", Some(Some(PENDING))) => Err("Rejected.PendingDeletion"),
            _ => Ok(String::new()),
        };
        match (&expected, key) {
            (Ok(_), Some(key)) => drop(self.aliases.insert(alias, key)),
            (Ok(_), None) => drop(self.aliases.remove(&alias)),
            (Err(_), _) => {}
        }
        let (name, id) = (format!("alias/{alias}"), key.map(|key| self.id(key)));
        let mut parameters = vec![("AliasName", name.as_str())];
        parameters.extend(id.as_deref().map(|id| ("KeyId", id)));
        self.agree(action, &parameters, "/-", &expected).await;
    }

    async fn encrypt(&mut self, key: Result<usize, &'static str>, named: String, number: u8) {
        self.count += 1;
        let plaintext = format!("{:08}", self.count); // eight digits are base64 themselves
        let expected = key.and_then(|key| self.usable(key).map(|()| self.keys[key].id.clone()));
        let parameters =
            [("KeyId", named.as_str()), ("Plaintext", &plaintext), ("EncryptionContext", context(number))];
        let body = self.agree("Encrypt", &parameters, "/KeyId", &expected).await;
        if let (Ok(_), Ok(key)) = (expected, key) {
            let version = text(&body["KeyVersionId"]).to_owned();
            assert_eq!(Some(&version), self.keys[key].versions.last(), "the newest version encrypts");
            let bytes = text(&body["CiphertextBlob"]).to_owned();
            self.blobs.push(ModelBlob { bytes, key, version, context: number, plaintext });
        }
    }

    async fn decrypt(&mut self, blob: usize, number: u8) {
        let Some(blob) = self.blobs.iter().rev().nth(blob) else { return };
        let expected = self.usable(blob.key).and_then(|()| {
            let same = blob.context == number;
            if same { Ok(blob.plaintext.clone()) } else { Err("InvalidParameter") }
        });
        let parameters = [("CiphertextBlob", blob.bytes.as_str()), ("EncryptionContext", context(number))];
        let body = self.agree("Decrypt", &parameters, "/Plaintext", &expected).await;
        if expected.is_ok() {
            assert_eq!(body["KeyVersionId"], blob.version);
        }
    }

    async fn create_secret(&mut self, number: u8, key: usize) {
        self.count += 1;
        let (name, value) = (format!("secret-{number}"), self.count.to_string());
        let id = self.id(key);
        // The key is checked first: it is a parameter, and invalid whatever the name.
        let free = !self.secrets.contains_key(&number);
        let expected = self
            .usable(key)
            .and_then(|()| if free { Ok(name.clone()) } else { Err("Rejected.ResourceExist") });
        let parameters = [
            ("SecretName", name.as_str()),
            ("VersionId", &value),
            ("SecretData", &value),
            ("EncryptionKeyId", &id),
        ];
        self.agree("CreateSecret", &parameters, "/SecretName", &expected).await;
        if expected.is_ok() {
            self.secrets.insert(number, ModelSecret { key, current: value, previous: None });
        }
    }

    async fn put_secret(&mut self, number: u8) {
        self.count += 1;
        let (name, value) = (format!("secret-{number}"), self.count.to_string());
        let known = self.secrets.get(&number).map(|secret| secret.key);
        let expected = known.ok_or("Forbidden.ResourceNotFound").and_then(|key| self.usable(key));
        let expected = expected.map(|()| name.clone());
        let parameters = [("SecretName", name.as_str()), ("VersionId", &value), ("SecretData", &value)];
        self.agree("PutSecretValue", &parameters, "/SecretName", &expected).await;
        if expected.is_ok() {
            let secret = self.secrets.get_mut(&number).unwrap();
            secret.previous = Some(std::mem::replace(&mut secret.current, value));
        }
    }

    async fn get_secret(&mut self, number: u8, stage: &str) {
        let expected = self.secrets.get(&number).ok_or("Forbidden.ResourceNotFound").and_then(|secret| {
            let current = stage == "ACSCurrent";
            let value = if current { Some(&secret.current) } else { secret.previous.as_ref() };
            let value = value.ok_or("Forbidden.ResourceNotFound")?;
            self.usable(secret.key).map(|()| value.clone())
        });
        let name = format!("secret-{number}");
        let parameters = [("SecretName", name.as_str()), ("VersionStage", stage)];
        self.agree("GetSecretValue", &parameters, "/SecretData", &expected).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_sequences_agree_with_the_model(ops in prop::collection::vec(op(), 40..160)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for op in ops {
                pair.step(op).await;
            }
            let (_, damages) = pair.server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
            assert!(damages.is_empty(), "{damages:?}");
            pair.server.stop().await;
        });
    }
}
