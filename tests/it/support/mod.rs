//! A whole server in the test's process, on its own port, and a client that shows everything.

pub mod handed_on;
pub mod postgres;
pub mod program;
pub mod sign;

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use sesame::testing::app::{App, NonceSettings, Parts};
use sesame::testing::crypto::{RootKey, SymmetricKey};
use sesame::testing::domain::rotation::RotationSettings;
use sesame::testing::domain::{FaultRule, Limits, NonceLimits, Page, Scope, Timestamp};
use sesame::testing::identities::file::{AccountFile, KeyFile, Status};
use sesame::testing::ports::{Clock, OsEntropy, SeededEntropy, ServerClock};
use sesame::testing::server::{self, AllowedHosts, AuthMode, Bounds, Settings};
use sesame::testing::state::file::StateFile;
use sesame::testing::store::sql::SqlStore;
use sesame::testing::store::{SecretRecord, Store};
use sesame::testing::tls::Tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The account of unsigned requests.
pub const ACCOUNT: &str = "1000000000000001";
/// Another account, whose key is `other` / `other-secret`.
pub const OTHER_ACCOUNT: &str = "1000000000000002";
/// The instant at which the clock of a test server is stopped: 2026-11-24T03:30:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_491_000_000);

/// How to start a server.
pub struct Options<'a> {
    pub mode: AuthMode,
    pub limits: Limits,
    /// The directory of the database. `None` for a database in memory.
    pub dir: Option<&'a Path>,
    /// Access keys of the root of [`ACCOUNT`] besides `test` and `testid`.
    pub keys: Vec<KeyFile>,
    /// What these two accounts have besides keys, and other accounts: `[[accounts]]` as in a configuration file.
    pub accounts: &'a str,
    /// Whether secrets and keys have policies.
    pub resource_policies: bool,
    /// The seed for a reset.
    pub seed: Option<StateFile>,
    /// Fault rules of the configuration file.
    pub faults: Vec<FaultRule>,
    /// The admin token. `None` for `admin-token`, or for no token in `open` mode.
    pub admin_token: Option<&'a str>,
    /// `--allow-host`.
    pub allowed_hosts: &'a [&'a str],
    /// Bounds on nonces.
    pub nonces: NonceLimits,
    /// Bounds on connections.
    pub rotation: RotationSettings,
    pub bounds: Bounds,
    pub request_log: usize,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            mode: AuthMode::Open,
            limits: Limits::default(),
            dir: None,
            keys: Vec::new(),
            accounts: "",
            resource_policies: true,
            seed: None,
            faults: Vec::new(),
            admin_token: None,
            allowed_hosts: &[],
            nonces: NonceLimits::default(),
            bounds: Bounds::default(),
            request_log: 1000,
            rotation: quick_rotations(),
        }
    }
}

/// Rotations as by default, with attempts that follow one another at once.
pub fn quick_rotations() -> RotationSettings {
    RotationSettings { pauses_ms: vec![0, 0], ..RotationSettings::default() }
}

/// A running server.
pub struct Server {
    pub address: std::net::SocketAddr,
    pub clock: Arc<ServerClock>,
    pub app: Arc<App>,
    mode: AuthMode,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// A server in `open` mode, in memory, whose clock is stopped at [`NOW`].
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A server with options.
    pub async fn with(options: Options<'_>) -> Self {
        let store: Arc<dyn Store> = match options.dir {
            None => Arc::new(SqlStore::in_memory().await.unwrap()),
            Some(dir) => Arc::new(SqlStore::open(&dir.join("sesame.db")).await.unwrap()),
        };
        Self::over(store, options).await
    }

    /// A server on a store.
    pub async fn over(store: Arc<dyn Store>, options: Options<'_>) -> Self {
        Self::with_root(store, root_key(), options).await
    }

    /// A server on disk with its own root key.
    pub async fn under(root: RootKey, options: Options<'_>) -> Self {
        let store = SqlStore::open(&options.dir.unwrap().join("sesame.db")).await.unwrap();
        Self::with_root(Arc::new(store), root, options).await
    }

    /// A server on a store that was created with this root key.
    pub async fn with_root(store: Arc<dyn Store>, root: RootKey, options: Options<'_>) -> Self {
        let clock = Arc::new(ServerClock::default());
        clock.set(NOW);
        // Repeatable in memory. On disk a second start must not generate the same nonces again.
        let entropy: Arc<dyn sesame::testing::ports::Entropy> = match options.dir {
            None => Arc::new(SeededEntropy::new(42)),
            Some(_) => Arc::new(OsEntropy),
        };
        let parts = Parts {
            store,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy,
            limits: options.limits,
            cache_bytes: 16 * 1024 * 1024,
            accounts: accounts(options.keys, options.accounts),
            default_account: ACCOUNT.parse().unwrap(),
            well_known_key: true,
            resource_policies: options.resource_policies,
            faults: options.faults,
            rotation: RotationSettings { makes_users: options.mode == AuthMode::Open, ..options.rotation },
            nonces: NonceSettings {
                limits: options.nonces,
                database: options.dir.map(|dir| dir.join("sesame.db")),
            },
        };
        let app = App::open(parts, root).await.unwrap();
        let tls =
            Tls::signed(options.dir, Vec::new(), [127, 0, 0, 1].into(), Arc::clone(&clock) as _).unwrap();
        let tls = Arc::new(tls);
        let mode = options.mode;
        let settings = Settings {
            app: Arc::clone(&app),
            clock: Arc::clone(&clock),
            mode,
            default_account: ACCOUNT.parse().unwrap(),
            default_region: "cn-hangzhou".parse().unwrap(),
            seed: options.seed,
            admin_token: options
                .admin_token
                .or((options.mode != AuthMode::Open).then_some("admin-token"))
                .map(SecretString::from),
            allowed_hosts: AllowedHosts::new(
                options.allowed_hosts.iter().map(|name| name.parse().unwrap()).collect(),
            ),
            tls,
            bounds: options.bounds,
            request_log: options.request_log,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(server::serve(settings, listener, shutdown.clone()));
        Self { address, clock, app, mode, shutdown, serving }
    }

    /// Stops the server and closes its database.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap();
    }

