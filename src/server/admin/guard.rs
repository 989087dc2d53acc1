//! Who may ask.

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
use crate::server::site::{self, Refusal};

/// Refuses requests that are not well formed, and those of other sites' pages.
pub(super) async fn own_origin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let secure = request.extensions().get::<Peer>().is_some_and(|peer| peer.secure);
    let (parts, body) = request.into_parts();
    match site::expect_own_origin(&parts, secure, &shared.settings.allowed_hosts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refused(&refusal).into_response(),
    }
}

/// Admits requests with the admin token. When the server has no token, `open` mode admits everybody except pages of other
/// sites, and the other modes admit nobody.
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
