//! What the Host says: the region, and the service.

use http::HeaderMap;

use crate::domain::Region;
use crate::server::site::{Name, Place, host_of};

/// The services whose host names say the region, on the cloud.
const SERVICES: [&str; 5] = ["kms", "kms-vpc", "kms-intl", "sts", "sts-vpc"];
/// The beginnings of region ids. Below `localhost` only names that begin so mean a region, because programs of all kinds
/// are given names there (`app.localhost`, `my-app.localhost`).
const AREAS: [&str; 8] = ["ap-", "cn-", "eu-", "me-", "na-", "rus-", "sa-", "us-"];

/// The region that the Host names (rule 14.12): that of `kms.<region>.aliyuncs.com` and of the like names of the cloud,
/// and for local use that of `<region>.localhost` and `kms.<region>.localhost`. Every other host names none.
pub(super) fn region_of(headers: &HeaderMap) -> Option<Region> {
    let Name::Host(name) = Place::parse(host_of(headers))?.name else { return None };
    let of_service = |name: &str| {
        let (service, region) = name.split_once('.')?;
        SERVICES.contains(&service).then(|| region.to_owned())
    };
    let region = if let Some(above) = name.strip_suffix(".aliyuncs.com") {
        of_service(above)
    } else {
        let above = name.strip_suffix(".localhost")?;
        let region = of_service(above).unwrap_or_else(|| above.to_owned());
        AREAS.iter().any(|area| region.starts_with(area)).then_some(region)
    };
    region?.parse().ok()
}

/// A host of the cloud where something else than Kms and Sts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherService {
    /// `location-readonly.aliyuncs.com`, which says where services are.
    Location,
    /// `ram.aliyuncs.com`, which manages users and roles.
    Ram,
}

impl OtherService {
    /// The one whose host the request names.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        match Place::parse(host_of(headers))?.name {
            Name::Host(name) if name == Self::Location.host() => Some(Self::Location),
            Name::Host(name) if name == Self::Ram.host() => Some(Self::Ram),
            _ => None,
        }
    }

    /// Its host name.
    pub(super) const fn host(self) -> &'static str {
        match self {
            Self::Location => "location-readonly.aliyuncs.com",
            Self::Ram => "ram.aliyuncs.com",
        }
    }
}
