//! `/_sesame/state`, `/_sesame/seed`, `/_sesame/snapshots`: everything at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Value, json};

use super::accounts::with_warnings;
use super::endpoints::Parameters;
use super::{Failure, failure, internal};
use crate::app::AppError;
use crate::app::Unseen;
use crate::domain::{AccountId, Scope};
use crate::server::Shared;
use crate::state::file::StateFile;
use crate::state::parse::parse;
use crate::state::read::Reader;
use crate::state::write::{Form, write};
use crate::state::{Problem, seed, warnings};
use crate::store::{ReplaceScope, Snapshot};

/// The longest file that is taken, in bytes.
pub(in crate::server) const FILE_BYTES: usize = 512 * 1024 * 1024;
/// How many snapshots are kept.
const SNAPSHOTS: usize = 100;

fn reader(shared: &Shared, beside: bool) -> Reader<'_> {
    let settings = &shared.settings;
    Reader {
        app: &settings.app,
        scope: Scope { account: settings.default_account.clone(), region: settings.default_region.clone() },
        now: settings.app.clock().now(),
        source: None,
        beside,
        progress: &Unseen,
    }
}

fn wrong(problem: &Problem) -> Failure {
    failure(StatusCode::BAD_REQUEST, &problem.to_string())
}

fn text(body: &Bytes) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_invalid| failure(StatusCode::BAD_REQUEST, "the file is not UTF-8"))
}

/// Writes everything down.
pub(in crate::server) async fn export(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Parameters>,
) -> Result<Json<StateFile>, Failure> {
    let app = &shared.settings.app;
    let contents = app.snapshot(asked.account()?.as_ref()).await.map_err(|e| internal(&e))?;
    let form = if asked.flag("plaintext") { Form::Plaintext } else { Form::Sealed };
    write(app, &contents, form, &Unseen).await.map(Json).map_err(|e| internal(&e))
}

/// Puts everything that a file says instead of what is there.
pub(in crate::server) async fn import(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let instead = asked.instead()?;
    let file = parse(text(&body)?).map_err(|e| wrong(&e))?;
    if file.says_nothing() {
        let message = "the file says nothing, and taking it would remove everything; {\"version\":1} alone does that, \
                       and so does POST /_sesame/reset";
        return Err(failure(StatusCode::BAD_REQUEST, message));
    }
    let contents = reader(&shared, false).read(&file).await.map_err(|e| wrong(&e))?;
    if let ReplaceScope::Account(account) = &instead {
        only_of(&contents, account)?;
    }
    let Json(answer) = put(&shared, instead, Arc::new(contents)).await?;
    Ok(Json(with_warnings(answer, warnings(&file))))
}

/// Refuses to put something of another account.
fn only_of(contents: &Snapshot, account: &AccountId) -> Result<(), Failure> {
    let keys = contents.keys.iter().map(|record| &record.key.scope.account);
    let secrets = contents.secrets.iter().map(|record| &record.secret.scope.account);
    let accounts = contents.accounts.iter().map(|(id, _)| id);
    if keys.chain(secrets).chain(accounts).all(|owner| owner == account) {
        Ok(())
    } else {
        Err(failure(StatusCode::BAD_REQUEST, "the file holds something of another account"))
    }
}

async fn put(
    shared: &Shared,
    instead: ReplaceScope,
    contents: Arc<Snapshot>,
) -> Result<Json<Value>, Failure> {
    let answer = counts(&contents);
    match shared.settings.app.put_snapshot(instead, contents).await {
        Ok(()) => Ok(Json(answer)),
        Err(AppError::Busy) => Err(failure(StatusCode::CONFLICT, "something of this is there already")),
        Err(other) => Err(internal(&other)),
    }
}

fn counts(contents: &Snapshot) -> Value {
    json!({
        "accounts": contents.accounts.len(),
        "keys": contents.keys.len(),
        "secrets": contents.secrets.len(),
    })
}

/// Brings the server to what a seed says.
pub(in crate::server) async fn apply_seed(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let file = parse(text(&body)?).map_err(|e| wrong(&e))?;
    let outcome = seed::apply(&reader(&shared, true), &file).await.map_err(|e| wrong(&e))?;
    let seed::Outcome { created, changed, unchanged } = outcome;
    let answer = json!({ "created": created, "changed": changed, "unchanged": unchanged });
    Ok(Json(with_warnings(answer, warnings(&file))))
}

/// Brings an empty server, or one account of it, to the seed it was started with.
///
/// # Errors
/// The seed's [`Problem`], or that there is none.
pub(in crate::server) async fn back_to_seed(
    shared: &Shared,
    account: Option<&AccountId>,
) -> Result<(), Failure> {
    let none = || failure(StatusCode::CONFLICT, "the server was started without a seed");
    let file = shared.settings.seed.as_ref().ok_or_else(none)?;
    let file = match account {
        None => Cow::Borrowed(file),
        Some(account) => Cow::Owned(file.only_of(account, &shared.settings.default_account)),
    };
    seed::apply(&reader(shared, true), &file).await.map(drop).map_err(|e| wrong(&e))
}

/// What was there once.
#[derive(Debug, Clone)]
struct NamedSnapshot {
    contents: Arc<Snapshot>,
    instead: ReplaceScope,
    taken: String,
}

/// The snapshots by name; they are gone when the server stops.
#[derive(Debug, Default)]
pub(in crate::server) struct Snapshots(Mutex<BTreeMap<String, NamedSnapshot>>);

impl Snapshots {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, NamedSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_snapshot() -> Failure {
    failure(StatusCode::NOT_FOUND, "there is no such snapshot")
}

/// Takes a snapshot, in the place of one of the same name.
pub(in crate::server) async fn take(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Extension(asked): Extension<Parameters>,
) -> Result<Json<Value>, Failure> {
    let (account, instead) = (asked.account()?, asked.instead()?);
    let app = &shared.settings.app;
    let contents = Arc::new(app.snapshot(account.as_ref()).await.map_err(|e| internal(&e))?);
    let answer = counts(&contents);
    let mut snapshots = shared.snapshots.locked();
    if snapshots.len() >= SNAPSHOTS && !snapshots.contains_key(&name) {
        return Err(failure(StatusCode::CONFLICT, "there are 100 snapshots; delete some"));
    }
    let taken = app.clock().now().to_string();
    snapshots.insert(name, NamedSnapshot { contents, instead, taken });
    Ok(Json(answer))
}

/// Puts what a snapshot holds instead of what is there.
pub(in crate::server) async fn restore(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Failure> {
    let snapshot = shared.snapshots.locked().get(&name).cloned().ok_or_else(no_snapshot)?;
    put(&shared, snapshot.instead, snapshot.contents).await
}

/// The names of all snapshots, with what they hold.
pub(in crate::server) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let row = |(name, snapshot): (&String, &NamedSnapshot)| {
        let account = match &snapshot.instead {
            ReplaceScope::Account(account) => Some(account.as_str()),
            ReplaceScope::Everything | ReplaceScope::Nothing => None,
        };
        json!({ "name": name, "taken": snapshot.taken, "account": account, "holds": counts(&snapshot.contents) })
    };
    let rows: Vec<Value> = shared.snapshots.locked().iter().map(row).collect();
    Json(json!({ "snapshots": rows }))
}

/// Forgets a snapshot.
pub(in crate::server) async fn forget(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let forgotten = shared.snapshots.locked().remove(&name);
    forgotten.map(|_| StatusCode::NO_CONTENT).ok_or_else(no_snapshot)
}
