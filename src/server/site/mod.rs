//! Protection against web pages: which hosts and origins are answered.
//!
//! A page in a developer's browser can send requests to a server on the developer's machine or network. Two checks keep it away
//! from secrets:
//!
//! - **Origin.** Browsers name the site of the page that sends a request in `Origin` and `Sec-Fetch-Site`. Every
//!   site other than the server's own is refused, even with a valid signature.
//! - **Host.** The owner of a page can make the name of its site resolve to this server (DNS rebinding). The browser then
//!   regards page and server as one site and sends neither header. `Host` still contains the name of the page's site, so
//!   only hosts on a list are answered. A page knows neither the admin token nor a secret access key, so requests that
//!   prove one of them may name any host. The key `test`/`test` is public and proves nothing.

mod allowed_hosts;
mod host;
mod origin;
mod page;
mod rejection;

pub use self::allowed_hosts::AllowedHosts;
pub(super) use self::allowed_hosts::check_host;
pub(super) use self::host::RequestHost;
pub(super) use self::origin::refuse_foreign_origin;
pub(super) use self::page::{refuse_foreign_page, refuse_get_change_from_browser};
pub(super) use self::rejection::Rejection;
