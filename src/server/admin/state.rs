//! `/_sesame/state` and `/_sesame/seed`: all data as one file.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::failure::{Failure, INTERNAL, bad_request, failure, internal};
use super::parameters::Parameters;
use super::warnings::with_warnings;
use crate::app::AppError;
use crate::app::{NoProgress, Progress};
use crate::domain::{AccountId, Scope};
use crate::server::net::Gone;
use crate::server::shared::Shared;
use crate::state::file::StateFile;
use crate::state::parse::parse;
use crate::state::read::Reader;
use crate::state::write::{Form, write};
use crate::state::{Cause, Problem, seed, warnings};
use crate::store::{ReplaceScope, Snapshot};

/// The longest accepted file, in bytes.
pub(super) const FILE_BYTES: usize = 512 * 1024 * 1024;

/// The most files that are read at once. Each may take a processor, and several times its size of memory.
static READING: Semaphore = Semaphore::const_new(2);

/// Says whether the client that sent a file still waits.
#[derive(Debug, Clone)]
struct Waiting(Gone);

impl Progress for Waiting {
    fn at(&self, _done: usize, _of: Option<usize>) {}

    fn is_abandoned(&self) -> bool {
        self.0.0.is_cancelled()
    }
}

/// Runs work on a file outside of the threads that serve requests, and not for a client that went away.
async fn apart<T: Send + 'static>(
    gone: Gone,
    work: impl AsyncFnOnce(&Waiting) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let abandoned = || failure(StatusCode::BAD_REQUEST, "the client went away, so nothing was changed");
    let place = tokio::select! {
        place = READING.acquire() => place,
        () = gone.0.cancelled() => return Err(abandoned()),
    };
    let runtime = Handle::current();
    let work = move || {
        let waiting = Waiting(gone);
        if waiting.is_abandoned() { Err(abandoned()) } else { runtime.block_on(work(&waiting)) }
    };
    let done = tokio::task::spawn_blocking(work).await;
    drop(place);
    match done {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_stopped) => Err(failure(StatusCode::SERVICE_UNAVAILABLE, INTERNAL)),
        },
    }
}

fn reader<'a>(shared: &'a Shared, beside: bool, progress: &'a dyn Progress) -> Reader<'a> {
    let settings = &shared.settings;
    Reader {
        app: &settings.app,
        scope: Scope { account: settings.default_account.clone(), region: settings.default_region.clone() },
        now: settings.app.clock().now(),
        source: None,
        beside,
        progress,
    }
}

/// 400 if the file is wrong. A failure of the server is logged, and answered as [`internal`] does.
fn wrong(problem: &Problem) -> Failure {
    let status = match problem.cause {
        Cause::File | Cause::Abandoned => return bad_request(&problem.to_string()),
        Cause::Conflict | Cause::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Cause::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::error!(error = %problem, "an administrative request failed");
    failure(status, INTERNAL)
}

fn text(body: &Bytes) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_invalid| bad_request("the file is not UTF-8"))
}

/// Answers with all data as a file.
///
/// # Errors
/// 400 when `account` is not an account id; 503 when the database does not answer.
pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Parameters>,
) -> Result<Json<StateFile>, Failure> {
    let app = &shared.settings.app;
    let contents = app.snapshot(asked.account()?.as_ref()).await.map_err(|e| internal(&e))?;
    let form = if asked.flag("plaintext") { Form::Plaintext } else { Form::Sealed };
    write(app, &contents, form, &NoProgress).await.map(Json).map_err(|e| internal(&e))
}

/// Replaces all data, or that of one account, with the contents of a file.
///
/// # Errors
/// 400 when the file is wrong or empty; 409 when it conflicts with data that stays; 503 when the database does not answer.
pub(super) async fn import(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Parameters>,
    Extension(gone): Extension<Gone>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let replaces = asked.replaces()?;
    let (told, here) = (gone.clone(), Arc::clone(&shared));
    let read = apart(gone, async move |waiting: &Waiting| {
        let file = parse(text(&body)?).map_err(|e| wrong(&e))?;
        if file.says_nothing() {
            let message = "the file is empty, so importing it would remove all data; to do that, send {\"version\":1} or use \
                           POST /_sesame/reset";
            return Err(bad_request(message));
        }
        let contents = reader(&here, false, waiting).read(&file).await.map_err(|e| wrong(&e))?;
        Ok((contents, warnings(&file)))
    });
    let (contents, warnings) = read.await?;
    if let ReplaceScope::Account(account) = &replaces {
        only_of(&contents, account)?;
    }
    if told.0.is_cancelled() {
        return Err(bad_request("the client went away, so nothing was changed"));
    }
    let Json(answer) = put(&shared, replaces, Arc::new(contents)).await?;
    Ok(Json(with_warnings(answer, warnings)))
}

