//! The answer of actions that return only the id of the request.

use serde::Serialize;

/// An answer with no members but the request id.
#[derive(Debug, Serialize)]
pub(in crate::actions) struct Empty {}