    /// Calls an action unsigned, by POST with a form.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let form = form(&[&[("Action", action), ("Version", "2016-01-20")], parameters].concat());
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/", &headers, form.as_bytes()).await
    }

    /// Calls an action unsigned, at the address of a host name.
    pub async fn call_at(&self, host: &str, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let form = form(&[&[("Action", action), ("Version", "2016-01-20")], parameters].concat());
        let headers = [("Host", host), ("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/", &headers, form.as_bytes()).await
    }

    /// Calls an action that must succeed in a region.
    pub async fn ok_in(&self, region: &str, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.call_at(&format!("kms.{region}.aliyuncs.com"), action, parameters).await.ok()
    }

    /// Calls an action signed by an access key of [`access_keys`] (RPC v1, HMAC-SHA1).
    pub async fn call_as(&self, key: (&str, &str), action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.call_as_at("127.0.0.1", key, action, parameters).await
    }

    /// The same at the address of a host name.
    pub async fn call_as_at(
        &self,
        host: &str,
        key: (&str, &str),
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Answer {
        let time = NOW.to_string();
        let mut signed = sign::rpc_system(action, key.0, &time);
        signed.extend(parameters);
        let signature = sign::rpc_signature("POST", key.1, &signed);
        signed.push(("Signature", &signature));
        let headers = [("Host", host), ("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/", &headers, form(&signed).as_bytes()).await
    }

    /// Calls an action that must succeed.
    pub async fn ok(&self, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.call(action, parameters).await.ok()
    }

    /// Calls an action that must be refused: HTTP status, code, message.
    pub async fn refused(&self, action: &str, parameters: &[(&str, &str)]) -> (u16, String, String) {
        self.call(action, parameters).await.refused()
    }

    /// Creates a secret `name` whose version `v1` has the value `one`.
    pub async fn create(&self, name: &str) -> Value {
        self.ok("CreateSecret", &[("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")]).await
    }

    /// Puts a version.
    pub async fn put(&self, name: &str, version: &str, data: &str) -> Value {
        self.ok("PutSecretValue", &[("SecretName", name), ("VersionId", version), ("SecretData", data)]).await
    }

    /// The value of the version that is read with these selectors.
    pub async fn value(&self, name: &str, selectors: &[(&str, &str)]) -> String {
        let answer = self.ok("GetSecretValue", &[&[("SecretName", name)], selectors].concat()).await;
        answer["SecretData"].as_str().unwrap().to_owned()
    }

    /// All versions with their labels, newest first: `v2[ACSCurrent] v1[ACSPrevious,Mine]`.
    pub async fn versions(&self, name: &str) -> String {
        let answer = self
            .ok(
                "ListSecretVersionIds",
                &[("SecretName", name), ("IncludeDeprecated", "true"), ("PageSize", "100")],
            )
            .await;
        let row = |v: &Value| format!("{}[{}]", text(&v["VersionId"]), stages(v).join(","));
        answer["VersionIds"]["VersionId"].as_array().unwrap().iter().map(row).collect::<Vec<_>>().join(" ")
    }

    /// What the database stores of a secret, whatever caches contain.
    pub async fn stored(&self, name: &str) -> Option<SecretRecord> {
        self.app.store().load_secret(&scope(), &name.parse().unwrap()).await.unwrap()
    }

    /// How many secrets the database stores for unsigned requests' account and region.
    pub async fn stored_count(&self) -> u64 {
        let page = Page { number: 1, size: 1 };
        self.app.store().list_secrets(&scope(), None, page, self.app.clock().now()).await.unwrap().total
    }

    /// Moves the clock forward over the administration endpoint, which answers after everything due has been done.
    pub async fn advance_seconds(&self, seconds: i64) {
        let body = format!(r#"{{"advance_seconds":{seconds}}}"#);
        let answer = self.send("POST", "/_sesame/clock", &[], body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Sends any request and reads the answer.
    pub async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: 127.0.0.1\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let chunked = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
        let counted = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if !(chunked || counted || body.is_empty() && method == "GET") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("Connection: close\r\n\r\n");
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// Sends bytes and reads one answer, until the connection ends.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may answer and close before it has read all of a request that is too long.
        let written = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        assert!(!answer.is_empty(), "no answer: {written:?} {read:?}");
        Answer { mode: Some(self.mode), ..Answer::parse(&answer) }
    }
}

/// An answer as it arrived.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The address of the server, when it is known.
    mode: Option<AuthMode>,
}

impl Answer {
    /// Parses an answer.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status, headers: lines.map(header).collect(), body: body.to_owned(), mode: None }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The members of a successful answer, which must have a request id in body and header.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        let answer: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(answer["RequestId"].as_str(), self.header("x-acs-request-id"));
        answer
    }

    /// Status, code and message of a refusal, whose document must be complete.
    pub fn refused(&self) -> (u16, String, String) {
        let answer: Value = serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body));
        assert_eq!(answer["HttpStatus"], self.status, "{}", self.body);
        assert!(self.status >= 400, "{}", self.body);
        assert_eq!(answer["RequestId"].as_str(), self.header("x-acs-request-id"));
        assert!(answer["HostId"].is_string(), "{}", self.body);
        let (code, message) = (text(&answer["Code"]), text(&answer["Message"]));
        self.assert_reason(code, message);
        (self.status, code.to_owned(), message.to_owned())
    }

    /// Checks the reason given to developers in mode `open`, and only there: a sentence about what the message names.
    fn assert_reason(&self, code: &str, message: &str) {
        let reason = self.header("x-sesame-reason");
        match self.mode {
            None => {}
            Some(AuthMode::Signed | AuthMode::Enforced) => assert_eq!(reason, None, "{message}"),
            Some(AuthMode::Open) => {
                let reason = reason.unwrap_or_else(|| panic!("{code} without a reason: {message}"));
                assert!((10..=1000).contains(&reason.len()) && reason.contains(' '), "{code}: {reason}");
                let named = message.split('"').nth(1);
                let named = named.filter(|_| ["InvalidParameter", "MissingParameter"].contains(&code));
                if let Some(name) = named.filter(|name| name.is_ascii() && name.len() <= 64) {
                    assert!(reason.contains(name), "{message} because {reason}");
                }
            }
        }
    }
}

