//! Asking a running server: one request over HTTP, as commands need it.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

/// How long a server may take to connect, and to answer.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(10));

/// A running server.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "SESAME_URL", default_value = "http://127.0.0.1:7070")]
    pub(super) url: String,
    /// What the server was given as --admin-token.
    #[arg(long, env = "SESAME_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) admin_token: Option<SecretString>,
}

impl ServerArgs {
    /// Sends a request and gives the answer's body.
    ///
    /// # Errors
    /// One line: no server, or what the server says is wrong.
    pub(super) fn call(&self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let host = self.url.strip_prefix("http://").context("--url must begin with http://")?;
        let host = host.trim_end_matches('/');
        let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = address.to_socket_addrs().ok().and_then(|mut all| all.next());
        let address = address.with_context(|| format!("{host} has no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE.0)
            .with_context(|| format!("no server answers at {}", self.url))?;
        stream.set_read_timeout(Some(PATIENCE.1))?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if let Some(token) = check_token(self.admin_token.as_ref())? {
            head = format!("{head}Authorization: Bearer {token}\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("the server does not answer")?;
        read(&answer)
    }
}

/// The admin token as text, which a header can carry. An empty one is an error for server and client alike: it comes from a
/// variable that somebody forgot to fill, and a server that took it for "no token" would let everybody in.
///
/// # Errors
/// When it is empty, or holds something else than visible ASCII.
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

/// The body of an answer that is a success.
fn read(answer: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(answer).context("the answer is not HTTP")? else {
        bail!("the answer is cut short");
    };
    let body = answer.get(length..).unwrap_or_default().to_vec();
    match response.code {
        Some(200..=299) => Ok(body),
        code => {
            let said: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
            let said = said.and_then(|said| Some(said.get("error")?.as_str()?.to_owned()));
            bail!("{}", said.unwrap_or_else(|| format!("the server answers {}", code.unwrap_or_default())))
        }
    }
}
