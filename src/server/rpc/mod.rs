//! The RPC endpoint.

mod answer;
mod authenticate;
mod facts;
mod faults;
mod handle;
mod reasons;
mod receive;
mod region;
mod resolve;
mod respond;

pub(super) use self::answer::PATH;
pub(super) use self::handle::{elsewhere, handle};
