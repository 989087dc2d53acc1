//! `/_sesame/secrets`: metadata of secrets of all accounts and regions, for people and tools. Values are never in it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};

use super::failure::{Failure, bad_request, internal};
use super::parameters::Parameters;
use crate::app::CatalogPage;
use crate::domain::{Region, Scope, Secret, SecretName, SecretRef, SecretType, Version};
use crate::server::shared::Shared;

/// How many secrets a page has at most.
const MOST_ROWS: usize = 1_000;
/// How many secrets a page has without `limit`.
const ROWS: usize = 100;

/// Which secrets are wanted.
#[derive(Debug, Default)]
struct Wanted {
    /// The key of a tag, and its value if one is given.
    tag: Option<(String, Option<String>)>,
    secret_type: Option<SecretType>,
    /// The id of the key that encrypts.
    key: Option<String>,
    /// Whether it is scheduled for deletion.
    deleting: Option<bool>,
}

impl Wanted {
    fn of(parameters: &Parameters) -> Result<Self, Failure> {
        let split = |text: String| match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text, None),
        };
        let secret_type = parameters.text("type").map(|text| {
            text.parse::<SecretType>().map_err(|invalid| bad_request(&format!("type {invalid}")))
        });
        let deleting = parameters.text("state").map(|text| match text.as_str() {
            "active" => Ok(false),
            "deleting" => Ok(true),
            _ => Err(bad_request("state must be active or deleting")),
        });
        Ok(Self {
            tag: parameters.text("tag").map(split),
            secret_type: secret_type.transpose()?,
            key: parameters.text("key"),
            deleting: deleting.transpose()?,
        })
    }

    fn fits(&self, secret: &Secret) -> bool {
        let tag = |(key, value): &(String, Option<String>)| {
            let fits = |found: &str| value.as_deref().is_none_or(|value| value == found);
            secret.tags.iter().any(|(found, value_found)| found.as_str() == key && fits(value_found.as_str()))
        };
        self.tag.as_ref().is_none_or(tag)
            && self.secret_type.is_none_or(|wanted| secret.secret_type == wanted)
            && self
                .key
                .as_deref()
                .is_none_or(|key| secret.encryption_key.as_ref().is_some_and(|id| id.as_str() == key))
            && self.deleting.is_none_or(|deleting| secret.planned_deletion.is_some() == deleting)
    }
}

/// Lists secrets by account, region and name. `next` of the answer is the `after` of the next page; it is null at the end. A
/// page may have fewer rows than `limit`.
///
/// # Errors
/// 400 when a parameter is not valid; 503 when the database does not answer.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Json<Value>, Failure> {
    let wanted = Wanted::of(&parameters)?;
    let account = parameters.account()?;
    let region = parameters.text("region").map(|text| text.parse::<Region>()).transpose();
    let region = region.map_err(|invalid| bad_request(&format!("region {invalid}")))?;
    let prefix = parameters.text("prefix").unwrap_or_default();
    let after = parameters.text("after").map(|text| {
        let place = text.parse::<SecretRef>().ok().and_then(|named| Some((named.scope?, named.name)));
        place.ok_or_else(|| bad_request("after must be the ARN of a secret, such as the `next` of an answer"))
    });
    let limit = parameters.number("limit", 1..=MOST_ROWS)?.unwrap_or(ROWS);
    let app = &shared.settings.app;
    let is_place = |scope: &Scope, name: &SecretName| {
        account.as_ref().is_none_or(|account| scope.account == *account)
            && region.as_ref().is_none_or(|region| scope.region == *region)
            && name.as_str().starts_with(&prefix)
    };
    let page = app.catalog(after.transpose()?, limit, is_place, |secret| wanted.fits(secret)).await;
    let CatalogPage { secrets, next } = page.map_err(|e| internal(&e))?;
    let rows: Vec<Value> = secrets.iter().map(row).collect();
    let next = next.map(|(scope, name)| scope.secret_arn(&name));
    Ok(Json(json!({ "secrets": rows, "next": next })))
}

fn row(secret: &Secret) -> Value {
    let tags: Map<String, Value> =
        secret.tags.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().into())).collect();
    let version = |version: &Version| {
        let labels: Vec<&str> = secret.stages.labels_of(&version.id).map(|label| label.as_str()).collect();
        json!({ "id": version.id.as_str(), "created": version.created.to_string(), "labels": labels })
    };
    json!({
        "arn": secret.arn(),
        "account": secret.scope.account.as_str(),
        "region": secret.scope.region.as_str(),
        "name": secret.name.as_str(),
        "type": secret.secret_type.as_str(),
        "description": secret.description,
        "key": secret.encryption_key.as_ref().map(|id| id.as_str()),
        "state": if secret.planned_deletion.is_some() { "deleting" } else { "active" },
        "created": secret.created.to_string(),
        "updated": secret.updated.to_string(),
        "planned_deletion": secret.planned_deletion.map(|at| at.to_string()),
        "tags": tags,
        "versions": secret.versions.iter().map(version).collect::<Vec<_>>(),
        "automatic_rotation": secret.managed.as_ref().map(|managed| managed.plan.as_str()),
    })
}
