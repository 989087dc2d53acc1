//! Beside the API: `/_sesame/health`, `ready`, `ca.pem`, `clock`, `reset`, `accounts`, `faults`, `requests`, `metrics`,
//! `state`, `seed` and `snapshots`.

mod accounts;
pub(super) mod endpoints;
pub(super) mod faults;
pub(super) mod state;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use self::endpoints::Parameters;
use crate::app::AppError;
use crate::crypto::same_bytes;
use crate::domain::{AccountId, ClockSetting, Timestamp};
use crate::ports::Clock;
use crate::server::net::Peer;
use crate::server::rpc::receive::{self, Unreceived};
use crate::server::shared::{metrics, request_log};
use crate::server::site::{self, Refusal};
use crate::server::{AuthMode, Shared, panics};
use crate::store::ReplaceScope;
use crate::tls;
use crate::wire::signature::parse_time;

/// The endpoints, relative to `/_sesame`.
pub(in crate::server) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    // These look at what other processes may have changed, or act on it.
    let current = Router::new()
        .route("/clock", get(read_clock).post(move_clock))
        .route("/reset", post(reset))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{id}", get(accounts::read).put(accounts::put).delete(accounts::remove))
        .route("/faults", get(faults::list).put(faults::put).delete(faults::remove))
        .route("/state", get(state::export).put(state::import))
        .route("/seed", post(state::apply_seed))
        .route("/snapshots/{name}", post(state::take).delete(state::forget))
        .route("/snapshots/{name}/restore", post(state::restore))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), caught_up));
    let guarded = current
        .route("/requests", get(request_log::requests))
        .route("/metrics", get(metrics::read))
        .route("/snapshots", get(state::list))
        // Unknown paths: `endpoints::checked` answers them after the guard.
        .fallback(|| async { StatusCode::NOT_FOUND })
        // The handlers get a body that has arrived, whose length was checked.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(shared), received))
        .layer(middleware::from_fn(endpoints::checked))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard));
    // Public endpoints: nothing secret, any Host.
    let open =
        Router::new().route("/health", get(health)).route("/ready", get(ready)).route("/ca.pem", get(ca_pem));
    let open = open.layer(middleware::from_fn(endpoints::checked));
    let all = open.merge(guarded).layer(middleware::from_fn_with_state(Arc::clone(shared), own_origin));
    all.layer(middleware::from_fn(panics::answered))
}

/// What these endpoints answer when they do not succeed: a status and one sentence.
pub(in crate::server) type Failure = (StatusCode, Json<Value>);

pub(in crate::server) fn failure(status: StatusCode, message: &str) -> Failure {
    (status, Json(json!({ "error": message })))
}

/// Refuses requests that are not well formed, and those of other sites' pages.
async fn own_origin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let secure = request.extensions().get::<Peer>().is_some_and(|peer| peer.secure);
    let (parts, body) = request.into_parts();
    match site::expect_own_origin(&parts, secure, &shared.settings.allowed_hosts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refused(&refusal).into_response(),
    }
}

