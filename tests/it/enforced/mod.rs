//! Mode `enforced` over HTTP: permissions, ownership, temporary credentials, and the text of refusals.

mod actions;
mod at_rest;
mod denials;
mod foreign;
mod identities;
mod lookups;
mod malformed;
mod oidc;
mod resources;
pub mod sessions;
mod tokens;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sesame::testing::identities::file::AccountFile;
use sesame::testing::server::AuthMode;

use crate::support::program::contents;
use crate::support::sign::{rpc_signature, rpc_system_of};
use crate::support::{Answer, Options, Server, form, refusal, text};

/// The account whose users, roles and policies a test sets at run time.
pub const TEAM: &str = "1000000000000003";
/// Another such account.
pub const PARTNER: &str = "1000000000000004";

/// Parameters of a call.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Status, code and message.
pub type Refused = (u16, String, String);

/// A signer: an access key, optionally with a security token.
#[derive(Debug, Clone)]
pub struct Signer {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

impl Signer {
    /// The signer with an access key of [`key`].
    pub fn of(id: &str) -> Self {
        Self { id: id.to_owned(), secret: format!("{id}-secret"), token: None }
    }

    /// The signer with the credentials that AssumeRole or AssumeRoleWithOIDC answered.
    pub fn in_role(answer: &Value) -> Self {
        let member = |name: &str| text(&answer["Credentials"][name]).to_owned();
        Self {
            id: member("AccessKeyId"),
            secret: member("AccessKeySecret"),
            token: Some(member("SecurityToken")),
        }
    }

    /// Calls an action of any product, signed with RPC v1 at the time of the server's clock.
    async fn send(&self, server: &Server, version: &str, action: &str, more: &[(&str, &str)]) -> Answer {
        let time = server.app.clock().now().to_string();
        let mut signed = rpc_system_of(version, action, &self.id, &time);
        signed.extend(self.token.as_deref().map(|token| ("SecurityToken", token)));
        signed.extend(more);
        let signature = rpc_signature("POST", &self.secret, &signed);
        signed.push(("Signature", &signature));
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        server.send("POST", "/", &headers, form(&signed).as_bytes()).await
    }

    /// Calls an action of Kms.
    pub async fn call(&self, server: &Server, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(server, "2016-01-20", action, parameters).await
    }

    /// Calls an action of Sts.
    pub async fn sts(&self, server: &Server, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(server, "2015-04-01", action, parameters).await
    }

    /// Calls an action of Kms that must succeed.
    pub async fn ok(&self, server: &Server, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.call(server, action, parameters).await.ok()
    }

    /// Calls an action of Kms that must be refused.
    pub async fn refused(&self, server: &Server, action: &str, parameters: &[(&str, &str)]) -> Refused {
        self.call(server, action, parameters).await.refused()
    }

    /// Creates a secret whose version `v1` has the value `one`, and returns its ARN.
    pub async fn create(&self, server: &Server, name: &str, more: &[(&str, &str)]) -> String {
        let parameters = [&[("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")], more].concat();
        text(&self.ok(server, "CreateSecret", &parameters).await["Arn"]).to_owned()
    }

    /// Creates a key and returns its id.
    pub async fn make_key(&self, server: &Server, more: &[(&str, &str)]) -> String {
        text(&self.ok(server, "CreateKey", more).await["KeyMetadata"]["KeyId"]).to_owned()
    }

    /// Reads a secret.
    pub async fn read(&self, server: &Server, name: &str) -> Answer {
        self.call(server, "GetSecretValue", &[("SecretName", name)]).await
    }
}

/// An access key whose secret is derived from its id.
pub fn key(id: &str) -> Value {
    json!({"id": id, "secret": format!("{id}-secret")})
}

/// A policy's text.
pub fn policy(statements: &[Value]) -> String {
    json!({"Version": "1", "Statement": statements}).to_string()
}

/// A statement of an identity policy.
pub fn statement(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource})
}

/// A statement that allows.
pub fn allow(action: &str, resource: &str) -> Value {
    statement("Allow", action, resource)
}

/// A statement that denies.
pub fn deny(action: &str, resource: &str) -> Value {
    statement("Deny", action, resource)
}

/// A statement of the policy of a secret or key, for one principal: `<account>:<user or role>`.
pub fn about(effect: &str, principal: &str, action: &str) -> Value {
    let principal = json!({"RAM": format!("acs:ram::{principal}")});
    json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"})
}

/// The ARN of a resource of an account.
pub fn arn(account: &str, resource: &str) -> String {
    format!("acs:kms:cn-hangzhou:{account}:{resource}")
}

/// An account with a root, whose key has the name of the account, and one user with these statements.
pub fn one_user(account: &str, user: &str, statements: &[Value]) -> Value {
    // A policy without statements is not valid.
    let names: &[&str] = if statements.is_empty() { &[] } else { &["own"] };
    let policies: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "document": policy(statements)})).collect();
    json!({
        "id": account,
        "access_keys": [key(account)],
        "policies": policies,
        "users": [{"name": user, "policies": names, "access_keys": [key(user)]}],
    })
}

/// Puts an account, replacing its previous form.
pub async fn put(server: &Server, account: &Value) {
    let file: AccountFile = serde_json::from_value(account.clone()).unwrap();
    server.app.directory().put(file).await.unwrap();
}

/// Gives the user `ann` of [`TEAM`] these statements.
pub async fn let_ann(server: &Server, statements: &[Value]) {
    put(server, &one_user(TEAM, "ann", statements)).await;
}

/// A server in memory.
pub async fn enforced() -> Server {
    Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await
}

/// Such a server whose account [`TEAM`] has the user `ann` with these statements; returned with its root and that user.
pub async fn with_ann(statements: &[Value]) -> (Server, Signer, Signer) {
    let server = enforced().await;
    let_ann(&server, statements).await;
    (server, Signer::of(TEAM), Signer::of("ann"))
}

/// The refusal for a missing permission on a resource.
pub fn no_permission(arn: &str) -> Refused {
    let message = format!("This operation for {arn} is forbidden by permission system.");
    refusal(403, "Forbidden.NoPermission", &message)
}

/// The contents of the database files, without the shared memory of SQLite, where readers leave marks.
pub fn stored(dir: &Path) -> Vec<(PathBuf, String)> {
    contents(dir).into_iter().filter(|(path, _)| path.extension().is_none_or(|e| e != "db-shm")).collect()
}
