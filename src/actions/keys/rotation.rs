//! UpdateRotationPolicy, CreateKeyVersion, DescribeKeyVersion, ListKeyVersions.

use serde::Serialize;

use super::{KEY_CODES, Nothing, interval_ms, key_id};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::list_secrets::page;
use crate::domain::Page;
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::{Key, KeyRef, KeyVersion};
use crate::wire::{ApiError, Code, Fields};

/// Switches automatic rotation on or off.
pub(in crate::actions) struct UpdateRotationPolicy;

impl Action for UpdateRotationPolicy {
    const NAME: &'static str = "UpdateRotationPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Option<i64>);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Option<i64>), ApiError> {
        let key = key_id(fields, "KeyId")?;
        let missing = || fields.missing("EnableAutomaticRotation");
        fields.text("EnableAutomaticRotation")?.ok_or_else(missing)?;
        if !fields.flag("EnableAutomaticRotation", false)? {
            return Ok((key, None));
        }
        let interval = interval_ms(fields)?.ok_or_else(|| fields.missing("RotationInterval"))?;
        Ok((key, Some(interval)))
    }

    async fn run(context: &Context, (key, interval): (KeyRef, Option<i64>)) -> Result<Nothing, ApiError> {
        let decide = |key: &_| decisions::set_rotation(key, interval);
        context.app.keys().change(&context.scope, &key, decide).await?;
        Ok(Nothing {})
    }
}

/// One version of a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Row {
    key_id: String,
    key_version_id: String,
    creation_date: String,
}

impl Row {
    fn of(key: &Key, version: &KeyVersion) -> Self {
        Self {
            key_id: key.id.to_string(),
            key_version_id: version.id.to_string(),
            creation_date: version.created.to_string(),
        }
    }
}

/// One version, as an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct One {
    key_version: Row,
}

/// Adds a version to a key.
pub(in crate::actions) struct CreateKeyVersion;

impl Action for CreateKeyVersion {
    const NAME: &'static str = "CreateKeyVersion";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = One;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        fields.required("KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<One, ApiError> {
        let held = context.app.keys().add_version(&context.scope, &request).await?;
        let version = held.key().primary().ok_or(KeyRefusal::VersionNotFound)?;
        Ok(One { key_version: Row::of(held.key(), version) })
    }
}

/// Tells what is known of a version.
pub(in crate::actions) struct DescribeKeyVersion;

impl Action for DescribeKeyVersion {
    const NAME: &'static str = "DescribeKeyVersion";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("KeyVersionId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, String);
    type Response = One;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, String), ApiError> {
        Ok((fields.required("KeyId")?, fields.required("KeyVersionId")?))
    }

    async fn run(context: &Context, (key, version): (KeyRef, String)) -> Result<One, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let version = held.key().version(&version).ok_or(KeyRefusal::VersionNotFound)?;
        Ok(One { key_version: Row::of(held.key(), version) })
    }
}

/// A page of versions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Many {
    key_versions: Rows,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

/// The rows, wrapped as the wire has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rows {
    key_version: Vec<Row>,
}

/// Lists the versions of a key, newest first.
pub(in crate::actions) struct ListKeyVersions;

impl Action for ListKeyVersions {
    const NAME: &'static str = "ListKeyVersions";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Page);
    type Response = Many;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Page), ApiError> {
        Ok((fields.required("KeyId")?, page(fields, 10)?))
    }

    async fn run(context: &Context, (key, page): (KeyRef, Page)) -> Result<Many, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let versions: Vec<&KeyVersion> = held.key().versions.iter().rev().collect();
        let total_count = versions.len();
        let rows = page.cut(versions).into_iter().map(|version| Row::of(held.key(), version)).collect();
        Ok(Many {
            key_versions: Rows { key_version: rows },
            page_number: page.number,
            page_size: page.size,
            total_count,
        })
    }
}
