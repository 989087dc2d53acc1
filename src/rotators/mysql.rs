//! Accounts of MySQL and MariaDB.

use std::str::FromStr;

use async_trait::async_trait;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, MySqlConnection, Row};

use super::quoting::{mysql_name, mysql_text};
use super::{Accounts, Change, Login, New, Refused, grants, no_account, refused, unreachable};
use crate::domain::rotation::rotators::database::{Database, filled};
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure};

/// Changes an account.
const CHANGE: &str = "ALTER USER {{name}}@{{host}} IDENTIFIED BY {{password}}";
/// Changes the account that is logged in, at MySQL and at MariaDB. Neither needs a right for it.
const CHANGE_OWN: [&str; 2] =
    ["ALTER USER USER() IDENTIFIED BY {{password}}", "SET PASSWORD = PASSWORD({{password}})"];
/// Creates an account.
const CREATE: &str = "CREATE USER {{clone}}@{{host}} IDENTIFIED BY {{password}}";
/// Creates it unless it exists.
const ENSURE: &str = "CREATE USER IF NOT EXISTS {{clone}}@{{host}} IDENTIFIED BY {{password}}";

/// Accounts of MySQL and MariaDB.
#[derive(Debug)]
pub struct Mysql<'a>(pub &'a Database);

impl Mysql<'_> {
    fn options(&self) -> Result<MySqlConnectOptions, Failure> {
        let url = self.0.url.reveal();
        // The parser's own message could repeat a part of the URL.
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|_unsaid| Failure::new(Cause::RotatorFailed, "the url of the rotator cannot be read"))?;
        let mut options = options.disable_statement_logging();
        if let Some(file) = &self.0.ca_file {
            options = options.ssl_ca(file);
            if !url.contains("ssl-mode=") {
                options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
            }
        }
        Ok(match &self.0.password {
            Some(password) => options.password(password.reveal()),
            None => options,
        })
    }

    /// Connects. Quotes mean the same in each session, whatever the server's `sql_mode` is.
    async fn connect(&self, options: MySqlConnectOptions) -> Result<MySqlConnection, Failure> {
        let mut connection = options.connect().await.map_err(|error| failure(&error, None))?;
        self.run(&mut connection, Hidden::new("SET SESSION sql_mode = ''".to_owned()), None).await?;
        Ok(connection)
    }

    async fn admin(&self) -> Result<MySqlConnection, Failure> {
        self.connect(self.options()?).await
    }

    async fn run(
        &self,
        connection: &mut MySqlConnection,
        statement: Hidden,
        account: Option<&str>,
    ) -> Result<(), Failure> {
        let sql = AssertSqlSafe(statement.reveal().to_owned());
        let done = sqlx::raw_sql(sql).execute(connection).await;
        done.map(drop).map_err(|error| failure(&error, account))
    }

    /// An account as statements name it.
    fn account(&self, name: &str) -> Result<String, Failure> {
        Ok(format!("{}@{}", mysql_text(name)?.reveal(), mysql_text(&self.0.host)?.reveal()))
    }

    /// The lines of SHOW GRANTS.
    async fn grants(&self, connection: &mut MySqlConnection, name: &str) -> Result<Vec<String>, Failure> {
        let sql = AssertSqlSafe(format!("SHOW GRANTS FOR {}", self.account(name)?));
        let rows =
            sqlx::raw_sql(sql).fetch_all(connection).await.map_err(|error| failure(&error, Some(name)))?;
        rows.iter().map(|row| row.try_get(0).map_err(|error| failure(&error, None))).collect()
    }
}

