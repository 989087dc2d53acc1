//! The RPC endpoint. [`answer`] is the whole order of checks: receive, claim, resolve the action, authenticate,
//! authorize, suffer faults, decode, decide, commit, encode.

mod authenticate;
mod reasons;
pub(super) mod receive;

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use self::authenticate::Authenticated;
use crate::actions::{self, Context, Endpoint, Host, Kind, Product};
use crate::app::{Access, Caller, Seen};
use crate::domain::faults::{DropWhen, Fault};
use crate::domain::{Region, Scope};
use crate::server::admin::{self, Token, faults};
use crate::server::net::{Dropped, Peer};
use crate::server::panics::caught;
use crate::server::shared::request_log::{AskedBy, Entry};
use crate::server::site::{self, OtherService};
use crate::server::{AuthMode, Shared};
use crate::telemetry;
use crate::wire::params::Pairs;
use crate::wire::reason::{self, NAME_BYTES, shown};
use crate::wire::signature::{self, Claim, Scheme, SignedRequest};
use crate::wire::{ApiError, Code, Fields, Format, RequestId, encode};

/// What is known of a request, for the answer and the log.
#[derive(Debug)]
struct Facts {
    request_id: RequestId,
    format: Format,
    /// The action's name once it is known to be one.
    action: Option<&'static str>,
    /// What a request names that was refused before its action and caller were known.
    claimed: Claimed,
    caller: Option<Arc<Caller>>,
    /// The one that the address means (rule 14.12).
    region: Region,
    /// Whose Version the request names, for the `HostId` of errors.
    product: &'static Product,
    /// Whose host the request names, if it is neither that of Kms nor of Sts.
    elsewhere: Option<OtherService>,
    scheme: Option<&'static str>,
    /// What a rule of faults makes it suffer.
    injected: Option<Fault>,
    /// What was accepted and is probably a mistake.
    warning: Option<String>,
}

/// What a request names, in printable ASCII and cut; nothing of it is known to be so.
#[derive(Debug, Default)]
struct Claimed {
    action: Option<String>,
    access_key: Option<String>,
}

impl Claimed {
    fn of(request: &SignedRequest<'_>) -> Self {
        let claim = signature::claim(request);
        let by_parameter = |name| parameter(request.query, request.form, name);
        let (action, access_key) = match &claim {
            Ok(claim @ Claim::Signed(signed)) => (named(request, claim).0, Some(signed.access_key_id)),
            Ok(claim) => (named(request, claim).0, None),
            Err(_) => {
                (by_parameter("Action").or_else(|| by_header(request, ACTION)), by_parameter("AccessKeyId"))
            }
        };
        let shown = |text: &str| shown(text, NAME_BYTES);
        Self { action: action.map(shown), access_key: access_key.map(shown) }
    }
}

impl Facts {
    /// What the request says by its address alone.
    fn new(shared: &Shared, headers: &HeaderMap) -> Self {
        Self {
            request_id: RequestId::new(shared.settings.app.entropy().uuid()),
            format: Format::Json,
            action: None,
            claimed: Claimed::default(),
            caller: None,
            region: site::region_of(headers).unwrap_or_else(|| shared.settings.default_region.clone()),
            product: &actions::KMS,
            elsewhere: OtherService::of(headers),
            scheme: None,
            injected: None,
            warning: None,
        }
    }

    /// The host that errors name: that of the product.
    fn host_id(&self) -> Cow<'static, str> {
        match (self.elsewhere, self.product.host) {
            (Some(other), _) => other.host().into(),
            (None, Host::Everywhere(host)) => host.into(),
            (None, Host::InRegion(service)) => format!("{service}.{}.aliyuncs.com", self.region).into(),
        }
    }

    /// When the connection is to be closed, if it is.
    fn dropped(&self) -> Option<DropWhen> {
        self.injected.as_ref()?.drop
    }
}

/// Where the API is.
pub(in crate::server) const PATH: &str = "/";

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

/// The steps, in the order in which they may fail.
async fn answer(
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

/// The one action that takes no GET (rule 14.5).
const BY_POST_ONLY: &str = "SetSecretPolicy";

/// The format by a look at the raw query alone, for errors that come before it can be decoded.
fn format_of(raw_query: Option<&str>) -> Format {
    let mut members = raw_query.unwrap_or_default().split('&');
    Format::of(members.find_map(|member| member.strip_prefix("Format=")))
}

/// A parameter of query or body, query first.
fn parameter<'a>(query: &'a Pairs<'_>, form: &'a Pairs<'_>, name: &str) -> Option<&'a str> {
    [query, form].into_iter().find_map(|pairs| pairs.get(name).filter(|text| !text.is_empty()))
}

/// Where header signatures have the action and its version, and where the instance gateway has them.
const ACTION: HeaderName = HeaderName::from_static("x-acs-action");
const VERSION: HeaderName = HeaderName::from_static("x-acs-version");
const API_NAME: HeaderName = HeaderName::from_static("x-kms-apiname");
const API_VERSION: HeaderName = HeaderName::from_static("x-kms-apiversion");

fn by_header<'a>(request: &SignedRequest<'a>, name: HeaderName) -> Option<&'a str> {
    request.headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
}

