//! The admin token.

use http::{HeaderMap, header};

use crate::crypto::same_bytes;
use crate::server::shared::Shared;

/// How the admin token of a request compares with the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Token {
    /// The server has no token.
    Unset,
    /// The request has no token.
    Missing,
    /// The request has another token.
    Wrong,
    /// The tokens are equal.
    Right,
}

/// Compares the token in `Authorization: Bearer` with the server's, in constant time. An empty token counts as no token, on
/// either side.
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
