//! Certificates signed by the authority, and their renewal.

use std::net::IpAddr;
use std::sync::Arc;

use quick_cache::sync::Cache;
use rustls::sign::CertifiedKey;

use super::TlsError;
use super::authority::{Authority, Leaf};
use super::names::{Names, Subject, TlsName};
use crate::domain::Timestamp;

/// How many certificates are kept. One that was evicted is signed again when needed.
const KEPT: usize = 256;

/// The certificates of a server.
pub(super) struct Leaves {
    names: Names,
    signed: Cache<Subject, Arc<Leaf>>,
}

impl Leaves {
    pub(super) fn new(added: Vec<TlsName>, listen: IpAddr) -> Self {
        Self { names: Names::new(added, listen), signed: Cache::new(KEPT) }
    }

    /// The certificate for a client that asked for `name` and connected to `local`. Signs one if there is none or it is
    /// about to be replaced.
    pub(super) fn get(
        &self,
        authority: &Authority,
        name: Option<&str>,
        local: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<CertifiedKey>, TlsError> {
        let subject = self.names.subject(name, local);
        if let Some(leaf) = self.signed.get(&subject)
            && leaf.serves(now)
        {
            return Ok(Arc::clone(&leaf.key));
        }
        let leaf = authority.sign(self.names.alternatives(&subject)?, now)?;
        let key = Arc::clone(&leaf.key);
        self.signed.insert(subject, Arc::new(leaf));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_491_000_000);
    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_certificate_is_signed_once_and_renewed_in_time() {
        let authority = Authority::make(NOW).unwrap();
        let leaves = Leaves::new(Vec::new(), LOCAL);
        let at = |name, days| leaves.get(&authority, name, LOCAL, NOW.plus_days(days)).unwrap();
        for name in [None, Some("sts.aliyuncs.com")] {
            let first = at(name, 0);
            assert!(Arc::ptr_eq(&first, &at(name, 59)));
            let second = at(name, 60);
            assert!(!Arc::ptr_eq(&first, &second), "there were 30 days left of 90");
            assert!(Arc::ptr_eq(&second, &at(name, 60 + 59)));
            assert!(!Arc::ptr_eq(&second, &at(name, 0)), "the clock was set back to before it is valid");
        }
    }

    #[test]
    fn any_number_of_names_leaves_a_bounded_number_of_certificates() {
        let authority = Authority::make(NOW).unwrap();
        let leaves = Leaves::new(Vec::new(), LOCAL);
        for n in 0..KEPT + 100 {
            leaves.get(&authority, Some(&format!("host{n}")), LOCAL, NOW).unwrap();
        }
        assert!(leaves.signed.len() <= KEPT, "{}", leaves.signed.len());
    }
}
