//! `/_sesame/snapshots`: copies of all data in memory.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Value, json};

use super::failure::{Failure, failure, internal};
use super::json_body::empty;
use super::parameters::Parameters;
use super::state::{counts, put};
use crate::server::shared::{KeptSnapshot, MAX_SNAPSHOTS, Shared};
use crate::store::ReplaceScope;

fn no_snapshot() -> Failure {
    failure(StatusCode::NOT_FOUND, "there is no such snapshot")
}

/// Takes a snapshot. It replaces one of the same name.
pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Extension(asked): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    empty(&body)?;
    let (account, replaces) = (asked.account()?, asked.replaces()?);
    let app = &shared.settings.app;
    let contents = Arc::new(app.snapshot(account.as_ref()).await.map_err(|e| internal(&e))?);
    let answer = counts(&contents);
    let mut snapshots = shared.snapshots.locked();
    if snapshots.len() >= MAX_SNAPSHOTS && !snapshots.contains_key(&name) {
        let message = format!("there are {MAX_SNAPSHOTS} snapshots; delete some");
        return Err(failure(StatusCode::CONFLICT, &message));
    }
    let taken = app.clock().now().to_string();
    snapshots.insert(name, KeptSnapshot { contents, replaces, taken });
    Ok(Json(answer))
}

/// Replaces the current data with a snapshot.
pub(super) async fn restore(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    empty(&body)?;
    let snapshot = shared.snapshots.locked().get(&name).cloned().ok_or_else(no_snapshot)?;
    put(&shared, snapshot.replaces, snapshot.contents).await
}

/// Lists all snapshots with the counts of their data.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let row = |(name, snapshot): (&String, &KeptSnapshot)| {
        let account = match &snapshot.replaces {
            ReplaceScope::Account(account) => Some(account.as_str()),
            ReplaceScope::Everything | ReplaceScope::Nothing => None,
        };
        json!({ "name": name, "taken": snapshot.taken, "account": account, "holds": counts(&snapshot.contents) })
    };
    let rows: Vec<Value> = shared.snapshots.locked().iter().map(row).collect();
    Json(json!({ "snapshots": rows }))
}

/// Deletes a snapshot.
pub(super) async fn forget(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let forgotten = shared.snapshots.locked().remove(&name);
    forgotten.map(|_| StatusCode::NO_CONTENT).ok_or_else(no_snapshot)
}
