//! Accounts of Redis.

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind,
    TlsCertificates, Value,
};
use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::quoting::redis_word;
use super::{Accounts, Change, Login, New, Refused, no_account, refused, unreachable};
use crate::domain::rotation::rotators::database::{Database, filled};
use crate::domain::rotation::{Cause, Failure};

/// Changes an account. The server gets the hash of its password, which is what an ACL file holds.
const CHANGE: &str = "ACL SETUSER {{name}} on resetpass #{{sha256}}";
/// The same with the password itself.
const CHANGE_PLAIN: &str = "ACL SETUSER {{name}} on resetpass >{{password}}";

/// Accounts of Redis.
#[derive(Debug)]
pub struct Redis<'a>(pub &'a Database);

impl Redis<'_> {
    fn client(&self, login: Option<Login<'_>>) -> Result<Client, Failure> {
        let unread =
            |_unsaid: RedisError| Failure::new(Cause::RotatorFailed, "the url of the rotator cannot be read");
        let info = self.0.url.reveal().into_connection_info().map_err(unread)?;
        let mut settings = info.redis_settings().clone();
        match (login, &self.0.password) {
            (Some(login), _) => settings = settings.set_username(login.name).set_password(login.password),
            (None, Some(password)) => settings = settings.set_password(password.reveal()),
            (None, None) => {}
        }
        let info = info.set_redis_settings(settings.set_skip_set_lib_name());
        let Some(file) = &self.0.ca_file else { return Client::open(info).map_err(unread) };
        let pem = std::fs::read(file).map_err(|error| {
            Failure::new(Cause::RotatorFailed, format!("cannot read the ca_file {file}: {error}"))
        })?;
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
        Client::build_with_tls(info, certificates).map_err(|error| {
            Failure::new(Cause::RotatorFailed, format!("the ca_file {file} cannot be used: {error}"))
        })
    }

    async fn connect(
        &self,
        login: Option<Login<'_>>,
    ) -> Result<Result<MultiplexedConnection, Refused>, Failure> {
        // The caller has a timeout of its own.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connected = self.client(login)?.get_multiplexed_async_connection_with_config(&config).await;
        connected.map(Ok).or_else(|error| match error.kind() {
            ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
                Ok(Err(Refused(said(&error))))
            }
            _ if error.code() == Some("WRONGPASS") => Ok(Err(Refused(said(&error)))),
            _ => Err(failure(&error)),
        })
    }

    async fn admin(&self) -> Result<MultiplexedConnection, Failure> {
        self.connect(None).await?.map_err(|Refused(why)| refused(why))
    }

    /// Sends a statement of words that blanks separate.
    async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        template: &str,
        values: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let mut command = ::redis::Cmd::new();
        // Split before it is filled: what is filled in stays one word.
        for word in words(template) {
            command.arg(filled(&word, values).reveal());
        }
        command.query_async::<Value>(connection).await.map(drop).map_err(|error| failure(&error))
    }

    /// Makes the server write its accounts down, where it has a file for them.
    async fn persist(&self, connection: &mut MultiplexedConnection) -> Result<(), Failure> {
        let Err(error) = ::redis::cmd("ACL").arg("SAVE").query_async::<Value>(connection).await else {
            return Ok(());
        };
        if !said(&error).contains("not configured to use an ACL file") {
            return Err(failure(&error));
        }
        let rewritten = ::redis::cmd("CONFIG").arg("REWRITE").query_async::<Value>(connection).await;
        match rewritten {
            Ok(_) => Ok(()),
            // It forgets all accounts at its end; `check` warns of that.
            Err(error) if said(&error).contains("without a config file") => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn set(&self, template: &str, login: Login<'_>, of: Option<&str>) -> Result<(), Failure> {
        let mut connection = self.admin().await?;
        let hash = const_hex::encode(Sha256::digest(login.password.as_bytes()));
        let (name, password) = (redis_word(login.name)?, redis_word(login.password)?);
        let of = redis_word(of.unwrap_or(name))?;
        let values = [("name", of), ("clone", name), ("password", password), ("sha256", &hash)];
        self.run(&mut connection, template, &values).await?;
        self.persist(&mut connection).await
    }

    /// What creates an account.
    fn creation(&self, privilege: Option<&str>) -> String {
        let password = if self.0.plain_password { ">{{password}}" } else { "#{{sha256}}" };
        let rights = match privilege {
            // What clients send while they connect is in no class of commands that read.
            Some("RoleReadOnly") => "~* +@read +@connection",
            _ => "~* &* +@all",
        };
        format!("ACL SETUSER {{{{clone}}}} on {password} {rights}")
    }
}

#[async_trait]
impl Accounts for Redis<'_> {
    async fn exists(&self, name: &str) -> Result<bool, Failure> {
        let mut connection = self.admin().await?;
        let found = ::redis::cmd("ACL").arg("GETUSER").arg(name).query_async::<Value>(&mut connection).await;
        found.map(|found| found != Value::Nil).map_err(|error| failure(&error))
    }

    async fn create(&self, new: &New<'_>) -> Result<(), Failure> {
        self.set(&self.creation(new.privilege), new.login, None).await
    }

    async fn ensure_clone(&self, of: &str, new: &New<'_>) -> Result<(), Failure> {
        if self.exists(new.login.name).await? {
            return Ok(());
        }
        let usual = self.creation(new.privilege);
        self.set(self.0.create_statement.as_deref().unwrap_or(&usual), new.login, Some(of)).await
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), Failure> {
        // ACL SETUSER would create an account without rights.
        if !self.exists(change.login.name).await? {
            return Err(no_account(change.login.name));
        }
        let usual = if self.0.plain_password { CHANGE_PLAIN } else { CHANGE };
        self.set(self.0.statement.as_deref().unwrap_or(usual), change.login, None).await
    }

    async fn keep(&self) -> Result<(), Failure> {
        self.persist(&mut self.admin().await?).await
    }

    async fn login(&self, login: Login<'_>) -> Result<Result<(), Refused>, Failure> {
        Ok(self.connect(Some(login)).await?.map(drop))
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        let mut connection = self.admin().await?;
        self.run(&mut connection, "ACL DELUSER {{name}}", &[("name", name)]).await?;
        self.persist(&mut connection).await
    }

    async fn check(&self) -> Result<String, Failure> {
        let mut connection = self.admin().await?;
        let me = ::redis::cmd("ACL").arg("WHOAMI").query_async::<String>(&mut connection).await;
        let me = me.map_err(|error| failure(&error))?;
        for command in [&["ACL", "SETUSER"][..], &["ACL", "GETUSER"], &["ACL", "SAVE"]] {
            let mut tried = ::redis::cmd("ACL");
            tried.arg("DRYRUN").arg(&me).arg(command).arg(if command.contains(&"SAVE") {
                &[][..]
            } else {
                &["sesame"]
            });
            // Redis before 7 has no dry run.
            if let Ok(answer) = tried.query_async::<String>(&mut connection).await
                && answer != "OK"
            {
                let command = command.join("|").to_lowercase();
                return Err(refused(format!(
                    "the account {me} may not run {command}; an administrator grants that with: ACL SETUSER {me} +acl +config|get +config|rewrite +info"
                )));
            }
        }
        let file = ::redis::cmd("CONFIG")
            .arg("GET")
            .arg("aclfile")
            .query_async::<Vec<String>>(&mut connection)
            .await;
        let file = file.map_err(|error| failure(&error))?.pop().unwrap_or_default();
        let info = ::redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await;
        let info = info.map_err(|error| failure(&error))?;
        let of = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches(':').trim().to_owned()
        };
        let kept = match (file.is_empty(), of("config_file").is_empty()) {
            (false, _) => format!("accounts are kept in the ACL file {file}"),
            (true, false) => format!("accounts are kept in {}", of("config_file")),
            (true, true) => {
                "WARNING: it has neither an ACL file nor a configuration file, so it forgets changed passwords when it restarts; \
                 start it with --aclfile FILE or with a configuration file"
                    .to_owned()
            }
        };
        let tls = if self.0.url.reveal().starts_with("rediss:") { "with TLS" } else { "WITHOUT TLS" };
        Ok(format!(
            "Redis {}, connected {tls}; the account {me} may alter accounts; {kept}",
            of("redis_version")
        ))
    }
}