/// The expected status, code and message of a refusal.
pub fn refusal(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

/// 400 InvalidParameter naming the parameter.
pub fn invalid(name: &str) -> (u16, String, String) {
    refusal(400, "InvalidParameter", &format!("The specified parameter \"{name}\" is not valid."))
}

/// 400 MissingParameter naming the parameter.
pub fn missing(name: &str) -> (u16, String, String) {
    refusal(400, "MissingParameter", &format!("The parameter \"{name}\" is needed but not provided."))
}

/// 404 Forbidden.ResourceNotFound.
pub fn not_found() -> (u16, String, String) {
    refusal(404, "Forbidden.ResourceNotFound", "Resource not found.")
}

/// 409 for a secret in its recovery window.
pub fn in_window() -> (u16, String, String) {
    refusal(409, "Rejected.ResourceInDeleteWindow", "secret in delete peroid")
}

/// The labels of a version or of a GetSecretValue answer.
pub fn stages(answer: &Value) -> Vec<&str> {
    answer["VersionStages"]["VersionStage"].as_array().unwrap().iter().map(text).collect()
}

/// A member that must be a string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Parameters as a form body or query.
pub fn form(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// A region other than the server's own.
pub const BEIJING: &str = "kms.cn-beijing.aliyuncs.com";

/// Account and region of unsigned requests.
pub fn scope() -> Scope {
    scope_of(ACCOUNT, "cn-hangzhou")
}

/// An account in a region.
pub fn scope_of(account: &str, region: &str) -> Scope {
    Scope { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

/// The root key of all tests.
pub fn root_key() -> RootKey {
    RootKey::from_key(&SymmetricKey::from_bytes([7; 32])).unwrap()
}

/// An access key that is active.
pub fn key_file(id: &str, secret: &str) -> KeyFile {
    KeyFile {
        id: id.to_owned(),
        secret: Some(secret.into()),
        public_key: None,
        security_token: None,
        status: Status::Active,
    }
}

#[derive(Default, serde::Deserialize)]
struct Accounts {
    #[serde(default)]
    accounts: Vec<AccountFile>,
}

fn accounts(more: Vec<KeyFile>, text: &str) -> Vec<AccountFile> {
    let mut accounts = toml::from_str::<Accounts>(text).unwrap().accounts;
    let mut add = |id: &str, keys: Vec<KeyFile>| {
        if !accounts.iter().any(|account| account.id == id) {
            accounts.push(AccountFile { id: id.to_owned(), ..AccountFile::default() });
        }
        accounts.iter_mut().find(|account| account.id == id).unwrap().access_keys.extend(keys);
    };
    let mut own = vec![key_file("test", "test"), key_file("testid", "testsecret")];
    own.retain(|key| !more.iter().any(|other| other.id == key.id));
    add(ACCOUNT, own.into_iter().chain(more).collect());
    add(OTHER_ACCOUNT, vec![key_file("other", "other-secret")]);
    accounts
}