#[async_trait]
impl Accounts for Mysql<'_> {
    async fn exists(&self, name: &str) -> Result<bool, Failure> {
        let mut connection = self.admin().await?;
        let found = self.grants(&mut connection, name).await;
        close(connection).await;
        match found {
            Ok(_) => Ok(true),
            Err(Failure { cause: Cause::AccountNotFound, .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    async fn create(&self, new: &New<'_>) -> Result<(), Failure> {
        let account = self.account(new.login.name)?;
        let grant = match (new.database, new.privilege) {
            (None, _) => None,
            (Some(database), privilege) => {
                let rights = rights(privilege.unwrap_or("ReadWrite"))?;
                Some(Hidden::new(format!("GRANT {rights} ON {}.* TO {account}", mysql_name(database)?)))
            }
        };
        let (name, host) = (mysql_text(new.login.name)?, mysql_text(&self.0.host)?);
        let password = mysql_text(new.login.password)?;
        let values = [("clone", name.reveal()), ("host", host.reveal()), ("password", password.reveal())];
        let mut connection = self.admin().await?;
        self.run(&mut connection, filled(CREATE, &values), None).await?;
        if let Some(grant) = grant {
            self.run(&mut connection, grant, None).await?;
        }
        close(connection).await;
        Ok(())
    }

    async fn ensure_clone(&self, of: &str, new: &New<'_>) -> Result<(), Failure> {
        if self.0.create_statement.is_some() && self.exists(new.login.name).await? {
            return Ok(());
        }
        let (name, clone) = (mysql_text(of)?, mysql_text(new.login.name)?);
        let (host, password) = (mysql_text(&self.0.host)?, mysql_text(new.login.password)?);
        let values = [
            ("name", name.reveal()),
            ("clone", clone.reveal()),
            ("host", host.reveal()),
            ("password", password.reveal()),
        ];
        let mut connection = self.admin().await?;
        // Read first: without the first account, or the right to see its grants, nothing is created.
        let lines = self.grants(&mut connection, of).await?;
        let statement = filled(self.0.create_statement.as_deref().unwrap_or(ENSURE), &values);
        self.run(&mut connection, statement, None).await?;
        // Also for an account that exists: a crash may have left it without some of them.
        if self.0.create_statement.is_none() {
            let clone = self.account(new.login.name)?;
            for grant in lines.iter().filter_map(|line| grants::for_clone(line, &clone)) {
                self.run(&mut connection, Hidden::new(grant), None).await?;
            }
        }
        close(connection).await;
        Ok(())
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), Failure> {
        let Login { name, password } = change.login;
        let (quoted, host, password) = (mysql_text(name)?, mysql_text(&self.0.host)?, mysql_text(password)?);
        let values = [("name", quoted.reveal()), ("host", host.reveal()), ("password", password.reveal())];
        let (mut connection, usual) = match change.own {
            None => (self.admin().await?, CHANGE),
            Some(own) => {
                let mut connection = self.connect(self.options()?.username(name).password(own)).await?;
                let [mysql, mariadb] = CHANGE_OWN;
                let is_mariadb = version(&mut connection).await?.contains("MariaDB");
                (connection, if is_mariadb { mariadb } else { mysql })
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
            Err(error) => match number(&error) {
                // The password was good; the account may not use this database.
                Some(1044 | 1049) => Ok(Ok(())),
                // Wrong, from another host, locked, expired, of an unknown kind.
                Some(1045 | 1130 | 1698 | 3118 | 4151 | 1862 | 1820 | 1251) => Ok(Err(Refused(said(&error)))),
                _ => Err(failure(&error, None)),
            },
        }
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        let mut connection = self.admin().await?;
        let statement = Hidden::new(format!("DROP USER {}", self.account(name)?));
        self.run(&mut connection, statement, Some(name)).await?;
        close(connection).await;
        Ok(())
    }

    async fn check(&self) -> Result<String, Failure> {
        if self.0.as_account {
            // Only the accounts themselves log in, and their passwords belong to secrets.
            let answer = Login { name: "sesame-check", password: "wrong" };
            return match self.login(answer).await? {
                Ok(()) => Err(refused("the server lets an unknown account in with any password")),
                Err(Refused(_)) => {
                    Ok("the server answers and asks for passwords; accounts change their own".to_owned())
                }
            };
        }
        let mut connection = self.admin().await?;
        let version = version(&mut connection).await?;
        let rows = sqlx::raw_sql("SHOW GRANTS").fetch_all(&mut connection).await;
        let rows = rows.map_err(|error| failure(&error, None))?;
        let state =
            sqlx::raw_sql("SELECT CURRENT_USER(), @@GLOBAL.read_only <> 0").fetch_one(&mut connection).await;
        let state = state.map_err(|error| failure(&error, None))?;
        let tls =
            sqlx::raw_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").fetch_optional(&mut connection).await;
        let tls = tls.ok().flatten().and_then(|row| row.try_get::<String, _>(1).ok());
        close(connection).await;
        let read = |error: Error| failure(&error, None);
        let lines: Vec<String> =
            rows.iter().map(|row| row.try_get(0).map_err(read)).collect::<Result<_, _>>()?;
        let (user, read_only): (String, bool) =
            (state.try_get(0).map_err(read)?, state.try_get(1).map_err(read)?);
        let of_all = |line: &&String| line.contains(" ON *.* ");
        let may = lines
            .iter()
            .filter(of_all)
            .any(|line| line.contains("ALL PRIVILEGES") || line.contains("CREATE USER"));
        if !may {
            return Err(refused(format!(
                "the account {user} may not alter accounts; an administrator grants that with: GRANT CREATE USER ON *.* TO {user} \
                 (to create second accounts it also needs what they get, WITH GRANT OPTION, and SELECT ON mysql.*)"
            )));
        }
        if read_only && !lines.iter().any(|line| line.contains("ALL PRIVILEGES ON *.*")) {
            return Err(refused("the server is read_only; url must name the primary"));
        }
        let tls = if tls.is_some_and(|cipher| !cipher.is_empty()) { "with TLS" } else { "WITHOUT TLS" };
        Ok(format!("{version}, connected {tls}; the account {user} may alter accounts"))
    }
}

/// The rights behind a word of `AccountPrivilege`.
fn rights(privilege: &str) -> Result<&'static str, Failure> {
    Ok(match privilege {
        "ReadWrite" => "ALL PRIVILEGES",
        "ReadOnly" => "SELECT, LOCK TABLES, SHOW VIEW",
        "DMLOnly" => {
            "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, SHOW VIEW, EVENT, TRIGGER"
        }
        "DDLOnly" => {
            "CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE"
        }
        _ => {
            return Err(refused("AccountPrivilege is not one of ReadWrite, ReadOnly, DMLOnly, DDLOnly"));
        }
    })
}

async fn version(connection: &mut MySqlConnection) -> Result<String, Failure> {
    let row = sqlx::raw_sql("SELECT VERSION()").fetch_one(connection).await;
    let version: Result<String, _> = row.and_then(|row| row.try_get(0));
    let version = version.map_err(|error| failure(&error, None))?;
    Ok(if version.contains("MariaDB") { version } else { format!("MySQL {version}") })
}

/// Ends a connection in order. That it could not be told does not matter.
async fn close(connection: MySqlConnection) {
    drop(connection.close().await);
}

fn number(error: &Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// The server's own words.
fn said(error: &Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |database| database.message().to_owned())
}

fn failure(error: &Error, account: Option<&str>) -> Failure {
    let said = said(error);
    match (number(error), account) {
        // "Operation ALTER USER failed", "Can't find any matching row in the user table", "There is no such grant defined".
        (Some(1396 | 1133 | 1141), Some(name)) => no_account(name),
        // Too many connections, shutting down.
        (Some(1040 | 1053 | 1077 | 1079), _) => unreachable(said),
        (Some(_), _) => refused(said),
        (None, _) if matches!(error, Error::Configuration(_)) => Failure::new(Cause::RotatorFailed, said),
        (None, _) => unreachable(said),
    }
}
