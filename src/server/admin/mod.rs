//! Administration: the endpoints below `/_sesame`.

mod accounts;
mod clock;
mod endpoints;
mod events;
mod failure;
mod faults;
mod guard;
mod health;
mod json_body;
mod layers;
mod metrics;
mod parameters;
mod policy;
mod request_filter;
mod requests;
mod reset;
mod rotations;
mod secrets;
mod snapshots;
mod state;
mod token;
mod verify;
mod warnings;
mod window;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post};
use http::StatusCode;

pub(super) use self::token::{Token, token};
use crate::server::shared::Shared;

/// The path of all endpoints.
const PATH: &str = "/_sesame";

/// Whether a path belongs to these endpoints.
pub(super) fn serves(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The router of these endpoints.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    // Other processes may have changed the data of these endpoints.
    let current = Router::new()
        .route("/clock", get(clock::read).post(clock::advance))
        .route("/reset", post(reset::reset))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{id}", get(accounts::read).put(accounts::put).delete(accounts::remove))
        .route("/faults", get(faults::list).post(faults::add).put(faults::put).delete(faults::clear))
        .route("/faults/{id}", delete(faults::remove))
        .route("/rotators", get(rotations::rotators))
        .route("/rotators/{name}/check", post(rotations::check))
        .route("/rotations", get(rotations::list).post(rotations::now))
        .route("/state", get(state::export).put(state::import))
        .route("/seed", post(state::apply_seed))
        .route("/secrets", get(secrets::list))
        .route("/policy/test", post(policy::test))
        .route("/snapshots/{name}", post(snapshots::take).delete(snapshots::forget))
        .route("/snapshots/{name}/restore", post(snapshots::restore))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), layers::caught_up));
    let guarded = current
        .route("/requests", get(requests::list))
        .route("/requests/verify", post(verify::verify))
        .route("/events", get(events::list))
        .route("/metrics", get(metrics::read))
        .route("/snapshots", get(snapshots::list))
        // Never reached: `endpoints::checked` answers unknown paths. It runs for them because there is a fallback.
        .fallback(|| async { StatusCode::NOT_FOUND })
        // `layers::received` has read the body and checked its length.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(shared), layers::received))
        .layer(middleware::from_fn(endpoints::checked))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard::guard));
    // Open to everybody and under any Host: their answers contain nothing secret.
    let open = Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/ca.pem", get(health::ca_pem));
    let open = open.layer(middleware::from_fn(endpoints::checked));
    let all =
        open.merge(guarded).layer(middleware::from_fn_with_state(Arc::clone(shared), guard::own_origin));
    let all = all.layer(middleware::from_fn(layers::logged)).layer(middleware::from_fn(layers::survived));
    // Unlike `nest`, this also takes `/_sesame/`.
    Router::new().nest_service(PATH, all.with_state(Arc::clone(shared)))
}