/// Admits requests with the admin token. When the server has no token, `open` mode admits everybody except pages of other
/// sites, and the other modes admit nobody.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match admit(&shared, request.headers()) {
        Ok(()) => next.run(request).await,
        Err((StatusCode::UNAUTHORIZED, body)) => {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), Failure> {
    site::expect_own_page(headers).map_err(|refusal| refused(&refusal))?;
    let token = token(shared, headers);
    if matches!(token, Token::Unset | Token::Missing) {
        site::expect_allowed_host(headers, &shared.settings.allowed_hosts)
            .map_err(|refusal| refused(&refusal))?;
    }
    match token {
        Token::Right => Ok(()),
        Token::Unset if shared.settings.mode == AuthMode::Open => Ok(()),
        Token::Unset => Err(logged(
            StatusCode::FORBIDDEN,
            "the server has no admin token, so it answers nobody here: start it with --admin-token TOKEN or with \
             SESAME_ADMIN_TOKEN",
        )),
        Token::Missing => Err(logged(
            StatusCode::UNAUTHORIZED,
            "no admin token was sent: send the header \"Authorization: Bearer TOKEN\" with what the server was given as \
             --admin-token",
        )),
        Token::Wrong => Err(logged(
            StatusCode::UNAUTHORIZED,
            "the admin token is wrong: send what the server was given as --admin-token",
        )),
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let status = match refusal {
        Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
        Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
    };
    logged(status, refusal.message())
}

/// Logs and returns an authentication failure.
fn logged(status: StatusCode, message: &str) -> Failure {
    tracing::info!(status = status.as_u16(), cause = message, "an administrative request was refused");
    failure(status, message)
}

/// Lets a request through once its body has arrived.
async fn received(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bounds = &shared.settings.bounds;
    let refusal = match receive::file(body, state::FILE_BYTES, bounds.file, bounds.file_pause).await {
        Ok(body) => return next.run(Request::from_parts(parts, body.into())).await,
        Err(Unreceived::TooLong) => {
            failure(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long: at most 512 MiB are taken")
        }
        Err(Unreceived::TooSlow) => {
            let message = format!(
                "the body did not arrive in time: it may take {:?} as a whole, and {:?} without a byte",
                bounds.file, bounds.file_pause
            );
            failure(StatusCode::REQUEST_TIMEOUT, &message)
        }
        Err(Unreceived::Broken(why)) => {
            failure(StatusCode::BAD_REQUEST, &format!("the body cannot be read: {why}"))
        }
    };
    // What is left of the body is not read.
    ([(header::CONNECTION, "close")], refusal).into_response()
}

/// Lets a request through once what other processes changed is known.
async fn caught_up(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.settings.app.catch_up().await {
        Ok(()) => next.run(request).await,
        Err(error) => internal(&error).into_response(),
    }
}

/// The admin token of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Token {
    /// The server has none.
    Unset,
    /// The request has none.
    Missing,
    /// It is another one than the server's.
    Wrong,
    /// It is the server's.
    Right,
}

/// Compares the token in `Authorization: Bearer` with the server's. An empty one is none, on either side.
pub(in crate::server) fn token(shared: &Shared, headers: &HeaderMap) -> Token {
    #[expect(clippy::disallowed_methods, reason = "the token cannot be compared without looking at it")]
    let wanted = shared.settings.admin_token.as_ref().map(secrecy::ExposeSecret::expose_secret);
    let Some(wanted) = wanted.filter(|token| !token.is_empty()) else { return Token::Unset };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
    let sent = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer ")).map(|(_, token)| token);
    match sent.filter(|token| !token.is_empty()) {
        None => Token::Missing,
        Some(sent) if same_bytes(sent, wanted.as_bytes()) => Token::Right,
        Some(_) => Token::Wrong,
    }
}

async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(facts(&shared, "ok"))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    match shared.settings.app.store().health().await {
        Ok(()) => Ok(Json(facts(&shared, "ready"))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(failure(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"))
        }
    }
}

/// The certificate to trust; for everybody, because who cannot connect yet needs it.
async fn ca_pem(State(shared): State<Arc<Shared>>) -> Result<Response, Failure> {
    match shared.settings.tls.ca_pem().await {
        Ok(Some(pem)) => {
            Ok(([(header::CONTENT_TYPE, "application/pem-certificate-chain")], pem).into_response())
        }
        Ok(None) => {
            Err(failure(StatusCode::NOT_FOUND, "the server's certificate was brought by its administrator"))
        }
        Err(error) => {
            tracing::error!(error = %tls::chain(&error), "there is no certificate authority");
            Err(failure(StatusCode::INTERNAL_SERVER_ERROR, "internal error; the server's log has the cause"))
        }
    }
}

fn facts(shared: &Shared, status: &str) -> Value {
    let uptime_ms = shared.settings.clock.wall().distance_ms(shared.started);
    json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": uptime_ms / 1000 })
}

/// A move of the clock: exactly one of the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockMove {
    advance_seconds: Option<i64>,
    set: Option<String>,
    resume: Option<bool>,
}

fn clock_facts(shared: &Shared) -> Json<Value> {
    let clock = &shared.settings.clock;
    Json(json!({
        "now": clock.now().to_string(),
        "machine": clock.wall().to_string(),
        "running": clock.is_running(),
    }))
}

async fn read_clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    clock_facts(&shared)
}

