//! What the actions on aliases share.

use serde::Serialize;

use crate::actions::endpoint::Parameter;
use crate::actions::keys::shared::key_id;
use crate::actions::shared::paging::page;
use crate::domain::keys::{Alias, AliasName, KeyRef};
use crate::domain::{Page, Scope};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) const ALIAS_CODES: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasNotFound,
    Code::AliasExists,
    Code::AliasUnsupported,
    Code::UnsupportedOperation,
    Code::RejectedLimitExceeded,
    Code::RejectedPendingDeletion,
    Code::RejectedStateModifiedFailed,
];

pub(in crate::actions) const NAME_AND_KEY: &[Parameter] =
    &[Parameter::required("AliasName"), Parameter::required("KeyId")];

pub(in crate::actions) fn name_and_key(fields: Fields<'_>) -> Result<(AliasName, KeyRef), ApiError> {
    Ok((fields.required("AliasName")?, key_id(fields, "KeyId")?))
}

/// A page of aliases.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct AliasPage {
    aliases: AliasList,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AliasList {
    alias: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    alias_name: String,
    key_id: String,
    alias_arn: String,
}

impl AliasPage {
    pub(in crate::actions) fn of(scope: &Scope, aliases: Vec<&Alias>, page: Page) -> Self {
        let total_count = aliases.len();
        let row = |alias: &Alias| Row {
            alias_name: alias.name.to_string(),
            key_id: alias.key.to_string(),
            alias_arn: format!("acs:kms:{}:{}:{}", scope.region, scope.account, alias.name),
        };
        Self {
            aliases: AliasList { alias: page.cut(aliases).into_iter().map(row).collect() },
            page_number: page.number,
            page_size: page.size,
            total_count,
        }
    }
}

/// Reads a page; PageSize 0 means the default size (guess G36).
pub(in crate::actions) fn alias_page(fields: Fields<'_>) -> Result<Page, ApiError> {
    if fields.text("PageSize")? == Some("0") {
        return Ok(Page { number: fields.number("PageNumber", 1..=u32::MAX, 1)?, size: 10 });
    }
    page(fields, Page::DEFAULT_SIZE)
}
