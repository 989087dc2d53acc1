//! Every command in every mode, over HTTP and HTTPS, with every kind of credential, on SQLite and PostgreSQL.

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::PrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sesame::testing::ports::{Entropy, SeededEntropy};
use sha2::Sha256;

use super::User;
use crate::support::postgres;
use crate::support::program::Program;

const ACCOUNT: &str = "1000000000000002";
const ISSUER: &str = "https://issuer.example/realm";
const TOKEN: &str = "admin-token-1";

/// A kind of credential: its name, the flags, the variables, and what `whoami` answers.
struct Credential {
    kind: &'static str,
    flags: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    arn: &'static str,
}

const BUILT_IN: &str = "acs:ram::1000000000000001:root";
const ROOT: &str = "acs:ram::1000000000000002:root";
const ROLE: &str = "acs:ram::1000000000000002:assumed-role/app/";

const CREDENTIALS: [Credential; 9] = [
    Credential {
        kind: "the built-in key",
        flags: &[],
        // It is used only where there is no profile.
        variables: &[("ALIBABA_CLOUD_CONFIG_FILE", "absent.json")],
        arn: BUILT_IN,
    },
    Credential {
        kind: "flags",
        flags: &["--access-key-id", "rootid", "--access-key-secret", "rootsecret"],
        variables: &[],
        arn: ROOT,
    },
    Credential {
        kind: "variables with a token",
        flags: &[],
        variables: &[
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "tempid"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "tempsecret"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "token"),
        ],
        arn: ROOT,
    },
    Credential { kind: "AK", flags: &["--profile", "plain"], variables: &[], arn: ROOT },
    Credential { kind: "StsToken", flags: &["--profile", "temporary"], variables: &[], arn: ROOT },
    Credential { kind: "RamRoleArn", flags: &["--profile", "role"], variables: &[], arn: ROLE },
    Credential { kind: "ChainableRamRoleArn", flags: &["--profile", "chain"], variables: &[], arn: ROLE },
    Credential { kind: "OIDC", flags: &["--profile", "oidc"], variables: &[], arn: ROLE },
    Credential { kind: "CredentialsURI", flags: &["--profile", "uri"], variables: &[], arn: ROOT },
];

/// Arguments, standard input, and words of the output. `@` stands for a prefix of names that no other cell has.
type Step = (&'static [&'static str], &'static str, &'static str);

/// Every command that talks to a server. A test compares the list with the commands of the program.
const STEPS: [Step; 40] = [
    (&["healthcheck"], "", ""),
    (&["status"], "", "ready"),
    (&["doctor"], "", "credentials"),
    (&["whoami"], "", "acs:ram::"),
    (&["env"], "", "ALIBABA_CLOUD_ENDPOINT_KMS"),
    (&["create", "@/db", "--version", "v1", "--tag", "team=a"], "first", "created @/db with version v1"),
    (&["get", "@/db"], "", "first"),
    (&["put", "@/db", "--version", "v2", "--stage", "Next"], "second", "stored version v2 of @/db (Next)"),
    (&["versions", "@/db"], "", "v1\tACSCurrent"),
    (&["describe", "@/db"], "", "tags\tteam=a"),
    (&["promote", "@/db", "v2"], "", "ACSCurrent of @/db is version v2"),
    (&["diff", "@/db"], "", "(value)\tchanged"),
    (&["rollback", "@/db"], "", "is version v1 again"),
    (&["tag", "@/db", "stage=test"], "", "set 1 tags of @/db"),
    (&["untag", "@/db", "stage"], "", ""),
    (&["ls", "@/"], "", "@/db\tGeneric"),
    (&["run", "--env", "V=@/db", "--", "sh", "-c", "printf %s \"$V\""], "", "first"),
    (&["template", "-"], "{{ secret('@/db', stage='Next') }}", "second"),
    (&["complete-names", "--", "get", "@/"], "", "@/db\n"),
    (&["rm", "@/db", "--days", "7"], "", "deleted @/db"),
    (&["undelete", "@/db"], "", "@/db is back"),
    (&["rm", "@/db", "--force"], "", "for good"),
    (&["keys", "create", "--alias", "alias/@"], "", "created key"),
    (&["keys", "ls"], "", "alias/@"),
    (&["keys", "describe", "alias/@"], "", "state\tEnabled"),
    (&["keys", "disable", "KEY"], "", "is disabled"),
    (&["keys", "enable", "KEY"], "", "is enabled"),
    (&["keys", "rm", "KEY", "--days", "7"], "", "waits for its deletion"),
    (&["keys", "undelete", "KEY"], "", "stays"),
    (&["clock"], "", "(the machine's)"),
    (&["fault", "add", "throttle", "GetRandomPassword", "1"], "", "in force"),
    (&["fault", "ls"], "", "GetRandomPassword"),
    (&["fault", "rm"], "", "no rule"),
    (&["log", "-n", "3"], "", "\t"),
    (&["seed", "seed.yaml"], "", "created"),
    (&["export", "export.json"], "", ""),
    (&["snapshot", "save", "base"], "", "is kept"),
    (&["import", "export.json", "--replace"], "", "imported"),
    (&["snapshot", "restore", "base"], "", "in force again"),
    (&["snapshot", "rm", "base"], "", "forgotten"),
];

