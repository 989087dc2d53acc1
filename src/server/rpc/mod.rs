//! The API: one endpoint that takes all actions.

mod answer;
mod authenticate;
mod faults;
mod handle;
mod head;
mod outcome;
mod reasons;
mod receive;
mod region;
mod request_info;
mod resolve;
mod respond;

pub(super) use self::handle::handle;
