//! The structure of the code: which layer may use which, how long a file may be, which lists must agree.

mod cycles;
mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sesame::testing::actions::ACTIONS;

use modules::Crate;

/// A layer, the layers it may use, and the outside crates it may use. `store::sql` is a layer of its own.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    // Policies are JSON, and a tree made by serde keeps members that occur twice; core has addresses without sockets.
    // Values of managed secrets are made in the domain, so they are wiped there.
    (
        "domain",
        &[],
        &["std", "core", "jiff", "rand", "serde", "serde_json", "strsim", "thiserror", "zeroize"],
    ),
    (
        "crypto",
        &[],
        &[
            "std",
            "aes_gcm",
            "argon2",
            "base64",
            "const_hex",
            "hkdf",
            "k256",
            "p256",
            "rand",
            "rsa",
            "sha1",
            "sha2",
            "sm2",
            "sm3",
            "sm4",
            "subtle",
            "thiserror",
            "zeroize",
        ],
    ),
    ("ports", &["domain"], &["std", "async_trait", "jiff", "rand", "rand_chacha", "tokio", "uuid"]),
    (
        "identities",
        &["domain"],
        &["std", "base64", "rsa", "secrecy", "serde", "serde_json", "sha2", "thiserror"],
    ),
    (
        "tls",
        &["domain", "ports"],
        &[
            "std",
            "base64",
            "const_hex",
            "quick_cache",
            "rcgen",
            "rustls",
            "rustls_native_certs",
            "sha2",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tracing",
            "zeroize",
        ],
    ),
    ("store", &["domain"], &["std", "async_trait", "thiserror"]),
    (
        // The parameters of a database's URL are percent-encoded.
        "store::sql",
        // The reserve of a full disk is a private file.
        &["domain", "ports", "store"],
        &["std", "async_trait", "percent_encoding", "serde_json", "rusqlite", "sqlx", "tokio", "tracing"],
    ),
    (
        // Accounts of database servers: each server has its client library, and PostgreSQL and Redis get proofs of passwords.
        // Webhooks are asked with JSON over HTTP, and commands are process groups of their own.
        "rotators",
        &["domain", "outgoing", "tls"],
        &[
            "std",
            "anyhow",
            "async_trait",
            "base64",
            "bytes",
            "const_hex",
            "hmac",
            "http",
            "rand",
            "redis",
            "rustix",
            "serde",
            "serde_json",
            "sha2",
            "sqlx",
            "tokio",
            "zeroize",
        ],
    ),
    // The one HTTP client, of commands and of webhooks.
    (
        "outgoing",
        &["tls"],
        &["std", "anyhow", "bytes", "http", "http_body_util", "hyper", "hyper_util", "tokio", "tokio_util"],
    ),
    (
        "app",
        &["crypto", "domain", "identities", "ports", "rotators", "store"],
        &[
            "std",
            // A rotator is a trait, chosen at run time, whose calls wait for its target.
            "async_trait",
            "base64",
            "core",
            "quick_cache",
            "rand",
            "secrecy",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tokio_util",
            "tracing",
            "uuid",
            "zeroize",
        ],
    ),
    (
        "wire",
        &["app", "domain"],
        &[
            "std",
            "base64",
            "const_hex",
            "hmac",
            "http",
            "jiff",
            "percent_encoding",
            "quick_xml",
            "rsa",
            "serde",
            "serde_json",
            "sha1",
            "sha2",
            "sm3",
            "subtle",
            "thiserror",
            "uuid",
            "zeroize",
        ],
    ),
    // Actions read listings that need no rule directly from the store's records.
    (
        "actions",
        &["app", "domain", "identities", "store", "wire"],
        &["std", "base64", "const_hex", "serde", "serde_json", "zeroize"],
    ),
    (
        "state",
        &["app", "crypto", "domain", "identities", "store", "wire"],
        &["std", "base64", "secrecy", "serde", "serde_json", "serde_saphyr", "zeroize"],
    ),
    ("scheduler", &["app", "domain"], &["std", "tokio", "tokio_util", "tracing"]),
    ("telemetry", &["wire"], &["std", "anyhow", "clap", "tracing", "tracing_subscriber"]),
    // Fault rules name actions and codes.
    ("config", &["actions", "domain", "identities"], &["std", "anyhow", "serde", "toml"]),
    (
        "server",
        &[
            "actions",
            "app",
            "crypto",
            "domain",
            "identities",
            "ports",
            "scheduler",
            "state",
            "store",
            "telemetry",
            "tls",
            "wire",
        ],
        &[
            "std",
            "axum",
            "const_hex",
            "futures_util",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "prometheus_client",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio_util",
            "tower",
            "tracing",
        ],
    ),
    (
        "cli",
        &[
            "actions",
            "app",
            "config",
            "crypto",
            "domain",
            "identities",
            "outgoing",
            "ports",
            "server",
            "state",
            "store",
            "store::sql",
            "telemetry",
            "tls",
            "wire",
        ],
        &[
            "std",
            "anyhow",
            // Binary values are base64 in the API.
            "base64",
            "bytes",
            "clap",
            "clap_complete",
            "clap_mangen",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "indicatif",
            // Templates with secrets.
            "minijinja",
            "rustix",
            "serde_json",
            "serde_saphyr",
            "secrecy",
            "tokio",
            "tokio_util",
            "tracing",
            "zeroize",
        ],
    ),
];

