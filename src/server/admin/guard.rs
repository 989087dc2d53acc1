//! Access to `/_sesame`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::failure::{Failure, failure};
use super::token::{Token, token};
use crate::server::net::Peer;
use crate::server::settings::AuthMode;
use crate::server::shared::Shared;
use crate::server::site::{self, Rejection, RequestHost};

/// Refuses malformed requests and requests from pages of other sites.
pub(super) async fn own_origin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let secure = request.extensions().get::<Peer>().is_some_and(|peer| peer.secure);
    let (parts, body) = request.into_parts();
    let host = RequestHost::of(&parts.headers);
    let checked = site::refuse_foreign_origin(&parts, &host, secure, &shared.settings.allowed_hosts);
    match checked {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(rejection) => refused(&rejection).into_response(),
    }
}

/// Lets requests with the admin token through. If the server has no token, mode `open` lets everybody through except pages of
/// other sites, and the other modes let nobody through.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match admit(&shared, request.headers()) {
        Ok(()) => next.run(request).await,
        Err((StatusCode::UNAUTHORIZED, body)) => {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), Failure> {
    site::refuse_foreign_page(headers).map_err(|rejection| refused(&rejection))?;
    let token = token(shared, headers);
    if matches!(token, Token::Unset | Token::Missing) {
        site::check_host(&RequestHost::of(headers), &shared.settings.allowed_hosts)
            .map_err(|rejection| refused(&rejection))?;
    }
    match token {
        Token::Right => Ok(()),
        Token::Unset if shared.settings.mode == AuthMode::Open => Ok(()),
        Token::Unset => Err(logged(
            StatusCode::FORBIDDEN,
            "the server has no admin token, so these endpoints are closed: start it with --admin-token TOKEN or with \
             SESAME_ADMIN_TOKEN",
        )),
        Token::Missing => Err(logged(
            StatusCode::UNAUTHORIZED,
            "no admin token was sent: send the header \"Authorization: Bearer TOKEN\" with the value of --admin-token",
        )),
        Token::Wrong => {
            Err(logged(StatusCode::UNAUTHORIZED, "the admin token is wrong: send the value of --admin-token"))
        }
    }
}

fn refused(rejection: &Rejection) -> Failure {
    let status = match rejection {
        Rejection::Malformed(_) => StatusCode::BAD_REQUEST,
        Rejection::Forbidden(_) => StatusCode::FORBIDDEN,
    };
    logged(status, rejection.message())
}

/// Logs a refusal.
fn logged(status: StatusCode, message: &str) -> Failure {
    tracing::info!(status = status.as_u16(), cause = message, "an administrative request was refused");
    failure(status, message)
}