/// Refuses a file that contains data of another account.
fn only_of(contents: &Snapshot, account: &AccountId) -> Result<(), Failure> {
    let keys = contents.keys.iter().map(|record| &record.key.scope.account);
    let secrets = contents.secrets.iter().map(|record| &record.secret.scope.account);
    let accounts = contents.accounts.iter().map(|(id, _)| id);
    if keys.chain(secrets).chain(accounts).all(|owner| owner == account) {
        Ok(())
    } else {
        Err(bad_request("the file contains data of another account"))
    }
}

/// Replaces data and answers with its counts. 409 when it conflicts with data that stays.
pub(super) async fn put(
    shared: &Shared,
    replaces: ReplaceScope,
    contents: Arc<Snapshot>,
) -> Result<Json<Value>, Failure> {
    let answer = counts(&contents);
    match shared.settings.app.put_snapshot(replaces, contents).await {
        Ok(()) => Ok(Json(answer)),
        Err(AppError::Busy) => Err(failure(StatusCode::CONFLICT, "some of this data exists already")),
        Err(other) => Err(internal(&other)),
    }
}

/// The number of accounts, keys and secrets.
pub(super) fn counts(contents: &Snapshot) -> Value {
    json!({
        "accounts": contents.accounts.len(),
        "keys": contents.keys.len(),
        "secrets": contents.secrets.len(),
    })
}

/// Applies a seed file.
///
/// # Errors
/// 400 when the file is wrong; 503 when the database does not answer.
pub(super) async fn apply_seed(
    State(shared): State<Arc<Shared>>,
    Extension(gone): Extension<Gone>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let applied = apart(gone, async move |waiting: &Waiting| {
        let file = parse(text(&body)?).map_err(|e| wrong(&e))?;
        let outcome = seed::apply(&reader(&shared, true, waiting), &file).await.map_err(|e| wrong(&e))?;
        Ok((outcome, warnings(&file)))
    });
    let (outcome, warnings) = applied.await?;
    let seed::Outcome { created, changed, unchanged } = outcome;
    let answer = json!({ "created": created, "changed": changed, "unchanged": unchanged });
    Ok(Json(with_warnings(answer, warnings)))
}

/// The seed that the server was started with.
///
/// # Errors
/// 409 when there is none.
pub(super) fn require_seed(shared: &Shared) -> Result<&StateFile, Failure> {
    let none = || failure(StatusCode::CONFLICT, "the server was started without a seed");
    shared.settings.seed.as_ref().ok_or_else(none)
}

/// Applies the seed that the server was started with, after a reset of everything or of one account.
///
/// # Errors
/// 409 when the server was started without a seed; 400 with the seed's [`Problem`].
pub(super) async fn back_to_seed(shared: &Shared, account: Option<&AccountId>) -> Result<(), Failure> {
    let file = require_seed(shared)?;
    let file = match account {
        None => Cow::Borrowed(file),
        Some(account) => Cow::Owned(file.only_of(account, &shared.settings.default_account)),
    };
    seed::apply(&reader(shared, true, &NoProgress), &file).await.map(drop).map_err(|e| wrong(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_for_a_client_that_went_away_is_not_begun() {
        let gone = Gone::default();
        let told = gone.0.clone();
        let held = READING.acquire_many(2).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
        let waits = tokio::spawn(apart(gone, async |_: &Waiting| -> Result<(), Failure> {
            panic!("the client went away before there was a place")
        }));
        tokio::task::yield_now().await;
        told.cancel();
        assert!(waits.await.unwrap().is_err());
        drop(held);
        let done = apart(Gone::default(), async |waiting: &Waiting| Ok(waiting.is_abandoned())).await;
        assert!(matches!(done, Ok(false)));
        let gone = Gone::default();
        let told = gone.0.clone();
        let seen = apart(gone, async move |waiting: &Waiting| {
            told.cancel();
            Ok(waiting.is_abandoned())
        });
        assert!(matches!(seen.await, Ok(true)));
    }
}
