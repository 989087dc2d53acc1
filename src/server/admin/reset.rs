//! `/_sesame/reset`: emptying the server or one account.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request, failure, internal};
use super::json_body::object;
use super::parameters::Parameters;
use super::state::{back_to_seed, require_seed};
use crate::app::{FaultChange, FaultsUnchanged};
use crate::domain::AccountId;
use crate::server::shared::Shared;
use crate::store::ReplaceScope;

/// What to reset to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// `empty` (default), or `seed`: the seed that the server was started with.
    #[serde(default)]
    to: ResetTo,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResetTo {
    #[default]
    Empty,
    Seed,
}

/// Resets everything, or one account.
///
/// # Errors
/// 404 for an account that does not exist; 409 when the server was started without a seed; 503 when the database does not
/// answer. A reset to a seed that no longer applies has emptied the server before it fails.
pub(super) async fn reset(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let account = parameters.account()?;
    let wanted: Reset = if body.is_empty() { Reset::default() } else { object(&body, r#"{"to":"seed"}"#)? };
    if wanted.to == ResetTo::Seed {
        require_seed(&shared)?;
    }
    match &account {
        None => {
            shared.settings.app.reset().await.map_err(|e| internal(&e))?;
            shared.request_log.clear();
        }
        Some(account) => empty(&shared, account).await?,
    }
    let status = match wanted.to {
        ResetTo::Empty => "empty",
        ResetTo::Seed => {
            back_to_seed(&shared, account.as_ref()).await?;
            "seed"
        }
    };
    Ok(Json(match account {
        None => json!({ "status": status }),
        Some(account) => json!({ "status": status, "account": account.as_str() }),
    }))
}

/// Removes everything of an account: secrets, keys, aliases, fault rules, its entries in the logs, and the account itself if
/// it was added at run time.
async fn empty(shared: &Shared, account: &AccountId) -> Result<(), Failure> {
    let app = &shared.settings.app;
    // An account that no longer exists may have left secrets and keys behind; they can be removed too.
    let is_known = app.directory().current().account(account).is_some()
        || !app.snapshot(Some(account)).await.map_err(|e| internal(&e))?.is_empty();
    if !is_known {
        let message = format!(
            "there is no account {account}, so nothing was reset; GET /_sesame/accounts lists the existing ones"
        );
        return Err(failure(StatusCode::NOT_FOUND, &message));
    }
    let replaces = ReplaceScope::Account(account.clone());
    app.put_snapshot(replaces, Arc::default()).await.map_err(|e| internal(&e))?;
    app.event_log().clear_account(account);
    shared.request_log.clear_account(account.as_str());
    let none = FaultChange::Replace(Vec::new(), Some(account.to_string()));
    app.change_faults(&none).await.map_err(|why| match why {
        FaultsUnchanged::Failed(error) => internal(&error),
        FaultsUnchanged::TooMany | FaultsUnchanged::Unknown(_) => bad_request(&why.to_string()),
    })
}