/// The words of a statement. Blanks in double braces separate nothing.
fn words(template: &str) -> Vec<String> {
    let mut tight = String::with_capacity(template.len());
    let mut inside = false;
    for (at, one) in template.char_indices() {
        let rest = template.get(at..).unwrap_or_default();
        inside = if inside { !rest.starts_with("}}") } else { rest.starts_with("{{") };
        if !(inside && one.is_whitespace()) {
            tight.push(one);
        }
    }
    tight.split_whitespace().map(str::to_owned).collect()
}

/// The server's own words.
fn said(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

fn failure(error: &RedisError) -> Failure {
    let said = said(error);
    match error.kind() {
        ErrorKind::Io | ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
            unreachable(said)
        }
        ErrorKind::InvalidClientConfig => Failure::new(Cause::RotatorFailed, said),
        _ => refused(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_split_before_it_is_filled() {
        assert_eq!(
            words("ACL  SETUSER {{ name }} on >{{password}} ~a:*"),
            ["ACL", "SETUSER", "{{name}}", "on", ">{{password}}", "~a:*"]
        );
        let filled: Vec<_> = words("SETUSER {{ name }} >{{password}}")
            .iter()
            .map(|word| {
                filled(word, &[("name", "a b"), ("password", "c +@all {{name}}")]).reveal().to_owned()
            })
            .collect();
        assert_eq!(filled, ["SETUSER", "a b", ">c +@all {{name}}"]);
    }
}
