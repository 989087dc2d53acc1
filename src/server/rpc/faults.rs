//! Injecting faults into calls.

use crate::actions::{self, Endpoint};
use crate::domain::faults::{Call, Fault};
use crate::server::shared::Shared;
use crate::wire::Fields;

/// The fault for this call, if a rule fires. Waits for the rule's delay before it returns, or until the server stops.
pub(super) async fn inject(shared: &Shared, action: &dyn Endpoint, fields: Fields<'_>) -> Option<Fault> {
    let app = &shared.settings.app;
    if !app.faults().any() {
        return None;
    }
    let secrets = actions::secrets_named(fields);
    let fault = app.faults().inject(&Call::new(action.name(), &secrets), app.entropy())?;
    if let Some(delay_ms) = fault.delay_ms {
        tokio::select! {
            () = app.clock().pause(delay_ms) => {}
            () = shared.shutdown.cancelled() => {}
        }
    }
    Some(fault)
}
