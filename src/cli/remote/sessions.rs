//! Access keys that STS or another server gives.

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::failure::{Failure, Kind, usage};
use super::keys::{Keys, Source};
use super::wire::Wire;
use crate::cli::client::{Client, ServerUrl, TIMEOUT};
use crate::identities::BUILT_IN_KEY;
use crate::ports::ServerClock;
use crate::tls::Trust;
use crate::wire::signature::sign::Pair;

/// The version of the STS API.
const STS: &str = "2015-04-01";

/// The access key of a source.
///
/// # Errors
/// STS refuses, the other server does not answer, or nothing was given and the server is the cloud.
pub(super) async fn keys(source: Source, wire: &Wire) -> anyhow::Result<Keys> {
    match source {
        Source::Keys(keys) => Ok(keys),
        Source::BuiltIn if wire.client.url().is_cloud() => Err(Failure::new(
            Kind::Denied,
            "no credentials are given: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name a \
             profile of ~/.aliyun/config.json with --profile",
        )
        .into()),
        Source::BuiltIn => Ok(Keys { id: BUILT_IN_KEY.to_owned(), secret: BUILT_IN_KEY.into(), token: None }),
        Source::Role { first, role, session, seconds } => {
            let first = Box::pin(keys(*first, wire)).await?;
            let seconds = seconds.unwrap_or(3600).to_string();
            let asked = [("RoleArn", &*role), ("RoleSessionName", &session), ("DurationSeconds", &seconds)];
            given(&call(wire, Some(&first), "AssumeRole", &asked).await?)
        }
        Source::Oidc { provider, token_file, role, session } => {
            let token = std::fs::read_to_string(&token_file)
                .with_context(|| format!("cannot read the token in {}", token_file.display()))?;
            let asked = [
                ("OIDCProviderArn", &*provider),
                ("RoleArn", &role),
                ("RoleSessionName", &session),
                ("OIDCToken", token.trim()),
            ];
            given(&call(wire, None, "AssumeRoleWithOIDC", &asked).await?)
        }
        Source::Uri(uri) => of_uri(&uri).await,
    }
}

/// Calls an action of STS: at the same server, or at the cloud's STS when the server is the cloud's.
pub(super) async fn call(
    wire: &Wire,
    keys: Option<&Keys>,
    action: &str,
    parameters: &[Pair<'_>],
) -> anyhow::Result<Value> {
    let called = if wire.client.url().is_cloud() {
        let url: ServerUrl = "https://sts.aliyuncs.com".parse().map_err(usage)?;
        let client = Client::new(url, Some(Trust::system()?), TIMEOUT);
        let cloud = Wire { client, scheme: wire.scheme, clock: ServerClock::default() };
        cloud.call(keys, (action, STS), parameters).await
    } else {
        wire.call(keys, (action, STS), parameters).await
    };
    called.map_err(|(error, _)| error)
}

/// The access key in an answer of STS.
fn given(answer: &Value) -> anyhow::Result<Keys> {
    let credentials = answer.get("Credentials").context("the answer of STS has no Credentials")?;
    members(credentials)
}

fn members(all: &Value) -> anyhow::Result<Keys> {
    let text = |name: &str| {
        let text = all.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned).with_context(|| format!("the credentials have no {name}"))
    };
    Ok(Keys {
        id: text("AccessKeyId")?,
        secret: text("AccessKeySecret")?.into(),
        token: text("SecurityToken").ok().map(Into::into),
    })
}

/// Asks a server for an access key, as `CredentialsURI` and ALIBABA_CLOUD_CREDENTIALS_URI name one.
async fn of_uri(uri: &str) -> anyhow::Result<Keys> {
    let (base, query) = uri.split_once('?').map_or((uri, None), |(base, query)| (base, Some(query)));
    let url: ServerUrl =
        base.parse().map_err(|why: String| usage(format!("the address of the credentials: {why}")))?;
    let trust = if url.is_secure() { Some(Trust::system()?) } else { None };
    let client = Client::new(url, trust, TIMEOUT);
    let path = query.map(|query| format!("?{query}")).unwrap_or_default();
    let answer = client.send(Method::GET, &path, HeaderMap::new(), Bytes::new()).await;
    let answer = answer.map_err(|error| Failure::new(Kind::Unreachable, format!("{error:#}")))?;
    if !answer.status.is_success() {
        let text = format!("the server of the credentials answers {}", answer.status);
        return Err(Failure::new(Kind::Denied, text).into());
    }
    let body: Value =
        serde_json::from_slice(&answer.body).context("the server of the credentials answers no JSON")?;
    members(&body)
}
