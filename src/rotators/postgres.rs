//! Roles of PostgreSQL.

use std::str::FromStr;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, PgConnection, Row};

use super::quoting::{postgres_name, postgres_text};
use super::{Accounts, Change, Login, New, Refused, no_account, refused, scram, unreachable};
use crate::domain::rotation::rotators::database::{Database, filled};
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure};

/// Changes an account.
const CHANGE: &str = "ALTER ROLE {{name}} WITH LOGIN PASSWORD {{password}}";
/// Changes the account that is logged in. A role may not give itself LOGIN.
const CHANGE_OWN: &str = "ALTER ROLE {{name}} PASSWORD {{password}}";
/// Creates the second account. It has no password until it is changed.
const CLONE: &str = "CREATE ROLE {{clone}} LOGIN; GRANT {{name}} TO {{clone}}";

/// Roles of PostgreSQL.
#[derive(Debug)]
pub struct Postgres<'a>(pub &'a Database);

impl Postgres<'_> {
    fn options(&self) -> Result<PgConnectOptions, Failure> {
        let url = self.0.url.reveal();
        // The parser's own message could repeat a part of the URL.
        let options = PgConnectOptions::from_str(url)
            .map_err(|_unsaid| Failure::new(Cause::RotatorFailed, "the url of the rotator cannot be read"))?;
        let mut options = options.disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("sesame rotation");
        }
        if let Some(file) = &self.0.ca_file {
            options = options.ssl_root_cert(file);
            if !url.contains("sslmode=") {
                options = options.ssl_mode(PgSslMode::VerifyFull);
            }
        }
        Ok(match &self.0.password {
            Some(password) => options.password(password.reveal()),
            None => options,
        })
    }

    async fn admin(&self) -> Result<PgConnection, Failure> {
        self.options()?.connect().await.map_err(|error| failure(&error, None))
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        statement: Hidden,
        account: Option<&str>,
    ) -> Result<(), Failure> {
        let sql = AssertSqlSafe(statement.reveal().to_owned());
        let done = sqlx::raw_sql(sql).execute(connection).await;
        done.map(drop).map_err(|error| failure(&error, account))
    }

    /// What a statement gets as `{{password}}`, quoted.
    fn proof(&self, password: &str, salt: &[u8; 16]) -> Result<Hidden, Failure> {
        let verifier = if self.0.plain_password { None } else { scram::verifier(password, salt) };
        match verifier {
            Some(verifier) => postgres_text(&verifier),
            None if self.0.plain_password => postgres_text(password),
            None => Err(Failure::new(
                Cause::RotatorFailed,
                "a verifier can be computed only for a password of printable ASCII; set plain_password = true",
            )),
        }
    }
}

