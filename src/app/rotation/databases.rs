//! Accounts of real databases (rules DY11): a new password is stored sealed, set, tried by a login, and only then committed.

use async_trait::async_trait;
use rand::Rng;

use super::job::{Effects, Job, Target};
use super::targets::unsuitable;
use crate::app::App;
use crate::app::error::AppError;
use crate::domain::rotation::rotators::database::{Database, Engine};
use crate::domain::rotation::rotators::{Described, Rotator};
use crate::domain::rotation::value::{self, Account, Fresh, Hidden, fresh_password};
use crate::domain::rotation::{Cause, Failure, Managed, SubType};
use crate::domain::{Refusal, Secret, SecretType};
use crate::rotators::{self, Accounts, Change, Login, New, Refused};

/// The database of a rotator.
#[derive(Debug)]
pub(super) struct Databases<'a> {
    app: &'a App,
    rotator: &'a Rotator,
}

/// A database, ready to be asked.
struct Server<'a> {
    app: &'a App,
    database: &'a Database,
    accounts: Box<dyn Accounts + 'a>,
    /// What no message may repeat.
    secrets: Vec<Hidden>,
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Cause::RotatorFailed, message)
}

/// The account of a stored value.
fn account(value: &Hidden) -> Result<Account, Failure> {
    value::account(value.reveal())
        .ok_or_else(|| unsuitable("the stored value is not of the shape of its type"))
}

fn login(account: &Account) -> Login<'_> {
    Login { name: &account.account_name, password: account.account_password.reveal() }
}

impl<'a> Databases<'a> {
    /// The database of this rotator.
    pub(super) fn new(app: &'a App, rotator: &'a Rotator) -> Self {
        Self { app, rotator }
    }

    fn server(&self, secrets: &[&Account]) -> Result<Server<'a>, Failure> {
        let database =
            self.rotator.database.as_ref().ok_or_else(|| unsuitable("the rotator has no database"))?;
        let passwords = secrets.iter().map(|account| account.account_password.clone());
        let secrets = passwords.chain(database.password.clone()).chain(database.password_in_url()).collect();
        Ok(Server { app: self.app, database, accounts: rotators::accounts(database), secrets })
    }
}

impl Server<'_> {
    /// Waits for one step, as long as the rotator allows, and removes passwords from the message of a failure.
    async fn step<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = self.app.clock.pause(self.database.timeout_ms) => {
                let why = format!("the database did not answer within {} ms", self.database.timeout_ms);
                Err(Failure::new(Cause::RotatorTimeout, why))
            }
        };
        outcome.map_err(|failure| Failure::new(failure.cause, self.shown(&failure.message)))
    }

    fn shown(&self, message: &str) -> String {
        let secrets: Vec<&str> = self.secrets.iter().map(Hidden::reveal).collect();
        rotators::redacted(message, &secrets).replace(char::is_control, " ")
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.app.entropy.rng().fill_bytes(&mut salt);
        salt
    }

    fn new_account<'b>(&self, account: &'b Account, managed: &'b Managed) -> New<'b> {
        New {
            login: login(account),
            salt: self.salt(),
            privilege: managed.config.member("AccountPrivilege"),
            database: managed.config.member("DBName"),
        }
    }

    async fn exists(&self, account: &Account) -> Result<bool, Failure> {
        self.step(self.accounts.exists(&account.account_name)).await
    }

    /// Creates an account, and a second one with its rights.
    async fn create_both(&self, managed: &Managed, [first, second]: &[Account; 2]) -> Result<(), Failure> {
        self.step(self.accounts.create(&self.new_account(first, managed))).await?;
        let new = self.new_account(second, managed);
        self.step(self.accounts.ensure_clone(&first.account_name, &new)).await?;
        self.set(second, None).await
    }

    async fn set(&self, account: &Account, own: Option<&str>) -> Result<(), Failure> {
        let change = Change { login: login(account), own, salt: self.salt() };
        self.step(self.accounts.change(&change)).await
    }

    async fn try_login(&self, account: &Account) -> Result<Result<(), Refused>, Failure> {
        self.step(self.accounts.login(login(account))).await
    }

    /// Whether the account has this password already. A server that lets everybody in proves nothing.
    async fn has(&self, account: &Account) -> Result<bool, Failure> {
        if self.try_login(account).await?.is_err() {
            return Ok(false);
        }
        let wrong =
            fresh_password(&mut *self.app.entropy.rng()).map_err(|refusal| failed(refusal.to_string()))?;
        let wrong = Account { account_password: wrong, ..account.clone() };
        Ok(self.try_login(&wrong).await?.is_err())
    }

    /// Tries the new password. Where the database refuses it, the account gets back the one that the secret still has.
    async fn verify(&self, account: &Account, before: Option<&Account>, own: bool) -> Result<(), Failure> {
        let Err(Refused(why)) = self.try_login(account).await? else { return Ok(()) };
        let why = format!(
            "the account got its new password, and a login with it was refused: {}",
            self.shown(&why)
        );
        let undone = match before {
            Some(before) if !own => self.set(before, None).await.is_ok(),
            _ => false,
        };
        let after = if undone { "; it has its old password again" } else { "" };
        Err(Failure::new(Cause::TargetRefused, format!("{why}{after}")))
    }
}

