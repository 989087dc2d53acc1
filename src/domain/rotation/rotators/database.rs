//! Rotators of kinds postgres, mysql and redis: what the configuration file may say of them (rules DY10.1, DY10.3, DY11).

use super::{Kind, RotatorFile};
use crate::domain::SecretType;
use crate::domain::rotation::value::Hidden;

/// A database server with accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// Redis and Valkey.
    Redis,
}

impl Engine {
    /// The engine of a kind; `None` for kinds that are no database.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Postgres => Some(Self::Postgres),
            Kind::Mysql => Some(Self::Mysql),
            Kind::Redis => Some(Self::Redis),
            Kind::Simulate | Kind::Ram | Kind::Webhook | Kind::Command | Kind::Generator => None,
        }
    }

    /// The beginnings of its URLs, the usual one first.
    const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres", "postgresql"],
            Self::Mysql => &["mysql", "mariadb"],
            Self::Redis => &["redis", "rediss"],
        }
    }

    /// The parameters that its URLs may have. The client libraries ignore others, or log them with their values.
    const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "application_name"],
            Self::Mysql => &["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"],
            Self::Redis => &[],
        }
    }

    /// A URL, for messages.
    const fn example(self) -> &'static str {
        match self {
            Self::Postgres => "postgres://admin@127.0.0.1:5432/orders?sslmode=require",
            Self::Mysql => "mysql://admin@127.0.0.1:3306?ssl-mode=REQUIRED",
            Self::Redis => "rediss://admin@127.0.0.1:6379",
        }
    }

    /// What `statement` may name in double braces.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["name", "password"],
            Self::Mysql => &["name", "host", "password"],
            Self::Redis => &["name", "password", "sha256"],
        }
    }
}

/// A checked rotator of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "these are the switches of the configuration file")]
pub struct Database {
    /// Which database.
    pub engine: Engine,
    /// Where it is, and who logs in. It may hold a password.
    pub url: Hidden,
    /// The password of who logs in, instead of one in the URL.
    pub password: Option<Hidden>,
    /// Whether accounts are created that the secret needs and the database does not have; default true.
    pub create_accounts: bool,
    /// Whether a changed account is tried by a login; default true.
    pub verify: bool,
    /// The statement that changes an account, instead of the usual one.
    pub statement: Option<String>,
    /// The statement that creates the second account, instead of the usual one.
    pub create_statement: Option<String>,
    /// Whether the account changes its own password, logged in with its current one, instead of an administrator.
    pub as_account: bool,
    /// Whether the database gets the password itself, and not a verifier or hash that is computed here; default false.
    pub plain_password: bool,
    /// Kind mysql: the host part of accounts; default `%`.
    pub host: String,
    /// The longest that one step at the database may take, in milliseconds, 100 to 30,000; default 10,000.
    pub timeout_ms: u64,
    /// A file with certificates (PEM) that sign the database's own, instead of those of the system.
    pub ca_file: Option<String>,
}

impl Database {
    /// Whether the URL holds a password, which is better kept in a variable or a file.
    pub fn has_password_in_url(&self) -> bool {
        parts(self.url.reveal()).is_some_and(|parts| parts.password.is_some())
    }

    /// The password in the URL, as it is written and as it is meant.
    pub fn password_in_url(&self) -> Vec<Hidden> {
        let password = parts(self.url.reveal()).and_then(|parts| parts.password);
        password.into_iter().flat_map(|text| [Hidden::new(text.to_owned()), percent_decoded(text)]).collect()
    }

    /// The URL without its password.
    pub fn shown_url(&self) -> String {
        let url = self.url.reveal();
        let Some(parts) = parts(url) else { return String::new() };
        match parts.password {
            None => url.to_owned(),
            Some(_) => format!("{}://{}@{}", parts.scheme, parts.user, parts.rest),
        }
    }
}

/// A URL in parts.
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    password: Option<&'a str>,
    /// Host, port, path and query.
    rest: &'a str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
    let (user, password, rest) = match authority.rfind('@') {
        None => ("", None, rest),
        Some(at) => {
            let login = rest.get(..at)?;
            let (user, password) = match login.split_once(':') {
                None => (login, None),
                Some((user, password)) => (user, Some(password)),
            };
            (user, password, rest.get(at + 1..)?)
        }
    };
    Some(Parts { scheme, user, password, rest })
}

/// A text of a URL without percent signs; bytes that are no text are replaced.
fn percent_decoded(text: &str) -> Hidden {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Hidden::new(String::from_utf8_lossy(&bytes).into_owned())
}