#[async_trait]
impl Accounts for Postgres<'_> {
    async fn exists(&self, name: &str) -> Result<bool, Failure> {
        let mut connection = self.admin().await?;
        let found = sqlx::query("SELECT 1 FROM pg_roles WHERE rolname = $1").bind(name);
        let found = found.fetch_optional(&mut connection).await.map_err(|error| failure(&error, None))?;
        close(connection).await;
        Ok(found.is_some())
    }

    async fn create(&self, new: &New<'_>) -> Result<(), Failure> {
        let (name, password) = (postgres_name(new.login.name)?, self.proof(new.login.password, &new.salt)?);
        let values = [("name", name.as_str()), ("password", password.reveal())];
        let mut connection = self.admin().await?;
        let statement = filled("CREATE ROLE {{name}} LOGIN PASSWORD {{password}}", &values);
        self.run(&mut connection, statement, None).await?;
        close(connection).await;
        Ok(())
    }

    async fn ensure_clone(&self, of: &str, new: &New<'_>) -> Result<(), Failure> {
        if self.exists(new.login.name).await? {
            return Ok(());
        }
        let (name, clone) = (postgres_name(of)?, postgres_name(new.login.name)?);
        let password = self.proof(new.login.password, &new.salt)?;
        let values = [("name", name.as_str()), ("clone", &clone), ("password", password.reveal())];
        let mut connection = self.admin().await?;
        let statement = filled(self.0.create_statement.as_deref().unwrap_or(CLONE), &values);
        self.run(&mut connection, statement, Some(of)).await?;
        close(connection).await;
        Ok(())
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), Failure> {
        let Login { name, password } = change.login;
        let (quoted, proof) = (postgres_name(name)?, self.proof(password, &change.salt)?);
        let values = [("name", quoted.as_str()), ("password", proof.reveal())];
        let (mut connection, usual) = match change.own {
            None => (self.admin().await?, CHANGE),
            Some(own) => {
                let options = self.options()?.username(name).password(own);
                (options.connect().await.map_err(|error| failure(&error, None))?, CHANGE_OWN)
            }
        };
        let statement = filled(self.0.statement.as_deref().unwrap_or(usual), &values);
        self.run(&mut connection, statement, Some(name)).await?;
        close(connection).await;
        Ok(())
    }

    async fn login(&self, login: Login<'_>) -> Result<Result<(), Refused>, Failure> {
        match self.options()?.username(login.name).password(login.password).connect().await {
            Ok(connection) => {
                close(connection).await;
                Ok(Ok(()))
            }
            Err(error) => match code(&error).as_deref() {
                // The password was good; the account may not use this database.
                Some("42501" | "3D000") => Ok(Ok(())),
                Some(code) if code.starts_with("28") => Ok(Err(Refused(said(&error)))),
                _ => Err(failure(&error, None)),
            },
        }
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        let mut connection = self.admin().await?;
        let quoted = postgres_name(name)?;
        self.run(&mut connection, filled("DROP ROLE {{name}}", &[("name", &quoted)]), Some(name)).await?;
        close(connection).await;
        Ok(())
    }

    async fn check(&self) -> Result<String, Failure> {
        if self.0.as_account {
            // Only the accounts themselves log in, and their passwords belong to secrets.
            let answer = Login { name: "sesame-check", password: "wrong" };
            return match self.login(answer).await? {
                Ok(()) => Err(refused(
                    "the server lets an account in without its password (pg_hba.conf says trust)",
                )),
                Err(Refused(_)) => {
                    Ok("the server answers and asks for passwords; accounts change their own".to_owned())
                }
            };
        }
        let mut connection = self.admin().await?;
        let row = sqlx::query(
            "SELECT current_user::text, rolsuper, rolcreaterole, current_setting('server_version_num')::int4, \
             current_setting('server_version'), COALESCE((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false), \
             pg_is_in_recovery() FROM pg_roles WHERE rolname = current_user",
        );
        let row = row.fetch_one(&mut connection).await.map_err(|error| failure(&error, None))?;
        close(connection).await;
        let read = |error: Error| failure(&error, None);
        let (user, is_super, creates): (String, bool, bool) =
            (row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?, row.try_get(2).map_err(read)?);
        let (number, version): (i32, String) = (row.try_get(3).map_err(read)?, row.try_get(4).map_err(read)?);
        let (tls, standby): (bool, bool) = (row.try_get(5).map_err(read)?, row.try_get(6).map_err(read)?);
        if standby {
            return Err(refused(
                "the server is a standby, which changes no roles; url must name the primary",
            ));
        }
        let name = postgres_name(&user)?;
        if !is_super && !creates {
            return Err(refused(format!(
                "the role {user} may not alter other roles; a superuser grants that with: ALTER ROLE {name} CREATEROLE"
            )));
        }
        let tls = if tls { "with TLS" } else { "WITHOUT TLS" };
        let more = if !is_super && number >= 160_000 {
            format!(
                "; it may alter only roles that it created or that are granted to it: GRANT app TO {name} WITH ADMIN OPTION"
            )
        } else {
            String::new()
        };
        Ok(format!("PostgreSQL {version}, connected {tls}; the role {user} may alter roles{more}"))
    }
}

/// Ends a connection in order. That it could not be told does not matter.
async fn close(connection: PgConnection) {
    drop(connection.close().await);
}

fn code(error: &Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// The server's own words, with its hint.
fn said(error: &Error) -> String {
    let Some(database) = error.as_database_error() else { return error.to_string() };
    let hint = database.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::hint);
    let detail = database.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::detail);
    let parts: Vec<&str> = [Some(database.message()), detail, hint].into_iter().flatten().collect();
    parts.join("; ")
}

fn failure(error: &Error, account: Option<&str>) -> Failure {
    let said = said(error);
    match (code(error).as_deref(), account) {
        (Some("42704"), Some(name)) => no_account(name),
        // Starting, stopping, or out of connections.
        (Some(code), _) if code.starts_with("57P") || code.starts_with("08") || code == "53300" => {
            unreachable(said)
        }
        (Some(_), _) => refused(said),
        (None, _) if matches!(error, Error::Configuration(_)) => Failure::new(Cause::RotatorFailed, said),
        (None, _) => unreachable(said),
    }
}