#[async_trait]
impl Target for Databases<'_> {
    async fn make(&self, job: &Job<'_>) -> Result<Hidden, Failure> {
        let password = self.rotator.password(&mut *self.app.entropy.rng());
        let fresh = Fresh::Password(password.map_err(|refusal| failed(refusal.to_string()))?);
        value::next(&job.managed.config, job.current.reveal(), job.previous.map(Hidden::reveal), fresh)
            .ok_or_else(|| unsuitable("the stored value is not of the shape of its type"))
    }

    async fn apply(&self, job: &Job<'_>, value: &Hidden) -> Result<Effects, Failure> {
        let (next, current) = (account(value)?, account(job.current)?);
        let previous = job.previous.map(account).transpose()?;
        // The account with the password that the secret has.
        let before = [Some(&current), previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|known| known.account_name == next.account_name);
        let secrets: Vec<&Account> =
            [Some(&next), Some(&current), previous.as_ref()].into_iter().flatten().collect();
        let server = self.server(&secrets)?;
        let is_double = job.managed.config.sub_type() == SubType::DoubleUsers;
        if server.database.as_account && is_double {
            return Err(unsuitable(
                "connect_as = \"account\" fits SecretSubType SingleUser only: the account of ACSPrevious cannot create itself",
            ));
        }
        // Before it is tried: it may have the password already, and not yet all rights.
        if is_double && previous.is_none() && server.database.create_accounts {
            let new = server.new_account(&next, job.managed);
            server.step(server.accounts.ensure_clone(&current.account_name, &new)).await?;
        }
        // After a crash or a failed attempt the change may be done already (rule DY11.1).
        let is_repeated = job.running.has_candidate;
        if is_repeated && server.has(&next).await? {
            server.step(server.accounts.keep()).await?;
            return Ok(Effects::default());
        }
        let own = server.database.as_account.then(|| current.account_password.reveal());
        server.set(&next, own).await.map_err(|failure| match failure.cause {
            Cause::AccountNotFound if is_double && previous.is_none() => {
                let hint = "create it, or set create_accounts = true for the rotator";
                Failure::new(failure.cause, format!("{}; {hint}", failure.message))
            }
            _ => failure,
        })?;
        if server.database.verify {
            server.verify(&next, before, own.is_some()).await?;
        }
        Ok(Effects::default())
    }

    async fn check(&self) -> Result<String, Failure> {
        let server = self.server(&[])?;
        server.step(server.accounts.check()).await
    }
}

impl App {
    /// Makes the accounts of a new secret of type Redis or PolarDB, where a rotator has a database for it (rule DY11.6). Returns
    /// them, if it made any. The values are those of ACSCurrent and ACSPrevious.
    ///
    /// # Errors
    /// [`Refusal::NotCarriedOut`] with what the database said.
    pub(in crate::app) async fn create_accounts(
        &self,
        secret: &Secret,
        current: &[u8],
        previous: Option<&Hidden>,
    ) -> Result<Option<[Account; 2]>, AppError> {
        let Some((managed, databases)) = self.databases_of(secret) else { return Ok(None) };
        let created = databases.create(managed, current, previous).await;
        created.map(Some).map_err(|why| {
            let rotator = &databases.rotator.name;
            Refusal::NotCarriedOut(format!("the rotator {rotator} cannot make the accounts: {why}")).into()
        })
    }

    /// Removes accounts whose secret could not be stored.
    pub(in crate::app) async fn remove_accounts(&self, secret: &Secret, accounts: [Account; 2]) {
        let Some((_, databases)) = self.databases_of(secret) else { return };
        if let Err(error) = databases.remove(&accounts).await {
            let name = secret.name.as_str();
            tracing::warn!(secret = name, %error, "the accounts of a secret that was not created remain");
        }
    }

    /// The database for a secret whose accounts the service makes.
    fn databases_of<'a>(&'a self, secret: &'a Secret) -> Option<(&'a Managed, Databases<'a>)> {
        if !matches!(secret.secret_type, SecretType::Redis | SecretType::PolarDb) {
            return None;
        }
        let managed = secret.managed.as_deref()?;
        let described =
            Described { name: &secret.name, secret_type: secret.secret_type, config: &managed.config };
        let rotator = self.rotators().of(&described)?;
        rotator.database.is_some().then_some((managed, Databases::new(self, rotator)))
    }
}

impl Databases<'_> {
    async fn create(
        &self,
        managed: &Managed,
        current: &[u8],
        previous: Option<&Hidden>,
    ) -> Result<[Account; 2], Failure> {
        let shape = || unsuitable("the values are not of the shape of their type");
        let first = std::str::from_utf8(current).ok().and_then(value::account).ok_or_else(shape)?;
        let second = previous.and_then(|value| value::account(value.reveal())).ok_or_else(shape)?;
        let server = self.server(&[&first, &second])?;
        let wanted = match server.database.engine {
            Engine::Postgres => "PostgreSQL",
            Engine::Mysql => "MySQL",
            Engine::Redis => "",
        };
        if managed.config.member("DBType").is_some_and(|given| given != wanted) {
            let kind = self.rotator.kind.as_str();
            return Err(unsuitable(format!("DBType is not {wanted}, which a rotator of kind {kind} needs")));
        }
        let accounts = [first, second];
        if !server.database.create_accounts {
            for one in &accounts {
                server.set(one, None).await?;
            }
            return Ok(accounts);
        }
        for one in &accounts {
            if server.exists(one).await? {
                let why = format!(
                    "the database already has an account \"{}\"; the service takes no account over, so remove it or choose \
                     another name",
                    one.account_name
                );
                return Err(Failure::new(Cause::TargetRefused, why));
            }
        }
        match server.create_both(managed, &accounts).await {
            Ok(()) => Ok(accounts),
            Err(failure) => {
                drop(self.remove(&accounts).await);
                Err(failure)
            }
        }
    }

    async fn remove(&self, accounts: &[Account; 2]) -> Result<(), Failure> {
        let server = self.server(&accounts.each_ref())?;
        if !server.database.create_accounts {
            return Ok(());
        }
        for one in accounts.iter().rev() {
            if server.exists(one).await? {
                server.step(server.accounts.remove(&one.account_name)).await?;
            }
        }
        Ok(())
    }
}