async fn move_clock(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Failure> {
    let wrong = |message: &str| failure(StatusCode::BAD_REQUEST, message);
    let wanted: ClockMove = endpoints::object(&body, r#"{"advance_seconds":3600}"#)?;
    let app = &shared.settings.app;
    let moved = match wanted {
        ClockMove { advance_seconds: Some(seconds), set: None, resume: None } => {
            if !(0..=MOST_SECONDS).contains(&seconds) {
                return Err(wrong("advance_seconds must be from 0 to 3153600000 (100 years)"));
            }
            app.move_clock(|clock| clock.advanced(seconds.saturating_mul(1000))).await
        }
        ClockMove { advance_seconds: None, set: Some(text), resume: None } => {
            let at =
                parse_time(&text).ok_or_else(|| wrong("set must be a time such as 2027-01-01T00:00:00Z"))?;
            app.move_clock(|clock| clock.standing(Timestamp::from_millis(at))).await
        }
        ClockMove { advance_seconds: None, set: None, resume: Some(true) } => {
            app.move_clock(|_| ClockSetting::default()).await
        }
        _ => return Err(wrong("give exactly one of advance_seconds, set, and resume: true")),
    };
    moved.map_err(|e| internal(&e))?;
    // What is due by the new time is done before the answer.
    app.do_due().await.map_err(|e| internal(&e))?;
    Ok(clock_facts(&shared))
}

/// A hundred years.
const MOST_SECONDS: i64 = 3_153_600_000;

/// What a reset leads to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// `empty` (default) or `seed`: what the server was started with.
    #[serde(default)]
    to: ResetTo,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResetTo {
    #[default]
    Empty,
    Seed,
}

async fn reset(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let account = parameters.account()?;
    let wanted: Reset =
        if body.is_empty() { Reset::default() } else { endpoints::object(&body, r#"{"to":"seed"}"#)? };
    if wanted.to == ResetTo::Seed && shared.settings.seed.is_none() {
        return Err(failure(StatusCode::CONFLICT, "the server was started without a seed"));
    }
    match &account {
        None => {
            shared.settings.app.reset().await.map_err(|e| internal(&e))?;
            shared.request_log.clear();
        }
        Some(account) => empty(&shared, account).await?,
    }
    let status = match wanted.to {
        ResetTo::Empty => "empty",
        ResetTo::Seed => {
            state::back_to_seed(&shared, account.as_ref()).await?;
            "seed"
        }
    };
    Ok(Json(match account {
        None => json!({ "status": status }),
        Some(account) => json!({ "status": status, "account": account.as_str() }),
    }))
}

/// Removes all that belongs to an account: secrets, keys, aliases, and the account itself if it was put at run time.
async fn empty(shared: &Shared, account: &AccountId) -> Result<(), Failure> {
    let app = &shared.settings.app;
    // What an account that is gone left behind can be removed, too.
    let is_known = app.directory().current().account(account).is_some()
        || !app.snapshot(Some(account)).await.map_err(|e| internal(&e))?.is_empty();
    if !is_known {
        let message = format!(
            "there is no account {account}, so nothing was reset; GET /_sesame/accounts lists the existing ones"
        );
        return Err(failure(StatusCode::NOT_FOUND, &message));
    }
    let instead = ReplaceScope::Account(account.clone());
    app.put_snapshot(instead, Arc::default()).await.map_err(|e| internal(&e))
}

pub(in crate::server) fn internal(error: &AppError) -> Failure {
    tracing::error!(%error, "an administrative request failed");
    let status = match error {
        AppError::Busy | AppError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    failure(status, "internal error; the server's log has the cause")
}