/// The commands of the list that sign their requests.
const SIGNED: [&str; 22] = [
    "complete-names",
    "create",
    "describe",
    "diff",
    "doctor",
    "env",
    "get",
    "keys",
    "ls",
    "promote",
    "put",
    "rm",
    "rollback",
    "rotate",
    "run",
    "tag",
    "template",
    "undelete",
    "untag",
    "versions",
    "whoami",
    "",
];

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The accounts of the server, and a token of their issuer.
fn identities() -> (String, String) {
    let key = PrivateKey::new(&mut *SeededEntropy::new(1).rng(), 2048).unwrap();
    let allowed = json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [ROOT]}},
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Federated": [format!("acs:ram::{ACCOUNT}:oidc-provider/idp")]},
         "Condition": {"StringEquals": {"oidc:iss": ISSUER, "oidc:aud": ["sesame"], "oidc:sub": "job"}}}]});
    let (n, e) = (key.n().to_be_bytes(), key.e().to_be_bytes());
    let jwk = json!({"kty": "RSA", "use": "sig", "kid": "one", "n": base64(&n), "e": base64(&e)});
    let config = json!({"accounts": [{
        "id": ACCOUNT,
        "access_keys": [
            {"id": "rootid", "secret": "rootsecret"},
            {"id": "tempid", "secret": "tempsecret", "security_token": "token"},
        ],
        "users": [{"name": "alice", "policies": ["AliyunSTSAssumeRoleAccess"],
                   "access_keys": [{"id": "aliceid", "secret": "alicesecret"}]}],
        "roles": [
            {"name": "app", "policies": ["AliyunKMSFullAccess"], "trust": allowed.to_string()},
            {"name": "first", "policies": ["AliyunSTSAssumeRoleAccess"], "trust": allowed.to_string()},
        ],
        "oidc_providers": [{"name": "idp", "issuer": ISSUER, "client_ids": ["sesame"], "jwks": {"keys": [jwk]}}],
    }]});
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"iss": ISSUER, "sub": "job", "aud": "sesame", "iat": now - 60, "exp": now + 36_000});
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "one"});
    let text = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = key.pkcs1v15_sign::<Sha256>(text.as_bytes()).unwrap();
    (toml::to_string(&config).unwrap(), format!("{text}.{}", base64(&signature)))
}

fn profiles(token_file: &str, uri: &str) -> String {
    let role = |name: &str| format!("acs:ram::{ACCOUNT}:role/{name}");
    let alice = json!({"access_key_id": "aliceid", "access_key_secret": "alicesecret"});
    let with = |mut more: Value| {
        for (name, value) in alice.as_object().unwrap() {
            more[name] = value.clone();
        }
        more
    };
    json!({"profiles": [
        {"name": "plain", "mode": "AK", "access_key_id": "rootid", "access_key_secret": "rootsecret"},
        {"name": "temporary", "mode": "StsToken", "access_key_id": "tempid", "access_key_secret": "tempsecret",
         "sts_token": "token"},
        with(json!({"name": "role", "mode": "RamRoleArn", "ram_role_arn": role("app")})),
        with(json!({"name": "first", "mode": "RamRoleArn", "ram_role_arn": role("first")})),
        {"name": "chain", "mode": "ChainableRamRoleArn", "source_profile": "first", "ram_role_arn": role("app")},
        {"name": "oidc", "mode": "OIDC", "oidc_provider_arn": format!("acs:ram::{ACCOUNT}:oidc-provider/idp"),
         "oidc_token_file": token_file, "ram_role_arn": role("app")},
        {"name": "uri", "mode": "CredentialsURI", "credentials_uri": uri},
    ]})
    .to_string()
}

/// A server of credentials that answers until the test process ends.
fn credentials_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/keys", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut piece = [0; 8192];
            let _request = stream.read(&mut piece).unwrap();
            let body = r#"{"Code":"Success","AccessKeyId":"tempid","AccessKeySecret":"tempsecret","SecurityToken":"token"}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        }
    });
    uri
}

