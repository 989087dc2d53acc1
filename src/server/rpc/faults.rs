//! Carrying out what rules of faults want of a call.

use crate::actions::{self, Context, Endpoint};
use crate::domain::faults::{Call, DropWhen, Fault};
use crate::server::shared::Shared;
use crate::wire::{ApiError, Fields};

/// What a call suffers, if anything. Returns when it has waited as long as it shall, or the server stops.
pub(super) async fn strike(shared: &Shared, action: &dyn Endpoint, fields: Fields<'_>) -> Option<Fault> {
    let app = &shared.settings.app;
    if !app.faults().any() {
        return None;
    }
    let secrets = actions::secrets_named(fields);
    let fault = app.faults().inject(&Call { action: action.name(), secrets: &secrets }, app.entropy())?;
    if let Some(delay_ms) = fault.delay_ms {
        tokio::select! {
            () = app.clock().pause(delay_ms) => {}
            () = shared.shutdown.cancelled() => {}
        }
    }
    Some(fault)
}

/// What a call comes to that is not carried out; none when it is.
pub(super) fn instead(
    fault: &Fault,
    context: &Context,
    action: &dyn Endpoint,
    fields: Fields<'_>,
) -> Option<Result<Vec<u8>, ApiError>> {
    match (&fault.code, fault.drop) {
        (Some(code), _) => Some(Err(actions::injected((fault.rule, code), action, &context.scope, fields))),
        (None, Some(DropWhen::Before)) => Some(Ok(Vec::new())),
        (None, Some(DropWhen::After) | None) => None,
    }
}
