//! One signed request, and its repetition when the service asks for it.

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::ExposeSecret;
use serde_json::Value;
use zeroize::Zeroizing;

use super::credentials::SignatureScheme;
use super::failure::{Failure, Kind, is_busy, refusal};
use super::keys::Keys;
use crate::cli::client::{Client, NoConnection, Response, ServerUrl};
use crate::ports::{Clock, Entropy, OsEntropy, ServerClock};
use crate::wire::reason;
use crate::wire::signature::sign::{self, Call, FORM, Pair, Signer};

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The wait before the second attempt, in milliseconds. It doubles each time.
const FIRST_WAIT_MS: u64 = 250;
/// The longest wait that the service may ask for, in milliseconds.
const MOST_WAIT_MS: u64 = 10_000;

/// The action that makes something without a name of ours: a second request would make a second key.
const NOT_REPEATED: &str = "CreateKey";

/// The connection, the way to sign, the time.
#[derive(Debug)]
pub(in crate::cli) struct Wire {
    /// The client of the server.
    pub(super) client: Client,
    /// How requests are signed.
    pub(super) scheme: SignatureScheme,
    /// The machine's clock.
    pub(super) clock: ServerClock,
}

/// Why an attempt failed, and when to try again.
struct Missed {
    error: anyhow::Error,
    /// `None` when another attempt cannot help.
    wait_ms: Option<u64>,
}

impl Wire {
    /// Calls an action of a version; unsigned without keys.
    ///
    /// # Errors
    /// The failure of the last attempt, and how many attempts there were.
    pub(super) async fn call(
        &self,
        keys: Option<&Keys>,
        (action, version): (&str, &str),
        parameters: &[Pair<'_>],
    ) -> Result<Value, (anyhow::Error, u32)> {
        let mut attempt = 1;
        loop {
            let wait = FIRST_WAIT_MS << (attempt - 1);
            match self.attempt(keys, (action, version), parameters).await {
                Ok(answer) => return Ok(answer),
                Err(Missed { error, wait_ms: Some(_) })
                    if action == NOT_REPEATED && !is_throttled(&error) =>
                {
                    return Err((
                        error.context("the key may have been created: see `sesame keys ls`"),
                        attempt,
                    ));
                }
                Err(Missed { error, wait_ms: Some(asked) }) if attempt < ATTEMPTS => {
                    tracing::debug!(action, attempt, "another attempt: {error:#}");
                    self.clock.pause(wait.max(asked).min(MOST_WAIT_MS)).await;
                    attempt += 1;
                }
                Err(Missed { error, .. }) => return Err((error, attempt)),
            }
        }
    }

    async fn attempt(
        &self,
        keys: Option<&Keys>,
        (action, version): (&str, &str),
        parameters: &[Pair<'_>],
    ) -> Result<Value, Missed> {
        let hopeless = |error: anyhow::Error| Missed { error, wait_ms: None };
        let (path, headers, body) = self.signed(keys, (action, version), parameters).map_err(hopeless)?;
        match self.client.send(Method::POST, &path, headers, body).await {
            Ok(answer) => read(&answer, self.client.url()),
            Err(error) => {
                let seen = error.downcast_ref::<NoConnection>().is_none();
                let error = Failure::new(Kind::Unreachable, format!("{error:#}")).into();
                Err(Missed { error, wait_ms: seen.then_some(0) })
            }
        }
    }

    /// The request: path with query, headers, body. Values of secrets are in the body alone.
    fn signed(
        &self,
        keys: Option<&Keys>,
        (action, version): (&str, &str),
        parameters: &[Pair<'_>],
    ) -> anyhow::Result<(String, HeaderMap, Bytes)> {
        const HIDDEN: [&str; 3] = ["SecretData", "Plaintext", "OIDCToken"];
        let (time, nonce) = (self.clock.wall().to_string(), OsEntropy.uuid().to_string());
        let host = self.client.url().authority();
        let call = Call { host: &host, action, version, time: &time, nonce: &nonce };
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(FORM));
        let Some(keys) = keys else {
            let all = [&[("Action", action), ("Version", version), ("Format", "JSON")], parameters].concat();
            return Ok(("/".to_owned(), headers, Bytes::from_owner(Zeroizing::new(sign::encoded(&all)))));
        };
        #[expect(clippy::disallowed_methods, reason = "the secret signs, and the token is sent")]
        let signer = Signer {
            access_key_id: &keys.id,
            secret: keys.secret.expose_secret().as_bytes(),
            security_token: keys.token.as_ref().map(ExposeSecret::expose_secret),
        };
        let unusable = "the access key cannot sign: its secret is empty";
        if self.scheme == SignatureScheme::Rpc {
            let body = sign::rpc(signer, call, parameters).context(unusable)?;
            return Ok(("/".to_owned(), headers, Bytes::from_owner(body)));
        }
        let (hidden, shown): (Vec<Pair<'_>>, Vec<Pair<'_>>) =
            parameters.iter().partition(|(name, _)| HIDDEN.contains(name));
        let body = Zeroizing::new(sign::encoded(&hidden));
        for (name, value) in sign::acs3(signer, call, &shown, body.as_bytes()).context(unusable)? {
            let mut value: HeaderValue = value
                .parse()
                .with_context(|| format!("the access key does not fit into the header {name}"))?;
            value.set_sensitive(name == "authorization" || name == "x-acs-security-token");
            headers.insert(HeaderName::from_static(name), value);
        }
        let query = sign::encoded(&shown);
        let path = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
        Ok((path, headers, Bytes::from_owner(body)))
    }
}

/// Whether the service says that it did nothing, because there were too many requests.
fn is_throttled(error: &anyhow::Error) -> bool {
    let code = refusal(error).and_then(|failure| failure.code.as_deref());
    code.is_some_and(|code| code.contains("Throttling"))
}

/// Reads an answer.
fn read(answer: &Response, url: &ServerUrl) -> Result<Value, Missed> {
    let mut body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status.as_u16();
    if answer.status.is_success() && body.as_ref().is_some_and(|body| body.get("Code").is_none()) {
        if let Some(members) = body.as_mut().and_then(Value::as_object_mut) {
            members.remove("RequestId");
        }
        return Ok(body.unwrap_or_default());
    }
    let said = body.as_ref().and_then(|body| {
        let text = |member: &str| body.get(member)?.as_str();
        Some((text("Code")?, text("Message").unwrap_or_default()))
    });
    match said {
        Some((code, message)) => {
            let why = answer.headers.get(reason::HEADER).and_then(|value| value.to_str().ok());
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            // The message of a wrong signature quotes the whole request.
            let message = if code == "SignatureDoesNotMatch" {
                "the secret of the access key is another one, or the request was changed on its way"
            } else {
                message.trim()
            };
            let asked =
                answer.headers.get("x-acs-retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let wait_ms = is_busy(code, status).then(|| asked.unwrap_or_default());
            let text = format!("{code}: {message}{why}");
            Err(Missed { error: Failure::of_service(code, status, text).into(), wait_ms })
        }
        None => {
            let text = format!("{url} answers {}, which is not an answer of the service", answer.status);
            let wait_ms = (status >= 500).then_some(0);
            Err(Missed { error: Failure::new(Kind::Unreachable, text).into(), wait_ms })
        }
    }
}
