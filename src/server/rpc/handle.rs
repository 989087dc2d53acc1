//! One request: its answer, its line in the log, its entry in the request log.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::answer::answer;
use super::facts::Facts;
use super::reasons;
use super::respond::respond;
use crate::domain::faults::DropWhen;
use crate::server::net::Peer;
use crate::server::panics::caught;
use crate::server::settings::AuthMode;
use crate::server::shared::{AskedBy, Entry, Shared};
use crate::telemetry;
use crate::wire::reason::{self, shown};
use crate::wire::{ApiError, encode};

/// Answers a request to any other place, in the API's words.
pub(in crate::server) async fn elsewhere(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    handle(&shared, peer, request).await
}

/// Answers a request to the API.
pub(in crate::server) async fn handle(shared: &Shared, peer: Option<Peer>, request: Request) -> Response {
    let clock = shared.settings.app.clock();
    let begun = clock.wall();
    let running = shared.metrics.begin();
    let mut facts = Facts::new(shared, request.headers());
    let answered = caught(pin!(answer(shared, peer, request, &mut facts))).await;
    let answered = answered.unwrap_or_else(|panicked| Err(ApiError::internal(panicked)));
    let duration_ms = clock.wall().distance_ms(begun);
    if facts.dropped().is_none() {
        running.answered(facts.action, answered.as_ref().err().map(|error| &*error.wire));
    }
    let reason = answered.as_ref().err().map(|error| shown(&error.reason, reason::MOST_BYTES));
    telemetry::request(&telemetry::Served {
        request_id: facts.request_id,
        action: facts.action.unwrap_or("-"),
        account: facts.caller.as_ref().map_or("-", |c| c.account().as_str()),
        access_key: facts.caller.as_ref().and_then(|c| c.access_key.as_deref()).unwrap_or("-"),
        region: facts.region.as_str(),
        scheme: facts.scheme.unwrap_or("-"),
        error: answered.as_ref().err(),
        reason: reason.as_deref().unwrap_or("-"),
        duration_ms,
    });
    let error = answered.as_ref().err();
    let unanswered = facts.dropped() == Some(DropWhen::Before);
    let status = if unanswered { 0 } else { error.map_or(200, |error| error.code.status()) };
    let code = error.map(|error| error.wire.to_string());
    let denied = error.and_then(|error| error.denied.as_deref()).map(encode::diagnosis);
    // Elsewhere it might help somebody who tries to get in.
    let is_open = shared.settings.mode == AuthMode::Open;
    let told = error.filter(|_| is_open).and_then(|error| reasons::for_the_caller(error, reason.as_deref()));
    let told = told.map(str::to_owned);
    let response = respond(&facts, answered, told.as_deref());
    let Facts { request_id, action, claimed, caller, region, scheme, injected, .. } = facts;
    shared.request_log.add(Entry {
        time: clock.now(),
        request_id,
        action: action.map(Cow::Borrowed).or(claimed.action.map(Cow::Owned)),
        claimed_access_key: claimed.access_key.filter(|_| caller.is_none()),
        // Nobody else has it any more. A session is not kept: it has a secret.
        asked_by: AskedBy(caller.map(Arc::unwrap_or_clone).map(|by| (by.principal, by.access_key))),
        region,
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
