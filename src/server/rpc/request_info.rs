//! What is known about a request so far.

use std::borrow::Cow;
use std::sync::Arc;

use super::region::{OtherService, region_of};
use super::resolve::{ACTION, by_header, named, parameter};
use crate::actions::{self, Host, Product};
use crate::app::Caller;
use crate::domain::Region;
use crate::domain::faults::Fault;
use crate::server::shared::{Asked, Shared};
use crate::server::site::RequestHost;
use crate::wire::reason::{NAME_BYTES, shown};
use crate::wire::signature::{self, Claim, SignedRequest};
use crate::wire::{Format, RequestId};

/// What is known of a request, for its answer, the log and the request log.
#[derive(Debug)]
pub(super) struct RequestInfo {
    pub(super) request_id: RequestId,
    pub(super) format: Format,
    /// The action's name, once the action is found.
    pub(super) action: Option<&'static str>,
    /// Names in a request that is refused before its action and caller are known.
    pub(super) claimed: Claimed,
    /// Which secrets, key, version and label the request names.
    pub(super) asked: Asked,
    /// The version that was answered, and its labels, one a line.
    pub(super) answered: Option<String>,
    pub(super) caller: Option<Arc<Caller>>,
    /// The region in the host name, or the default one (rule 14.12).
    pub(super) region: Region,
    /// The product whose Version the request names, for the `HostId` of errors.
    pub(super) product: &'static Product,
    /// The service whose host the request names, if it is neither KMS nor STS.
    pub(super) other_service: Option<OtherService>,
    pub(super) scheme: Option<&'static str>,
    /// The fault that a rule injects.
    pub(super) injected: Option<Fault>,
    /// What was accepted although it is probably a mistake.
    pub(super) warning: Option<String>,
}

/// Names that a request claims: printable ASCII, shortened, unverified.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    pub(super) action: Option<String>,
    pub(super) access_key: Option<String>,
}

impl Claimed {
    /// The names in a request.
    pub(super) fn of(request: &SignedRequest<'_>) -> Self {
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

impl RequestInfo {
    /// Starts with what the Host header tells.
    pub(super) fn new(shared: &Shared, host: &RequestHost<'_>) -> Self {
        Self {
            request_id: RequestId::new(shared.settings.app.entropy().uuid()),
            format: Format::Json,
            action: None,
            claimed: Claimed::default(),
            asked: Asked::default(),
            answered: None,
            caller: None,
            region: region_of(host).unwrap_or_else(|| shared.settings.default_region.clone()),
            product: &actions::KMS,
            other_service: OtherService::of(host),
            scheme: None,
            injected: None,
            warning: None,
        }
    }

    /// The `HostId` of errors: the product's host.
    pub(super) fn host_id(&self) -> Cow<'static, str> {
        match (self.other_service, self.product.host) {
            (Some(other), _) => other.host().into(),
            (None, Host::Everywhere(host)) => host.into(),
            (None, Host::InRegion(service)) => format!("{service}.{}.aliyuncs.com", self.region).into(),
        }
    }
}
