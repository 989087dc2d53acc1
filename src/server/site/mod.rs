//! Which requests a web page may have sent, and which hosts the server answers to.
//!
//! A page that a developer has open can send requests to a server on the developer's machine or network. Two checks
//! keep it away from secrets:
//!
//! - **Origin.** Browsers name the site of the page that sends a request, in `Origin` and in `Sec-Fetch-Site`. Every
//!   site but the server's own is refused, even with a valid signature.
//! - **Host.** A page can have the name of its own site resolve to this server (DNS rebinding). The browser then takes
//!   page and server for one site and sends neither of the two headers. `Host` still carries the page's name, so only
//!   hosts on a list are answered. A page has neither the admin token nor a secret access key, so requests that
//!   prove one of them may name any host. The key `test`/`test` is public and proves nothing.

mod allowed_hosts;
mod host;
mod origin;
mod page;
mod refusal;

pub use self::allowed_hosts::AllowedHosts;
pub(super) use self::allowed_hosts::expect_allowed_host;
pub(super) use self::host::{Name, Place, address_of, host_of};
pub(super) use self::origin::expect_own_origin;
pub(super) use self::page::{expect_no_unmarked_change, expect_own_page};
pub(super) use self::refusal::Refusal;