/// The names of the action and of its version: by headers when the signature is of the header kind, by parameters
/// otherwise, because clients send the headers along unsigned in the other kind too (facts B2, B3).
fn named<'a>(request: &SignedRequest<'a>, claim: &Claim<'_>) -> (Option<&'a str>, Option<&'a str>) {
    let by_header = |name| by_header(request, name);
    let by_parameter = |name| parameter(request.query, request.form, name);
    let headers_decide = match claim {
        Claim::Signed(claim) => {
            !matches!(claim.scheme, Scheme::RpcHmacSha1 | Scheme::RpcHmacSha256 | Scheme::RpcRsaSha256)
        }
        Claim::Bearer => request.headers.contains_key("x-acs-bearer-token"),
        Claim::Unsigned => by_parameter("Action").is_none(),
    };
    match claim {
        Claim::Signed(c) if c.scheme == Scheme::ClientKey => (by_header(API_NAME), by_header(API_VERSION)),
        _ if headers_decide => (by_header(ACTION), by_header(VERSION)),
        _ => (by_parameter("Action"), by_parameter("Version")),
    }
}

/// Which action is asked for. At the host of another service there is but Location's one action.
fn resolve(
    request: &SignedRequest<'_>,
    claim: &Claim<'_>,
    elsewhere: Option<OtherService>,
) -> Result<&'static dyn Endpoint, ApiError> {
    let (name, version) = named(request, claim);
    let missing = |name: &str| {
        let ignored = !request.body.is_empty() && request.form.is_empty();
        let kind = by_header(request, header::CONTENT_TYPE).filter(|_| ignored);
        ApiError::missing_from_gateway(name, reasons::missing(name, kind))
    };
    let name = name.ok_or_else(|| missing("Action"))?;
    let version = version.ok_or_else(|| missing("Version"))?;
    let product = actions::of_version(version);
    if let Some(other) = elsewhere
        && !(other == OtherService::Location
            && product.is_some_and(|product| product.name == actions::LOCATION.name))
    {
        return Err(ApiError::new(Code::InvalidActionNotFound, reasons::other_host(other.host())));
    }
    let unknown = || ApiError::new(Code::InvalidVersion, reasons::unknown_version(version));
    let served = product.ok_or_else(unknown)?.actions;
    // Names are case-sensitive (fact B5).
    let place = served.binary_search_by(|action| action.name().cmp(name));
    let action = place.ok().and_then(|place| served.get(place)).copied();
    let unknown = || ApiError::new(Code::InvalidActionNotFound, reasons::unknown_action(name, version));
    action.ok_or_else(unknown)
}

/// Where the answer carries the request's id, too.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-acs-request-id");
/// Why the request was refused, for developers, in mode `open`.
const REASON: HeaderName = HeaderName::from_static(reason::HEADER);
/// When to try again, in milliseconds: clients wait so long when they see it. Only a rule of faults asks for it (TH2.5).
/// What was accepted and is probably a mistake.
const WARNING: HeaderName = HeaderName::from_static("x-sesame-warning");
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

fn respond(facts: &Facts, answered: Result<Vec<u8>, ApiError>, reason: Option<&str>) -> Response {
    if facts.dropped().is_some() {
        return Dropped::response();
    }
    let (status, body, close) = match answered {
        Ok(body) => (StatusCode::OK, body, false),
        Err(error) => {
            let body = encode::error(facts.format, &error, facts.request_id, &facts.host_id());
            let status =
                StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let close = matches!(error.code, Code::RequestBodyTooLarge | Code::RequestUriTooLong);
            (status, body, close)
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(facts.format.content_type()));
    if let Ok(id) = HeaderValue::from_str(facts.request_id.text(&mut RequestId::BUFFER.clone())) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(wait) = facts.injected.as_ref().and_then(|fault| fault.retry_after_ms) {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    if let Some(value) = reason.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(REASON, value);
    }
    let warning = facts.warning.as_deref().map(|text| shown(text, reason::MOST_BYTES));
    if let Some(value) = warning.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(WARNING, value);
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
