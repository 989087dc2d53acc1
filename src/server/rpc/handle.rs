//! One request from its head to its response: the answer, the metrics, the log line and the entry in the request log.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::answer::answer;
use super::head::Head;
use super::outcome::Outcome;
use super::reasons;
use super::request_info::RequestInfo;
use super::respond::respond;
use crate::server::net::{Dropped, Peer};
use crate::server::panics::caught;
use crate::server::settings::AuthMode;
use crate::server::shared::{LoggedRequest, Shared};
use crate::server::site::RequestHost;
use crate::telemetry;
use crate::wire::reason::{self, shown};
use crate::wire::{ApiError, encode};

/// Handles a request to the API.
///
/// # Errors
/// [`Dropped`] when a fault rule closes the connection without an answer.
pub(in crate::server) async fn handle(
    shared: &Shared,
    peer: Peer,
    request: Request,
) -> Result<Response, Dropped> {
    let clock = shared.settings.app.clock();
    let begun = clock.wall();
    let running = shared.metrics.begin();
    let (parts, body) = request.into_parts();
    let head = Head { host: RequestHost::of(&parts.headers), parts: &parts, peer };
    let mut info = RequestInfo::new(shared, &head.host);
    let outcome = match caught(pin!(answer(shared, &head, body, &mut info))).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Error(error),
        Err(panicked) => Outcome::Error(ApiError::internal(panicked)),
    };
    let duration_ms = clock.wall().distance_ms(begun);
    let error = outcome.error();
    if !outcome.is_dropped() {
        running.answered(info.action, error.map(|error| &*error.wire));
    }
    let reason = error.map(|error| shown(&error.reason, reason::MOST_BYTES));
    telemetry::request(&telemetry::Served {
        request_id: info.request_id,
        action: info.action.unwrap_or("-"),
        account: info.caller.as_ref().map_or("-", |c| c.account().as_str()),
        access_key: info.caller.as_ref().and_then(|c| c.access_key.as_deref()).unwrap_or("-"),
        region: info.region.as_str(),
        scheme: info.scheme.unwrap_or("-"),
        error,
        reason: reason.as_deref().unwrap_or("-"),
        duration_ms,
    });
    let status = outcome.status();
    let code = error.map(|error| error.wire.to_string());
    let denied = error.and_then(|error| error.denied.as_deref()).map(encode::diagnosis);
    // In the other modes the reason might help an attacker.
    let is_open = shared.settings.mode == AuthMode::Open;
    let told = error.filter(|_| is_open).and_then(|error| reasons::for_the_caller(error, reason.as_deref()));
    let response = respond(&info, outcome, told);
    let RequestInfo {
        request_id, action, claimed, asked, answered, caller, region, scheme, injected, ..
    } = info;
    let claimed_access_key = claimed.access_key.filter(|_| caller.is_none());
    let claimed_account = claimed_access_key
        .as_ref()
        .and_then(|id| Some(shared.settings.app.directory().current().key(id)?.account.id.clone()));
    let time = clock.now();
    // No other reference is left, so nothing is cloned. The session is not kept: it has a secret.
    let caller = caller.map(Arc::unwrap_or_clone).map(|by| (by.principal, by.access_key));
    shared.request_log.push(|number| LoggedRequest {
        number,
        time,
        request_id,
        action: action.map(Cow::Borrowed).or(claimed.action.map(Cow::Owned)),
        asked,
        answered,
        caller,
        claimed_access_key,
        claimed_account,
        region,
        source: peer.address,
        scheme,
        status,
        code,
        reason,
        duration_ms,
        injected,
        denied,
    });
    response
}