/// What the pure layers must not name, whichever crate it comes from.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "tokio",
    "async ",
];

/// The maximum number of lines of a file without its tests.
const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `src`, with their text.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        (name, text)
    };
    files.into_iter().map(named).collect()
}

/// The text of a file without its unit tests. `None` for a file that contains only tests.
fn without_tests<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    if ["tests.rs", "vectors.rs", "interop.rs"].iter().any(|end| name.ends_with(end)) {
        return None;
    }
    Some(text.split("#[cfg(test)]\nmod tests").next().unwrap())
}

fn layer_of(name: &str) -> &str {
    if name.starts_with("store/sql") {
        return "store::sql";
    }
    name.split(['/', '.']).next().unwrap()
}

/// The lines of code, without comments and doc comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The crate's modules without tests.
fn product() -> Crate {
    Crate::read(&sources().into_iter().collect::<BTreeMap<_, _>>())
}

/// The layer that an absolute path leads into: `crate::store::sql::…` into `store::sql`.
fn layer_of_path(path: &[String]) -> Option<&str> {
    let (layer, rest) = path.strip_prefix(&["crate".to_owned()])?.split_first()?;
    let inner = layer == "store" && rest.first().is_some_and(|inner| inner == "sql");
    Some(if inner { "store::sql" } else { layer })
}

