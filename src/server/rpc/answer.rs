//! The order of checks of the API: [`answer`] calls [`identify`] (claim, resolve, authenticate), then authorize, faults and
//! the action.

use std::sync::Arc;

use axum::body::Body;
use http::Method;

use super::authenticate::Authenticated;
use super::head::Head;
use super::outcome::Outcome;
use super::request_info::{Claimed, RequestInfo};
use super::resolve::{VERSION, by_header, format_of, parameter, resolve};
use super::{authenticate, faults, reasons, receive};
use crate::actions::{self, AnsweredVersion, Context, Endpoint, Kind};
use crate::app::{Access, Caller, SecretMemo};
use crate::domain::Scope;
use crate::domain::faults::{DropWhen, Effect};
use crate::server::admin::{self, Token};
use crate::server::settings::AuthMode;
use crate::server::shared::{Asked, Shared};
use crate::server::site;
use crate::wire::params::Pairs;
use crate::wire::signature::{self, Claim, SignedRequest};
use crate::wire::{ApiError, Code, Fields, Format};

/// The path of the API.
const PATH: &str = "/";

/// The one action that cannot be called by GET (rule 14.5).
const BY_POST_ONLY: &str = "SetSecretPolicy";

/// Answers a call: receive, claim, resolve the action, authenticate, authorize, inject faults, decode, decide, commit,
/// encode. What becomes known on the way is written to `info`.
///
/// # Errors
/// That of the first step which refuses.
pub(super) async fn answer(
    shared: &Shared,
    head: &Head<'_>,
    body: Body,
    info: &mut RequestInfo,
) -> Result<Outcome, ApiError> {
    let Head { parts, host, peer } = head;
    let raw_query = receive::raw_query(shared, parts);
    info.format = format_of(raw_query.as_ref().ok().copied());
    // No signature makes up for a page of another site.
    site::refuse_foreign_origin(parts, host, peer.secure, &shared.settings.allowed_hosts)?;
    site::refuse_foreign_page(&parts.headers)?;
    if peer.spare {
        let reason = "all connections are busy; close some, or raise [limits] connections";
        return Err(ApiError::new(Code::ServiceUnavailableTemporary, reason));
    }
    if !matches!(parts.method, Method::GET | Method::POST) {
        let reason = reasons::unknown_method(parts.method.as_str());
        return Err(ApiError::new(Code::UnsupportedHttpMethod, reason));
    }
    let body = receive::read(&parts.headers, body, shared.settings.bounds.body).await?;
    let query = Pairs::parse(raw_query?)?;
    let form = receive::body_pairs(&parts.headers, &body)?;
    let signed = SignedRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: &query,
        form: &form,
        headers: &parts.headers,
        body: &body,
    };
    info.asked = Asked::of(&query, &form, &parts.headers);
    info.format = Format::of(parameter(&query, &form, "Format"));
    let version = parameter(&query, &form, "Version").or_else(|| by_header(&signed, VERSION));
    info.product = version.and_then(actions::of_version).unwrap_or(info.product);
    if parts.uri.path() != PATH {
        let reason = reasons::unknown_path(parts.uri.path());
        return Err(ApiError::new(Code::InvalidActionNotFound, reason));
    }
    let (action, caller) = match identify(shared, head, &signed, info).await {
        Ok(identified) => identified,
        Err(error) => {
            info.claimed = Claimed::of(&signed);
            return Err(error);
        }
    };
    let context = Context {
        app: Arc::clone(&shared.settings.app),
        scope: Scope { account: caller.account().clone(), region: info.region.clone() },
        access: Access {
            caller,
            enforced: shared.settings.mode == AuthMode::Enforced,
            source_ip: Some(peer.address),
            secure_transport: peer.secure,
            found: SecretMemo::default(),
        },
        request_id: info.request_id,
        address: host.address().unwrap_or_default().to_owned(),
        answered: AnsweredVersion::default(),
    };
    let mut all = query;
    all.extend(form)?;
    let fields = Fields::new(&all);
    actions::authorize(&context, action, fields).await?;
    info.injected = faults::inject(shared, &context.scope.account, action, fields).await;
    match info.injected.as_ref().map(|fault| (fault.rule, &fault.effect)) {
        None | Some((_, Effect::None {})) => {
            let document = action.call(&context, fields, info.format).await?;
            info.answered = context.answered.into_text();
            info.warning = actions::unknown_actions(fields, &context.scope.account);
            Ok(Outcome::Answer(document))
        }
        Some((rule, Effect::Error { code, .. })) => {
            Err(actions::injected_error(rule, code, action, &context.scope, fields))
        }
        Some((_, Effect::Drop { drop: DropWhen::Before })) => Ok(Outcome::Drop(None)),
        Some((_, Effect::Drop { drop: DropWhen::After })) => {
            let result = action.call(&context, fields, info.format).await;
            info.answered = context.answered.into_text();
            Ok(Outcome::Drop(Some(result.map(drop))))
        }
    }
}

/// Refuses a host that is not allowed, unless the request carries the admin token. For requests that no signature proves: a
/// page whose name resolves to this server (DNS rebinding) may have sent them.
fn check_host_unless_admin(shared: &Shared, head: &Head<'_>) -> Result<(), ApiError> {
    if admin::token(shared, &head.parts.headers) != Token::Right {
        site::check_host(&head.host, &shared.settings.allowed_hosts)?;
    }
    Ok(())
}

/// Authenticates the caller.
async fn caller(
    shared: &Shared,
    head: &Head<'_>,
    request: &SignedRequest<'_>,
    claim: &Claim<'_>,
    action: &dyn Endpoint,
) -> Result<Caller, ApiError> {
    if matches!(claim, Claim::Unsigned) && action.anonymous() {
        return Ok(Caller::root(shared.settings.default_account.clone(), None));
    }
    let Authenticated { caller, proven } = authenticate::caller(shared, request, claim).await?;
    if !proven {
        check_host_unless_admin(shared, head)?;
        if request.method == Method::GET.as_str() && action.kind() == Kind::Write {
            site::refuse_get_change_from_browser(request.headers)?;
        }
    }
    Ok(caller)
}

/// Finds the action and the caller: claim, resolve, authenticate.
async fn identify(
    shared: &Shared,
    head: &Head<'_>,
    request: &SignedRequest<'_>,
    info: &mut RequestInfo,
) -> Result<(&'static dyn Endpoint, Arc<Caller>), ApiError> {
    let claim = signature::claim(request)?;
    if !matches!(claim, Claim::Signed(_)) {
        check_host_unless_admin(shared, head)?;
    }
    let action = resolve(request, &claim, info.other_service)?;
    info.action = Some(action.name());
    if request.method == Method::GET.as_str() && action.name() == BY_POST_ONLY {
        let reason = format!("{BY_POST_ONLY} can be called by POST only");
        return Err(ApiError::new(Code::UnsupportedHttpMethod, reason));
    }
    if let Claim::Signed(claim) = &claim {
        info.scheme = Some(claim.scheme.as_str());
    }
    shared.settings.app.catch_up().await?;
    let caller = Arc::new(caller(shared, head, request, &claim, action).await?);
    info.caller = Some(Arc::clone(&caller));
    Ok((action, caller))
}
