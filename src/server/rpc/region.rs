//! What the Host means for a call: its region, and whether it is the host of another service.

use crate::domain::Region;
use crate::server::site::RequestHost;

/// The services whose host names on the cloud contain the region.
const SERVICES: [&str; 5] = ["kms", "kms-vpc", "kms-intl", "sts", "sts-vpc"];
/// How region ids begin. Below `localhost` only names that begin like this mean a region, because other programs use names
/// there too (`app.localhost`, `my-app.localhost`).
const AREAS: [&str; 8] = ["ap-", "cn-", "eu-", "me-", "na-", "rus-", "sa-", "us-"];

/// The region in the host name (rule 14.12): `kms.<region>.aliyuncs.com` and the similar names of the cloud, and for local use
/// `<region>.localhost` and `kms.<region>.localhost`. `None` for every other host.
pub(super) fn region_of(host: &RequestHost<'_>) -> Option<Region> {
    let name = host.name()?;
    let region = if let Some(above) = name.strip_suffix(".aliyuncs.com") {
        of_service(above)?
    } else {
        let above = name.strip_suffix(".localhost")?;
        let region = of_service(above).unwrap_or(above);
        AREAS.iter().any(|area| region.starts_with(area)).then_some(region)?
    };
    region.parse().ok()
}

/// The region in `<service>.<region>`.
fn of_service(name: &str) -> Option<&str> {
    let (service, region) = name.split_once('.')?;
    SERVICES.contains(&service).then_some(region)
}

/// A host of the cloud that serves neither Kms nor Sts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherService {
    /// `location-readonly.aliyuncs.com`, which tells the addresses of services.
    Location,
    /// `ram.aliyuncs.com`, which manages users and roles.
    Ram,
}

impl OtherService {
    /// The service whose host the request names, if it is one of these.
    pub(super) fn of(host: &RequestHost<'_>) -> Option<Self> {
        let name = host.name()?;
        [Self::Location, Self::Ram].into_iter().find(|service| service.host() == name)
    }

    /// The host name.
    pub(super) const fn host(self) -> &'static str {
        match self {
            Self::Location => "location-readonly.aliyuncs.com",
            Self::Ram => "ram.aliyuncs.com",
        }
    }
}