/// The members that only databases have, and whether a rotator gives them.
pub(super) fn given(file: &RotatorFile) -> [(&'static str, bool); 11] {
    [
        ("url", file.url.is_some()),
        ("password_env", file.password_env.is_some()),
        ("password_file", file.password_file.is_some()),
        ("create_accounts", file.create_accounts.is_some()),
        ("verify", file.verify.is_some()),
        ("statement", file.statement.is_some()),
        ("create_statement", file.create_statement.is_some()),
        ("connect_as", file.connect_as.is_some()),
        ("plain_password", file.plain_password.is_some()),
        ("host", file.host.is_some()),
        ("ca_file", file.ca_file.is_some()),
    ]
}

/// The database of a rotator; `None` for the kinds that have none.
///
/// # Errors
/// What is wrong, in one line without the name of the rotator. No value of the URL is repeated.
pub fn checked(
    kind: Kind,
    secret_type: Option<SecretType>,
    file: &RotatorFile,
) -> Result<Option<Database>, String> {
    let of = format!("kind {}", kind.as_str());
    let Some(engine) = Engine::of(kind) else {
        let given = given(file).into_iter().find(|(_, is_given)| *is_given);
        return match given {
            Some((member, _)) => Err(format!("{of} takes no {member}; kinds postgres, mysql and redis do")),
            None if file.timeout.is_some() => Err(format!("{of} takes no timeout")),
            None => Ok(None),
        };
    };
    let url = file
        .url
        .clone()
        .ok_or_else(|| format!("{of} needs url, for example url = \"{}\"", engine.example()))?;
    check_url(engine, url.reveal()).map_err(|why| format!("{of}: {why}"))?;
    if file.password_env.is_some() && file.password_file.is_some() {
        return Err(format!("{of}: set either password_env or password_file, not both"));
    }
    let as_account = match file.connect_as.as_deref() {
        None | Some("admin") => false,
        Some("account") => true,
        Some(_) => return Err(format!("{of}: connect_as is neither \"admin\" nor \"account\"")),
    };
    let typed = secret_type.filter(|secret_type| *secret_type != SecretType::Rds);
    if as_account && (engine == Engine::Redis || typed.is_some()) {
        let of_type = typed.map_or("Redis", SecretType::as_str);
        return Err(format!(
            "{of} with connect_as = \"account\" does not fit type {of_type}: it changes the one account of an Rds \
             secret with SecretSubType SingleUser"
        ));
    }
    if file.host.is_some() && engine != Engine::Mysql {
        return Err(format!("{of} takes no host; only accounts of kind mysql have one"));
    }
    if file.plain_password.is_some() && engine == Engine::Mysql {
        return Err(format!("{of} takes no plain_password; kinds postgres and redis do"));
    }
    for (member, statement, names) in [
        ("statement", &file.statement, engine.names().to_vec()),
        ("create_statement", &file.create_statement, [engine.names(), &["clone"]].concat()),
    ] {
        let Some(statement) = statement else { continue };
        check_template(statement, &names).map_err(|why| format!("{of}: {member} {why}"))?;
    }
    Ok(Some(Database {
        engine,
        url,
        password: file.admin_password.clone(),
        create_accounts: file.create_accounts.unwrap_or(true),
        verify: file.verify.unwrap_or(true),
        statement: file.statement.clone(),
        create_statement: file.create_statement.clone(),
        as_account,
        plain_password: file.plain_password.unwrap_or(false),
        host: file.host.clone().unwrap_or_else(|| "%".to_owned()),
        timeout_ms: timeout(file.timeout.as_deref()).map_err(|why| format!("{of}: {why}"))?,
        ca_file: file.ca_file.clone(),
    }))
}

fn check_url(engine: Engine, url: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("url {why}, for example url = \"{}\"", engine.example()));
    let Some(parts) = parts(url) else { return wrong("has no scheme") };
    if !engine.schemes().contains(&parts.scheme) {
        return wrong(&format!("does not begin with {}://", engine.schemes().join(":// or ")));
    }
    if parts.rest.is_empty() || (parts.rest.starts_with(['/', ':']) && !parts.rest.contains("host=")) {
        return wrong("names no host");
    }
    if parts.rest.contains('#') {
        return wrong("has a #; in a user or password it is written as %23");
    }
    let query = parts.rest.split_once('?').map(|(_, query)| query).unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        if !engine.parameters().contains(&name) {
            let known = match engine.parameters() {
                [] => "it takes none".to_owned(),
                known => format!("known ones are {}", known.join(", ")),
            };
            return Err(format!(
                "url has an unknown parameter; {known} (a ? in a password is written as %3F, a / as %2F)"
            ));
        }
    }
    Ok(())
}

/// A length of time such as `10s` or `500ms`, in milliseconds.
pub(super) fn timeout(text: Option<&str>) -> Result<u64, String> {
    let Some(text) = text else { return Ok(10_000) };
    let (digits, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 1000),
        (None, None) => ("", 0),
    };
    let ms = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let ms = ms.filter(|ms| (100..=30_000).contains(ms));
    ms.ok_or_else(|| format!("timeout \"{text}\" is not from 100ms to 30s, for example 10s"))
}

/// Refuses a statement with a name in double braces that does not exist.
fn check_template(template: &str, names: &[&str]) -> Result<(), String> {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return Err("has {{ without }}".to_owned());
        };
        if !names.contains(&name.trim()) {
            return Err(format!("has {{{{{name}}}}}, which is not one of {}", names.join(", ")));
        }
        rest = after;
    }
    if template.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(()) }
}

