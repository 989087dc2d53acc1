//! ListSecretVersionIds: the versions of a secret, newest first (rules 5.9, 5.10).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::labels::VersionStages;
use crate::actions::shared::paging::page;
use crate::domain::{Page, SecretRef, Version};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    secret: SecretRef,
    /// Whether versions without a label are listed too; default false.
    include_deprecated: bool,
    page: Page,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_name: String,
    version_ids: VersionIds,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionIds {
    version_id: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    version_id: String,
    create_time: String,
    version_stages: VersionStages,
}

pub(in crate::actions) struct ListSecretVersionIds;

impl Action for ListSecretVersionIds {
    const NAME: &'static str = "ListSecretVersionIds";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("IncludeDeprecated"),
        Parameter::optional("PageNumber"),
        Parameter::optional("PageSize"),
    ];
    const CODES: &'static [Code] = &[Code::ResourceNotFound];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            secret: fields.required("SecretName")?,
            include_deprecated: fields.flag("IncludeDeprecated", false)?,
            page: page(fields, Page::DEFAULT_VERSIONS)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let loaded = context.find_secret(&request.secret).await?;
        let secret = &loaded.secret;
        let shown = |version: &&Version| request.include_deprecated || secret.stages.is_labelled(&version.id);
        let versions: Vec<&Version> = secret.versions.iter().rev().filter(shown).collect();
        let total_count = versions.len();
        let row = |version: &Version| Row {
            version_id: version.id.to_string(),
            create_time: version.created.to_string(),
            version_stages: secret.stages.labels_of(&version.id).collect(),
        };
        Ok(Response {
            secret_name: secret.name.to_string(),
            version_ids: VersionIds { version_id: request.page.cut(versions).into_iter().map(row).collect() },
            page_number: request.page.number,
            page_size: request.page.size,
            total_count,
        })
    }
}