/// The uses of layers and outside crates that the table does not allow.
fn breaches(all: &Crate) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (index, module) in all.modules.iter().enumerate() {
        let (file, layer) = (&module.file, layer_of(&module.file));
        if matches!(layer, "lib" | "embedded" | "testing") {
            continue;
        }
        let row = LAYERS.iter().find(|(row, ..)| *row == layer);
        let (_, layers, crates) = row.unwrap_or_else(|| panic!("{file}: the layer {layer} has no row"));
        for path in all.written(index) {
            match layer_of_path(&path) {
                Some(used) if used != layer && !layers.contains(&used) => {
                    found.insert(format!("{file}: {layer} must not use {used}"));
                }
                None if path[0] != "crate" && !crates.contains(&path[0].as_str()) => {
                    found.insert(format!("{file}: {layer} must not use the crate {}", path[0]));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn every_layer_uses_only_what_its_row_allows() {
    let found = breaches(&product());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_layer_is_held_to_its_row_by_inline_paths_too() {
    let lib = "pub mod store; pub mod app; pub mod domain;";
    let app = "pub struct App; pub fn pool() -> sqlx::Pool { ::hyper::pool() }";
    let store = "pub mod sql; use crate::app; pub fn f(_: app::App, _: sql::Sql) {}";
    let sql = "pub struct Sql; fn f() -> crate::domain::Name { super::f() }";
    let files = [("lib.rs", lib), ("app.rs", app), ("store/mod.rs", store), ("store/sql.rs", sql)];
    let domain = ("domain.rs", "pub struct Name(std::string::String); fn f() { super::store::f() }");
    let files = files.into_iter().chain([domain]);
    let all = Crate::read(&files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect());
    let found: Vec<String> = breaches(&all).into_iter().collect();
    let expected = [
        "app.rs: app must not use the crate hyper",
        "app.rs: app must not use the crate sqlx",
        "domain.rs: domain must not use store",
        "store/mod.rs: store must not use app",
        "store/mod.rs: store must not use store::sql",
    ];
    assert_eq!(found, expected);
}

#[test]
fn no_dependency_cycle_between_files_of_src() {
    let uses = cycles::uses(&product());
    let found = cycles::cycles(&uses);
    let shown: Vec<String> = found.iter().map(|files| cycles::shown(&uses, files)).collect();
    assert!(shown.is_empty(), "{} cycles of files:\n{}", shown.len(), shown.join("\n"));
}

#[test]
fn the_pure_layers_use_no_time_no_randomness_and_no_io() {
    for (name, text) in sources() {
        let Some(text) = without_tests(&name, &text) else { continue };
        if !matches!(layer_of(&name), "domain" | "crypto" | "wire") {
            continue;
        }
        for word in IMPURE {
            assert!(!code(text).contains(word), "{name} is in a pure layer and names {word}");
        }
    }
}

#[test]
fn only_store_sql_and_rotators_know_sqlx() {
    for (name, text) in sources() {
        let text = code(&text);
        // Rotators talk to the servers of users, and never to the store.
        let knows = matches!(layer_of(&name), "store::sql" | "rotators");
        assert!(knows || !text.contains("sqlx"), "{name} knows sqlx");
        let writer = name.ends_with("store/sql/sqlite_writer.rs");
        assert!(writer || !text.contains("rusqlite"), "{name} knows rusqlite");
    }
}

#[test]
fn no_file_is_longer_than_500_lines_without_its_tests() {
    for (name, text) in sources() {
        let Some(text) = without_tests(&name, &text) else { continue };
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines");
    }
}

#[test]
fn no_crate_that_deny_toml_bans_is_in_the_lock_file() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (rules, lock) = (read("deny.toml"), read("Cargo.lock"));
    let banned: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("{ name = \"")).collect();
    assert!(banned.len() >= 4, "{banned:?}");
    for line in banned {
        let name = line.split('"').next().unwrap();
        assert!(!lock.contains(&format!("\nname = \"{name}\"\n")), "{name} is in Cargo.lock");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for (name, text) in sources() {
        for mark in ["todo!(", "unimplemented!(", "FIXME", "XXX", "HACK", "TODO"] {
            assert!(!text.contains(mark), "{name} has {mark}");
        }
    }
}

/// The names of the actions that a source text defines.
fn actions_defined(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let implemented = text.match_indices("impl Action for ").map(|(at, found)| &text[at + found.len()..]);
    let refused =
        text.match_indices(": Refused = Refused::").filter_map(|(at, _)| text[at..].split('"').nth(1));
    let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_lowercase();
    implemented.chain(refused).map(name).collect()
}

#[test]
fn every_action_has_a_file_of_its_own_that_carries_its_name() {
    let mut defined: Vec<String> = Vec::new();
    for (name, text) in sources() {
        let Some(file) = name.strip_prefix("actions/").and_then(|file| file.strip_suffix(".rs")) else {
            continue;
        };
        let here = actions_defined(&text);
        let parts: Vec<&str> = file.split('/').collect();
        let is_room = parts.len() > 1 && !parts.contains(&"shared") && parts.last() != Some(&"mod");
        let wanted = if is_room { vec![parts.last().unwrap().replace('_', "")] } else { Vec::new() };
        assert_eq!(
            here, wanted,
            "src/{name}: a file in a room defines the one action that it is named after"
        );
        defined.extend(here);
    }
    let mut table: Vec<String> =
        sesame::testing::actions::all().map(|action| action.name().to_lowercase()).collect();
    table.sort();
    defined.sort();
    assert_eq!(defined, table);
}

#[test]
fn a_file_with_two_actions_or_none_is_seen() {
    let two = "impl Action for GetSecretValue {}\nimpl Action for PutSecretValue {}";
    assert_eq!(actions_defined(two), ["getsecretvalue", "putsecretvalue"]);
    let refused = "pub const ROTATE: Refused = Refused::rotation(\n    \"RotateSecret\", &[]);";
    assert_eq!(actions_defined(refused), ["rotatesecret"]);
    assert_eq!(actions_defined("struct Action; // impl Endpoint for Refused"), [""; 0]);
}

#[test]
fn action_names_are_unique_and_sorted() {
    let mut names: Vec<&str> = ACTIONS.iter().map(|action| action.name()).collect();
    let given = names.clone();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, given);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |dir: &str| -> BTreeSet<_> {
        let entries = std::fs::read_dir(root().join("migrations").join(dir)).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn the_map_names_every_layer() {
    let map = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for (layer, ..) in LAYERS {
        assert!(map.contains(&format!("`{layer}`")), "docs/ARCHITECTURE.md does not name {layer}");
    }
}
