//! What is known of a request.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderMap;

use super::region::{OtherService, region_of};
use super::resolve::{ACTION, by_header, named, parameter};
use crate::actions::{self, Host, Product};
use crate::app::Caller;
use crate::domain::Region;
use crate::domain::faults::{DropWhen, Fault};
use crate::server::shared::Shared;
use crate::wire::reason::{NAME_BYTES, shown};
use crate::wire::signature::{self, Claim, SignedRequest};
use crate::wire::{Format, RequestId};

/// What is known of a request, for the answer and the log.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) request_id: RequestId,
    pub(super) format: Format,
    /// The action's name once it is known to be one.
    pub(super) action: Option<&'static str>,
    /// What a request names that was refused before its action and caller were known.
    pub(super) claimed: Claimed,
    pub(super) caller: Option<Arc<Caller>>,
    /// The one that the address means (rule 14.12).
    pub(super) region: Region,
    /// Whose Version the request names, for the `HostId` of errors.
    pub(super) product: &'static Product,
    /// Whose host the request names, if it is neither that of Kms nor of Sts.
    pub(super) elsewhere: Option<OtherService>,
    pub(super) scheme: Option<&'static str>,
    /// What a rule of faults makes it suffer.
    pub(super) injected: Option<Fault>,
    /// What was accepted and is probably a mistake.
    pub(super) warning: Option<String>,
}

/// What a request names, in printable ASCII and cut; nothing of it is known to be so.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    pub(super) action: Option<String>,
    pub(super) access_key: Option<String>,
}

impl Claimed {
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

impl Facts {
    /// What the request says by its address alone.
    pub(super) fn new(shared: &Shared, headers: &HeaderMap) -> Self {
        Self {
            request_id: RequestId::new(shared.settings.app.entropy().uuid()),
            format: Format::Json,
            action: None,
            claimed: Claimed::default(),
            caller: None,
            region: region_of(headers).unwrap_or_else(|| shared.settings.default_region.clone()),
            product: &actions::KMS,
            elsewhere: OtherService::of(headers),
            scheme: None,
            injected: None,
            warning: None,
        }
    }

    /// The host that errors name: that of the product.
    pub(super) fn host_id(&self) -> Cow<'static, str> {
        match (self.elsewhere, self.product.host) {
            (Some(other), _) => other.host().into(),
            (None, Host::Everywhere(host)) => host.into(),
            (None, Host::InRegion(service)) => format!("{service}.{}.aliyuncs.com", self.region).into(),
        }
    }

    /// When the connection is to be closed, if it is.
    pub(super) fn dropped(&self) -> Option<DropWhen> {
        self.injected.as_ref()?.drop
    }
}
