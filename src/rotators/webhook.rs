//! Kind webhook: a program of the user that answers HTTP requests (rules DY14.5 to DY14.9).

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::rotation::rotators::hooks::Webhook;
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure};
use crate::domain::with_causes;
use crate::outgoing::{Client, NoConnection};
use crate::tls::Trust;

/// The longest answer, in bytes: a value of 30,720 bytes, each of them escaped, and what is around it.
const ANSWER_BYTES: usize = 30_720 * 6 + 1024;
/// The header with the signature of a request.
const SIGNATURE: &str = "x-sesame-signature";

/// What a request asks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Question<'a> {
    /// `new` in mode value; the name of the step in mode steps.
    pub step: &'a str,
    /// The secret's name.
    pub secret_name: &'a str,
    /// Its ARN.
    pub secret_arn: &'a str,
    /// Its type.
    pub secret_type: &'a str,
    /// The id of the version that is made. The same one for each repetition of a request.
    pub version_id: &'a str,
    /// The id of the version with ACSCurrent when the rotation started.
    pub current_version_id: &'a str,
    /// The value with ACSCurrent, in mode value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_secret_data: Option<&'a Hidden>,
    /// The label for the version before it is current, in mode steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_label: Option<&'a str>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The secret's region.
    pub region: &'a str,
}

/// What a receiver answers in mode value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    secret_data: Hidden,
}

/// Asks for the next value.
///
/// # Errors
/// `Kms:TargetUnreachable` without a connection, `Kms:RotatorTimeout`, and `Kms:RotatorFailed` for any other answer than 200 with
/// `{"SecretData":"…"}`. No message repeats what the receiver answered.
pub async fn value(webhook: &Webhook, question: &Question<'_>, now_s: i64) -> Result<Hidden, Failure> {
    let body = send(webhook, question, now_s).await?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_wrong| failed("the receiver's answer is not the JSON {\"SecretData\":\"…\"}"))?;
    Ok(answer.secret_data)
}

/// Has one step of mode steps done.
///
/// # Errors
/// As [`value`]; any answer 200 will do.
pub async fn step(webhook: &Webhook, question: &Question<'_>, now_s: i64) -> Result<(), Failure> {
    send(webhook, question, now_s).await.map(drop)
}

async fn send(webhook: &Webhook, question: &Question<'_>, now_s: i64) -> Result<Bytes, Failure> {
    let body = serde_json::to_vec(question).map_err(|_wrong| failed("the request could not be written"))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(secret) = &webhook.secret {
        let mut value = HeaderValue::from_str(&signature(secret, now_s, &body))
            .map_err(|_wrong| failed("the request could not be signed"))?;
        value.set_sensitive(true);
        headers.insert(SIGNATURE, value);
    }
    let client = client(webhook)?;
    let answered = client.send(Method::POST, webhook.path.reveal(), headers, body.into()).await;
    let answer = answered.map_err(|error| why(webhook, &error))?;
    if answer.status != http::StatusCode::OK {
        let redirects = if answer.status.is_redirection() { "; redirects are not followed" } else { "" };
        let status = answer.status.as_u16();
        return Err(failed(format!("the receiver answers {status}, and 200 is expected{redirects}")));
    }
    Ok(answer.body)
}

fn client(webhook: &Webhook) -> Result<Client, Failure> {
    let url = webhook.server.parse().map_err(|why| failed(format!("url: {why}")))?;
    let trust = match (&webhook.ca_file, webhook.server.starts_with("https:")) {
        (_, false) => None,
        (Some(file), true) => Some(Trust::only(Path::new(file))),
        (None, true) => Some(Trust::system()),
    };
    let trust = trust.transpose().map_err(|error| failed(format!("ca_file: {}", with_causes(&error))))?;
    let patience = Duration::from_millis(webhook.timeout_ms);
    Ok(Client::new(url, trust, patience).limited_to(ANSWER_BYTES))
}

/// What went wrong before there was an answer. The URL's path and query are not in it.
fn why(webhook: &Webhook, error: &anyhow::Error) -> Failure {
    let message = format!("{error:#}");
    let cause = if message.contains("did not answer within") {
        Cause::RotatorTimeout
    } else if error.downcast_ref::<NoConnection>().is_some() {
        Cause::TargetUnreachable
    } else {
        Cause::RotatorFailed
    };
    let hint = match &webhook.ca_file {
        None if message.contains("authority that is trusted") => {
            "; ca_file names other certificates to trust"
        }
        _ => "",
    };
    Failure::new(cause, format!("{message}{hint}"))
}

/// The header of a request: when it was signed, and the proof (rule DY14.5).
fn signature(secret: &Hidden, now_s: i64, body: &[u8]) -> String {
    // A key of HMAC may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{now_s}.").as_bytes());
    mac.update(body);
    format!("t={now_s},v1={}", const_hex::encode(mac.finalize().into_bytes()))
}

/// Connects to the receiver and changes nothing: no request is sent.
///
/// # Errors
/// `Kms:TargetUnreachable`, `Kms:RotatorTimeout`, or a wrong `ca_file`.
pub async fn check(webhook: &Webhook) -> Result<String, Failure> {
    client(webhook)?.reach().await.map_err(|error| why(webhook, &error))?;
    let signed =
        if webhook.secret.is_some() { "signed" } else { "not signed; secret_env names a secret for that" };
    Ok(format!("a connection to {} was made; no request was sent; requests are {signed}", webhook.server))
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Cause::RotatorFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_dy14_5_the_signature_is_that_of_openssl() {
        // printf '1795491000.{}' | openssl dgst -sha256 -hmac key
        let made = signature(&Hidden::new("key".to_owned()), 1_795_491_000, b"{}");
        assert_eq!(made, "t=1795491000,v1=eec9ecde8537b60c771045769cbf0cdd6950cc05b0a906ddb39a8d0d55df7f46");
    }
}
