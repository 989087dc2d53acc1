//! The server that a command talks to, and the client of every command that talks to a running server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};

use super::data_dir::data_dir as resolve_data_dir;
use super::remote::failure::{Failure, Kind, usage};
pub(super) use crate::outgoing::{Client, NoConnection, Response, ServerUrl};
use crate::tls::{self, ConnectError, Trust};

/// The limit for one request of a command.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
/// The limit for a seed, an export or an import.
const LONG_WORK: Duration = Duration::from_mins(10);
/// The server that a command without --url talks to.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

/// The server that a command talks to.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The server's address, http:// or https:// [default: http://127.0.0.1:7070].
    #[arg(long, env = "SESAME_URL")]
    pub(super) url: Option<ServerUrl>,
    /// Certificates (PEM) that are trusted for https:// addresses, and no others [default: tls/ca.pem of the data directory,
    /// and the system's roots].
    #[arg(long, env = "SESAME_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

/// The server that a command administers, and the token for it.
#[derive(Debug, Clone, Args)]
pub(super) struct AdminTarget {
    #[command(flatten)]
    pub(super) target: Target,
    /// The --admin-token of the server. SESAME_ADMIN_TOKEN_FILE names a file with it.
    #[arg(long, env = "SESAME_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) admin_token: Option<SecretString>,
}

impl Target {
    /// The address of the server: the one that was given, else http://127.0.0.1:7070.
    pub(super) fn url(&self) -> ServerUrl {
        self.url.clone().unwrap_or_else(|| ServerUrl::plain(DEFAULT))
    }

    /// A client of that server. `timeout` limits a whole request.
    ///
    /// # Errors
    /// When the certificates to trust cannot be read.
    pub(super) fn client(&self, data_dir: Option<&Path>, timeout: Duration) -> anyhow::Result<Client> {
        let url = self.url();
        let trust = if !url.is_secure() {
            None
        } else if let Some(file) = &self.ca {
            Some(Trust::only(file).context("--ca (SESAME_CA)")?)
        } else {
            Some(Trust::system_and(&tls::ca_file(&resolve_data_dir(data_dir)?))?)
        };
        Ok(Client::new(url, trust, timeout).advising(advice))
    }
}

impl AdminTarget {
    /// Refuses to send to the cloud what only Sesame understands, such as a seed with values.
    ///
    /// # Errors
    /// When the server is the cloud's. `what` is what the error names.
    pub(super) fn refuse_cloud(&self, what: &str) -> anyhow::Result<()> {
        let url = self.target.url();
        if url.is_cloud() {
            return Err(usage(format!("{what} is for Sesame servers, and {url} is the cloud")));
        }
        Ok(())
    }

    /// Sends a request to `/_sesame` and returns the body of the answer.
    ///
    /// # Errors
    /// One line: no server answers, it is not trusted, or it reports an error.
    pub(super) async fn call(
        &self,
        data_dir: Option<&Path>,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<Bytes> {
        self.refuse_cloud("this command")?;
        let client = self.target.client(data_dir, LONG_WORK)?;
        let answer = client.send(method, path, self.headers()?, body).await.map_err(of_kind)?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        Err(refused(&client, &answer))
    }

    /// Reads an answer without an end from `/_sesame`, piece by piece, until `take` returns false or the server stops.
    ///
    /// # Errors
    /// As [`AdminTarget::call`].
    pub(super) async fn follow(
        &self,
        data_dir: Option<&Path>,
        path: &str,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> anyhow::Result<()> {
        self.refuse_cloud("this command")?;
        let client = self.target.client(data_dir, LONG_WORK)?;
        match client.follow(path, self.headers()?, take).await.map_err(of_kind)? {
            Some(answer) => Err(refused(&client, &answer)),
            None => Ok(()),
        }
    }

    fn headers(&self) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        if let Some(token) = check_token(self.admin_token.as_ref())? {
            let mut value: HeaderValue = format!("Bearer {token}").parse()?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// Gives a missing connection its exit code.
fn of_kind(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<NoConnection>() {
        Some(_) => Failure::new(Kind::Unreachable, format!("{error:#}")).into(),
        None => error,
    }
}

/// The error for an unsuccessful answer of `/_sesame`.
fn refused(client: &Client, answer: &Response) -> anyhow::Error {
    let said: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let said = said.and_then(|said| Some(said.get("error")?.as_str()?.to_owned()));
    match said {
        Some(said) => Failure::of_status(answer.status.as_u16(), said).into(),
        None => {
            let text =
                format!("{} answers {}, which is not an answer of Sesame's", client.url(), answer.status);
            Failure::new(Kind::Unreachable, text).into()
        }
    }
}

/// The admin token, checked to fit into a header. An empty token is an error for server and client: it comes from a
/// variable that was left empty, and a server that took it for "no token" would let everyone in.
///
/// # Errors
/// When it is empty or contains anything but visible ASCII.
pub(super) fn check_token(token: Option<&SecretString>) -> anyhow::Result<Option<&str>> {
    #[expect(clippy::disallowed_methods, reason = "the token itself is checked and sent")]
    let Some(token) = token.map(ExposeSecret::expose_secret) else { return Ok(None) };
    ensure!(
        !token.trim().is_empty(),
        "--admin-token (SESAME_ADMIN_TOKEN) is empty: give a token, for example what `openssl rand -hex 32` prints, or \
         leave it out"
    );
    ensure!(
        token.bytes().all(|b| b.is_ascii_graphic()),
        "--admin-token (SESAME_ADMIN_TOKEN) holds a space, a line break or another character that is not visible ASCII: \
         give a token such as `openssl rand -hex 32` prints"
    );
    Ok(Some(token))
}

/// Adds advice on how to trust the server.
fn advice(error: &ConnectError, url: &ServerUrl) -> anyhow::Error {
    match error {
        ConnectError::Issuer => anyhow!(
            "{error}: give the certificate of its authority with --ca FILE (SESAME_CA); `sesame ca` prints it on the \
             server's machine, and a server with --in-memory shows it at /_sesame/ca.pem"
        ),
        ConnectError::Name(name) => {
            anyhow!(
                "{error}: start the server with --tls-name {name}, or use a name that its certificate is for"
            )
        }
        ConnectError::Handshake(_) => anyhow!("{error}; does {} speak HTTPS?", url.authority()),
        ConnectError::Certificate(_) | ConnectError::NoName(_) => anyhow!("{error}"),
    }
}
