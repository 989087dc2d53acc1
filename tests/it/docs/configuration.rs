//! The reference of the configuration file: the fields of its structs with their doc comments.

use std::fmt::Write;

use sesame::testing::domain::Limits;

/// Place in the file, source, struct.
const TABLES: &[(&str, &str, &str)] = &[
    ("the file", "src/config.rs", "FileConfig"),
    ("[limits]", "src/config.rs", "FileLimits"),
    ("[service]", "src/config.rs", "Service"),
    ("[managed]", "src/config.rs", "FileManaged"),
    ("[[rotators]]", "src/domain/rotation/rotators.rs", "RotatorFile"),
    ("[rotators.password]", "src/domain/rotation/rotators.rs", "PasswordFile"),
    ("[[faults]]", "src/domain/faults.rs", "FaultRule"),
    ("[[accounts]]", "src/identities/file.rs", "AccountFile"),
    ("access_keys", "src/identities/file.rs", "KeyFile"),
    ("[[accounts.policies]]", "src/identities/file.rs", "PolicyFile"),
    ("[[accounts.users]]", "src/identities/file.rs", "UserFile"),
    ("[[accounts.groups]]", "src/identities/file.rs", "GroupFile"),
    ("[[accounts.roles]]", "src/identities/file.rs", "RoleFile"),
    ("[[accounts.oidc_providers]]", "src/identities/file.rs", "ProviderFile"),
];

/// Name, whether it is optional, and comment of each field of a struct.
fn fields(source: &str, name: &str) -> Vec<(String, bool, String)> {
    let text = std::fs::read_to_string(super::root().join(source)).unwrap();
    let start =
        text.find(&format!("struct {name} {{")).unwrap_or_else(|| panic!("{source} has no struct {name}"));
    // All fields of a struct with the attribute `default` are optional.
    let head = text[..start].rsplit("\n\n").next().unwrap();
    let all_default = head.contains("deny_unknown_fields, default");
    let body = text[start..].split_once("{\n").unwrap().1.split_once("\n}").unwrap().0;
    let (mut found, mut comment, mut optional) = (Vec::new(), String::new(), all_default);
    let mut renamed = None;
    for line in body.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("///") {
            comment = format!("{comment}{said}");
        } else if line.starts_with("#[serde(") {
            optional |= line.contains("default");
            renamed = line.split_once("rename = \"").and_then(|(_, rest)| rest.split('"').next());
        } else if let Some((field, _)) = line.trim_start_matches("pub ").split_once(':') {
            assert!(!comment.is_empty(), "{name}.{field} has no comment");
            let name = renamed.take().unwrap_or(field);
            found.push((name.to_owned(), optional, comment.trim().to_owned()));
            (comment, optional) = (String::new(), all_default);
        }
    }
    found
}

#[test]
fn the_configuration_file_is_documented() {
    let mut page = String::from(
        "# Configuration\n\nMade by a test from the structs that the file is read into. The file is TOML and is named by `--config`; a name that \
         is not in these tables stops the start. Flags and environment variables are on [another page](command-line.md); the \
         root key has [settings of its own](operations.md#root-key).\n",
    );
    for (place, source, name) in TABLES {
        write!(page, "\n## {place}\n\n| name | needed | meaning |\n|---|---|---|\n").unwrap();
        for (field, optional, comment) in fields(source, name) {
            writeln!(page, "| `{field}` | {} | {comment} |", if optional { "" } else { "yes" }).unwrap();
        }
    }
    let limits = Limits::default();
    write!(
        page,
        "\nWithout the file a secret has at most {} versions, {} labels and values of {} bytes.\n",
        limits.versions_per_secret, limits.labels_per_secret, limits.secret_data_bytes
    )
    .unwrap();
    super::compare("configuration.md", &page);
}
