//! [`answer`] is the whole order of checks: receive, claim, resolve the action, authenticate, authorize, suffer faults,
//! decode, decide, commit, encode.

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderMap, Method};

use super::authenticate::Authenticated;
use super::facts::{Claimed, Facts};
use super::resolve::{VERSION, by_header, format_of, parameter, resolve};
use super::{authenticate, faults, reasons, receive};
use crate::actions::{self, Context, Endpoint, Kind};
use crate::app::{Access, Caller, Seen};
use crate::domain::Scope;
use crate::server::admin::{self, Token};
use crate::server::net::Peer;
use crate::server::settings::AuthMode;
use crate::server::shared::Shared;
use crate::server::site;
use crate::wire::params::Pairs;
use crate::wire::signature::{self, Claim, SignedRequest};
use crate::wire::{ApiError, Code, Fields, Format};

/// Where the API is.
pub(in crate::server) const PATH: &str = "/";

/// The one action that takes no GET (rule 14.5).
const BY_POST_ONLY: &str = "SetSecretPolicy";

/// The steps, in the order in which they may fail.
pub(super) async fn answer(
    shared: &Shared,
    peer: Option<Peer>,
    request: Request,
    facts: &mut Facts,
) -> Result<Vec<u8>, ApiError> {
    let (parts, body) = request.into_parts();
    facts.format = format_of(receive::raw_query(shared, &parts).ok());
    let secure = peer.is_some_and(|peer| peer.secure);
    // No signature makes up for a page of another site.
    site::expect_own_origin(&parts, secure, &shared.settings.allowed_hosts)?;
    site::expect_own_page(&parts.headers)?;
    if peer.is_some_and(|peer| peer.spare) {
        let reason = "all connections are busy; close some, or raise [limits] connections";
        return Err(ApiError::new(Code::ServiceUnavailableTemporary, reason));
    }
    if !matches!(parts.method, Method::GET | Method::POST) {
        let reason = reasons::unknown_method(parts.method.as_str());
        return Err(ApiError::new(Code::UnsupportedHttpMethod, reason));
    }
    let received = receive::read(parts, body, shared.settings.bounds.body).await?;
    let (parts, body) = (&received.parts, &received.body);
    let raw_query = receive::raw_query(shared, parts)?;
    let query = Pairs::parse(raw_query)?;
    let form = receive::body_pairs(&parts.headers, body)?;
    let signed = SignedRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: &query,
        form: &form,
        headers: &parts.headers,
        body,
    };
    facts.format = Format::of(parameter(&query, &form, "Format"));
    let version = parameter(&query, &form, "Version").or_else(|| by_header(&signed, VERSION));
    facts.product = version.and_then(actions::of_version).unwrap_or(facts.product);
    if parts.uri.path() != PATH {
        let reason = reasons::unknown_path(parts.uri.path());
        return Err(ApiError::new(Code::InvalidActionNotFound, reason));
    }
    let (action, caller) = match identify(shared, &signed, facts).await {
        Ok(identified) => identified,
        Err(error) => {
            facts.claimed = Claimed::of(&signed);
            return Err(error);
        }
    };
    let context = Context {
        app: Arc::clone(&shared.settings.app),
        scope: Scope { account: caller.account().clone(), region: facts.region.clone() },
        access: Access {
            caller,
            enforced: shared.settings.mode == AuthMode::Enforced,
            source_ip: peer.map(|peer| peer.address),
            secure_transport: secure,
            seen: Seen::default(),
        },
        request_id: facts.request_id,
        address: site::address_of(&parts.headers).unwrap_or_default().to_owned(),
    };
    let mut all = query;
    all.extend(form)?;
    let fields = Fields::new(&all);
    actions::authorize(&context, action, fields).await?;
    facts.injected = faults::strike(shared, action, fields).await;
    let instead = facts.injected.as_ref().and_then(|fault| faults::instead(fault, &context, action, fields));
    match instead {
        Some(outcome) => outcome,
        None => {
            let answered = action.call(&context, fields, facts.format).await?;
            facts.warning = actions::unknown_actions(fields, &context.scope.account);
            Ok(answered)
        }
    }
}

/// Refuses a request that names a host which is not on the list, unless it carries the admin token. For requests that no
/// signature proves: they may be those of a page whose name was made to resolve to this server.
fn expect_allowed_host(shared: &Shared, headers: &HeaderMap) -> Result<(), ApiError> {
    if admin::token(shared, headers) != Token::Right {
        site::expect_allowed_host(headers, &shared.settings.allowed_hosts)?;
    }
    Ok(())
}

/// Who asks.
async fn caller(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &Claim<'_>,
    action: &dyn Endpoint,
) -> Result<Caller, ApiError> {
    if matches!(claim, Claim::Unsigned) && action.anonymous() {
        return Ok(Caller::root(shared.settings.default_account.clone(), None));
    }
    let Authenticated { caller, proven } = authenticate::caller(shared, request, claim).await?;
    if !proven {
        expect_allowed_host(shared, request.headers)?;
        if request.method == Method::GET.as_str() && action.kind() == Kind::Write {
            site::expect_no_unmarked_change(request.headers)?;
        }
    }
    Ok(caller)
}

/// What is asked for, and by whom: claim, resolve, authenticate.
async fn identify(
    shared: &Shared,
    request: &SignedRequest<'_>,
    facts: &mut Facts,
) -> Result<(&'static dyn Endpoint, Arc<Caller>), ApiError> {
    let claim = signature::claim(request)?;
    if !matches!(claim, Claim::Signed(_)) {
        expect_allowed_host(shared, request.headers)?;
    }
    let action = resolve(request, &claim, facts.elsewhere)?;
    facts.action = Some(action.name());
    if request.method == Method::GET.as_str() && action.name() == BY_POST_ONLY {
        let reason = format!("{BY_POST_ONLY} is taken by POST only");
        return Err(ApiError::new(Code::UnsupportedHttpMethod, reason));
    }
    if let Claim::Signed(claim) = &claim {
        facts.scheme = Some(claim.scheme.as_str());
    }
    shared.settings.app.catch_up().await?;
    let caller = Arc::new(caller(shared, request, &claim, action).await?);
    facts.caller = Some(Arc::clone(&caller));
    Ok((action, caller))
}