/// Fills the names in double braces of a checked statement. What is filled in is not read again.
pub fn filled(template: &str, values: &[(&str, &str)]) -> Hidden {
    let (mut made, mut rest) = (String::with_capacity(template.len() + 256), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        made.push_str(before);
        let value = values.iter().find(|(known, _)| *known == name.trim());
        made.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    made.push_str(rest);
    Hidden::new(made)
}

#[cfg(test)]
mod tests {
    use super::super::Rotators;
    use super::*;

    fn said(toml: &str) -> String {
        let file: RotatorFile = toml::from_str(&format!("name='a'\n{toml}")).unwrap();
        Rotators::new(&[file]).unwrap_err()
    }

    fn database(toml: &str) -> Database {
        let file: RotatorFile = toml::from_str(&format!("name='a'\n{toml}")).unwrap();
        Rotators::new(&[file]).unwrap().named("a").unwrap().database.clone().unwrap()
    }

    const PG: &str = "type='Rds'\nkind='postgres'\n";

    #[test]
    fn rule_dy10_3_a_wrong_combination_names_the_rotator_the_kind_and_the_type() {
        let cases = [
            ("type='Redis'\nkind='postgres'\nurl='postgres://h'", "kind postgres does not fit type Redis"),
            ("type='Rds'\nkind='redis'\nurl='redis://h'", "kind redis does not fit type Rds"),
            ("type='ECS'\nkind='mysql'\nurl='mysql://h'", "kind mysql does not fit type ECS"),
            ("type='Rds'\nkind='simulate'\nverify=true", "kind simulate takes no verify"),
            ("type='RAMCredentials'\nkind='ram'\ntimeout='1s'", "kind ram takes no timeout"),
            ("type='Rds'\nkind='mysql'", "kind mysql needs url, for example"),
            ("type='Rds'\nkind='mysql'\nurl='postgres://h'", "kind mysql: url does not begin with mysql://"),
            ("type='Rds'\nkind='mysql'\nurl='mysql:///x'", "kind mysql: url names no host"),
            ("type='Rds'\nkind='mysql'\nurl='h'", "kind mysql: url has no scheme"),
            ("type='Rds'\nkind='mysql'\nurl='mysql://h'\nplain_password=true", "takes no plain_password"),
            (
                "type='PolarDB'\nkind='mysql'\nurl='mysql://h'\nconnect_as='account'",
                "kind mysql with connect_as = \"account\" does not fit type PolarDB",
            ),
            (
                "type='Redis'\nkind='redis'\nurl='redis://h'\nconnect_as='account'",
                "kind redis with connect_as = \"account\" does not fit type Redis",
            ),
        ];
        for (toml, wanted) in cases {
            let said = said(toml);
            assert!(said.starts_with("rotator \"a\": ") && said.contains(wanted), "{toml}: {said}");
        }
        for (more, wanted) in [
            ("host='%'", "kind postgres takes no host"),
            ("connect_as='me'", "connect_as is neither"),
            ("timeout='31s'", "timeout \"31s\" is not from 100ms to 30s"),
            ("timeout='5'", "timeout \"5\" is not"),
            ("password_env='A'\npassword_file='b'", "either password_env or password_file"),
            ("statement='ALTER {{nam}}'", "statement has {{nam}}, which is not one of name, password"),
            ("statement='ALTER {{name'", "statement has {{ without }}"),
            ("create_statement=''", "create_statement is empty"),
        ] {
            let said = said(&format!("{PG}url='postgres://h'\n{more}"));
            assert!(said.contains(wanted), "{more}: {said}");
        }
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        for url in [
            "postgres://a:hush@h/d?hush=1",
            "postgres://a:hu?sh@h",
            "hush",
            "mysql://a:hush@h",
            "postgres://a:hush@h#x",
        ] {
            let said = said(&format!("{PG}url='{url}'"));
            assert!(!said.contains("hush") && !said.contains("sh@"), "{said}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_accepted_noticed_and_not_shown() {
        let with = database(&format!("{PG}url='postgres://admin:hush@h:5/d?sslmode=require'"));
        assert!(with.has_password_in_url());
        assert_eq!(with.shown_url(), "postgres://admin@h:5/d?sslmode=require");
        let percent = database(&format!("{PG}url='postgres://admin:h%25%2Fush%@h'"));
        let [written, meant] = percent.password_in_url().try_into().unwrap();
        assert_eq!((written.reveal(), meant.reveal()), ("h%25%2Fush%", "h%/ush%"));
        assert!(!format!("{with:?}").contains("hush"));
        let without = database(&format!("{PG}url='postgres://admin@h'"));
        assert!(!without.has_password_in_url());
        assert_eq!(without.shown_url(), "postgres://admin@h");
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let database = database(&format!("{PG}url='postgres://h'\ntimeout='500ms'"));
        assert!(
            database.create_accounts && database.verify && !database.as_account && !database.plain_password
        );
        assert_eq!((database.host.as_str(), database.timeout_ms), ("%", 500));
    }

    #[test]
    fn what_is_filled_into_a_statement_is_not_read_again() {
        let made =
            filled("A {{name}} B {{ password }} {{name}}", &[("name", "{{password}}"), ("password", "x")]);
        assert_eq!(made.reveal(), "A {{password}} B x {{password}}");
    }
}
