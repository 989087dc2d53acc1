//! Asking a running server: one request over HTTP, as commands need it.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use secrecy::ExposeSecret;

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
    pub(super) admin_token: Option<secrecy::SecretString>,
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
        if let Some(token) = &self.admin_token {
            #[expect(clippy::disallowed_methods, reason = "the server wants to see it")]
            let token = token.expose_secret();
            ensure!(token.bytes().all(|b| b.is_ascii_graphic()), "--admin-token is not printable");
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
