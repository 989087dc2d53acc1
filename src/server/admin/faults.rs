//! `/_sesame/faults`: the fault rules.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request, failure, internal};
use super::json_body;
use super::parameters::Parameters;
use crate::actions;
use crate::app::{FaultChange, FaultsUnchanged};
use crate::domain::faults::ActiveRule;
use crate::domain::{AccountId, FaultRule};
use crate::server::shared::Shared;

/// Lists the rules in order, each with its id and its counts; with `account` only those of this account.
///
/// # Errors
/// 400 when `account` is not an account id.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Json<Value>, Failure> {
    Ok(listed(&shared, parameters.account()?.as_ref()))
}

fn listed(shared: &Shared, account: Option<&AccountId>) -> Json<Value> {
    let row = |ActiveRule { id, rule, count }: ActiveRule| {
        let mut row = json!(rule);
        if let Some(members) = row.as_object_mut() {
            members.insert("id".to_owned(), id.into());
            members.insert("matched".to_owned(), count.matched.into());
            members.insert("fired".to_owned(), count.fired.into());
        }
        row
    };
    let all = shared.settings.app.faults().list().into_iter();
    let wanted =
        |active: &ActiveRule| account.is_none_or(|id| active.rule.account.as_deref() == Some(id.as_str()));
    let rows: Vec<Value> = all.filter(wanted).map(row).collect();
    Json(json!({ "faults": rows }))
}

const EXAMPLE: &str = r#"{"faults":[{"action":"GetSecretValue","times":2,"code":"Rejected.Throttling"}]}"#;

/// Members that a list of rules has and that no request sets. They are dropped, so that a list can be sent back.
const READ_ONLY: [&str; 3] = ["id", "matched", "fired"];

/// The rules of a body: `{"faults":[…]}`, a bare list, or one rule.
fn rules(body: &Bytes, account: Option<&AccountId>) -> Result<Vec<FaultRule>, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped {
        faults: Vec<FaultRule>,
    }

    let mut given: Value = json_body::json(body, EXAMPLE)?;
    let is_listed = given.is_array();
    let is_one = given.get("action").is_some();
    let rows = match &mut given {
        Value::Array(rows) => rows.as_mut_slice(),
        Value::Object(members) if !is_one => {
            members.get_mut("faults").and_then(Value::as_array_mut).map(Vec::as_mut_slice).unwrap_or_default()
        }
        one => std::slice::from_mut(one),
    };
    let mut dropped = false;
    for members in rows.iter_mut().filter_map(Value::as_object_mut) {
        READ_ONLY.iter().for_each(|name| dropped |= members.remove(*name).is_some());
    }
    // Errors name the line, so the text is parsed as it was sent if possible.
    let body = if dropped { &Bytes::from(given.to_string()) } else { body };
    let mut rules: Vec<FaultRule> = if is_listed {
        json_body::json(body, EXAMPLE)?
    } else if is_one {
        vec![json_body::json(body, EXAMPLE)?]
    } else {
        json_body::json::<Wrapped>(body, EXAMPLE)?.faults
    };
    for rule in &mut rules {
        let Some(account) = account else { continue };
        if rule.account.as_deref().is_some_and(|other| other != account.as_str()) {
            let message = format!("account: a rule names an account other than that of the query, {account}");
            return Err(bad_request(&message));
        }
        rule.account = Some(account.to_string());
    }
    actions::check_faults(&rules).map_err(|why| bad_request(&why))?;
    Ok(rules)
}

async fn change(shared: &Shared, change: FaultChange) -> Result<(), Failure> {
    shared.settings.app.change_faults(&change).await.map_err(|why| match why {
        FaultsUnchanged::TooMany => bad_request(&why.to_string()),
        FaultsUnchanged::Unknown(_) => failure(StatusCode::NOT_FOUND, &why.to_string()),
        FaultsUnchanged::Failed(error) => internal(&error),
    })
}

/// Replaces all rules; with `account` only those of this account. Counts of replaced rules start again from zero.
///
/// # Errors
/// 400 when a rule is wrong, or when there would be too many.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let account = parameters.account()?;
    let rules = rules(&body, account.as_ref())?;
    change(&shared, FaultChange::Replace(rules, account.as_ref().map(AccountId::to_string))).await?;
    Ok(listed(&shared, account.as_ref()))
}

/// Adds rules behind the others, which keep their counts.
///
/// # Errors
/// 400 when a rule is wrong, or when there would be too many.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let account = parameters.account()?;
    change(&shared, FaultChange::Append(rules(&body, account.as_ref())?)).await?;
    Ok(listed(&shared, account.as_ref()))
}

/// Removes all rules, including those of the configuration file; with `account` only those of this account.
///
/// # Errors
/// 400 when `account` is not an account id.
pub(super) async fn clear(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<StatusCode, Failure> {
    let account = parameters.account()?.as_ref().map(AccountId::to_string);
    change(&shared, FaultChange::Replace(Vec::new(), account)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes one rule. The others keep their ids and counts.
///
/// # Errors
/// 404 when there is no rule of this id, or when it is not a rule of `account`.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Extension(parameters): Extension<Parameters>,
) -> Result<StatusCode, Failure> {
    let account = parameters.account()?.as_ref().map(AccountId::to_string);
    let id = id.parse().map_err(|_not_a_number| {
        bad_request("the id of a fault rule is a whole number, such as /_sesame/faults/1")
    })?;
    change(&shared, FaultChange::Remove(id, account)).await?;
    Ok(StatusCode::NO_CONTENT)
}