/// A server in a mode on a database, and a user who can use every kind of credential.
fn user(mode: &str, database: Option<&str>) -> User {
    let home = tempfile::tempdir().unwrap();
    let (config, token) = identities();
    let file = |name: &str, text: &str| {
        let file = home.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (config, data) = (file("sesame.toml", &config), home.path().join("data").display().to_string());
    let mut arguments =
        vec!["--auth", mode, "--config", &config, "--data-dir", &data, "--admin-token", TOKEN];
    arguments.extend(database.iter().flat_map(|url| ["--database", url]));
    let mut user = User::of(Program::serve(&arguments, &[])).with("SESAME_ADMIN_TOKEN", TOKEN);
    // The data of the server is in it.
    user.home = home;
    let token = user.file("token", token).display().to_string();
    user.file(".aliyun/config.json", profiles(&token, &credentials_server()));
    user.file(
        "seed.yaml",
        "version: 1\nsecrets:\n  - name: seeded\n    versions:\n      - id: v1\n        value: x\n",
    );
    let ca = user.server.admin("GET", "/_sesame/ca.pem", "");
    user.file("ca.pem", ca.split("\r\n\r\n").nth(1).unwrap());
    user
}

fn with_transport(user: User, transport: &str) -> User {
    let url = format!("{transport}://{}", user.server.address);
    let user = user.with("SESAME_URL", &url);
    if transport == "http" {
        return user;
    }
    let mut user = user;
    for name in ["SESAME_CA", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        let ca = user.home.path().join("ca.pem").display().to_string();
        user = user.with(name, &ca);
    }
    user
}

/// Runs a step as somebody, and returns what it printed.
fn done(
    user: &User,
    credential: &Credential,
    (arguments, input, words): Step,
    cell: &str,
    key: &str,
) -> String {
    let fit = |text: &str| if text == "KEY" { key.to_owned() } else { text.replace('@', cell) };
    let arguments: Vec<String> = arguments.iter().map(|argument| fit(argument)).collect();
    // Before `--`, and after the words of the command.
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (before, after) = arguments.split_at(end);
    let flags = if SIGNED.contains(&arguments[0].as_str()) { credential.flags } else { &[] };
    let mut all: Vec<&str> = before.iter().map(String::as_str).collect();
    if arguments[0] == "complete-names" {
        // It reads flags from the line that is completed.
        all.extend(["--", "get"]);
        all.extend(flags);
        all.push(&arguments[3]);
    } else {
        all.extend(flags);
        all.extend(after.iter().map(String::as_str));
    }
    let mut command = user.command(&all);
    command.envs(credential.variables.iter().copied());
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read it may have ended.
    drop(child.stdin.take().unwrap().write_all(fit(input).as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown = format!("{} ({cell}): {all:?}: {said}{why}", credential.kind);
    assert!(output.status.success() && said.contains(&fit(words)), "{shown}");
    said
}

/// All steps as somebody.
fn all_steps(user: &User, credential: &Credential, cell: &str) {
    let mut key = String::new();
    for step in STEPS {
        let said = done(user, credential, step, cell, &key);
        if let Some(id) = said.strip_prefix("created key ") {
            id.trim().clone_into(&mut key);
        }
    }
}

/// Modes and transports, with every command in each cell; the kinds of credentials go round, from `turn` on. Then every kind.
fn cells(databases: [Option<String>; 3], mut turn: usize) {
    for (mode, database) in ["open", "signed", "enforced"].into_iter().zip(databases) {
        let mut user = user(mode, database.as_deref());
        for transport in ["http", "https"] {
            user = with_transport(user, transport);
            all_steps(&user, &CREDENTIALS[turn % CREDENTIALS.len()], &format!("{mode}-{transport}"));
            turn += 1;
            for (number, credential) in CREDENTIALS.iter().enumerate() {
                let cell = format!("{mode}-{transport}-{number}");
                let said = done(&user, credential, (&["whoami"], "", "arn\t"), &cell, "");
                assert!(said.contains(&format!("arn\t{}", credential.arn)), "{cell}: {said}");
                for step in &STEPS[5..8] {
                    done(&user, credential, *step, &cell, "");
                }
            }
        }
    }
}

#[test]
fn every_command_works_in_every_mode_over_http_and_https_on_sqlite() {
    cells([None, None, None], 0);
}

#[test]
fn every_command_works_in_every_mode_over_http_and_https_on_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Each server has a database of its own, because each has a root key of its own.
    let databases = [(); 3].map(|()| Some(runtime.block_on(postgres::database())));
    // The kinds of credentials that did not have their turn on SQLite.
    cells(databases, 6);
}

#[test]
fn the_list_of_steps_has_every_command_that_talks_to_a_server() {
    // These work on files or on nothing at all; reset, rotate and the rest of clock have tests of their own.
    const OTHERS: [&str; 14] = [
        "serve",
        "check",
        "backup",
        "rekey",
        "completions",
        "man",
        "migrate",
        "policy",
        "ca",
        "actions",
        "reset",
        "rotate",
        "help",
        "restore",
    ];
    let help =
        String::from_utf8(crate::support::program::command(&["--help"]).output().unwrap().stdout).unwrap();
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        let stepped = STEPS.iter().any(|(arguments, _, _)| arguments[0] == command);
        assert!(stepped || OTHERS.contains(&command), "no step runs sesame {command}");
    }
}
