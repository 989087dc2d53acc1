//! GetSecretValue: the value of a version (rules 4.1 to 4.10).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::reading::{READ_CODES, ReadRequest, SecretValue, read};
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct GetSecretValue;

impl Action for GetSecretValue {
    const NAME: &'static str = "GetSecretValue";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("VersionId"),
        Parameter::optional("VersionStage"),
        Parameter::optional("FetchExtendedConfig"),
        Parameter::optional("DryRun"),
        Parameter::optional("Recipient"),
    ];
    const CODES: &'static [Code] = READ_CODES;
    type Request = ReadRequest;
    type Response = SecretValue;

    fn decode(fields: Fields<'_>) -> Result<ReadRequest, ApiError> {
        Ok(ReadRequest {
            secret: fields.required("SecretName")?,
            version: fields.optional("VersionId")?,
            stage: fields.optional("VersionStage")?,
            dry_run: fields.flag("DryRun", false)?,
            recipient: fields.optional("Recipient")?,
            fetch_config: fields.flag("FetchExtendedConfig", false)?,
        })
    }

    async fn run(context: &Context, request: ReadRequest) -> Result<SecretValue, ApiError> {
        // A dry run never returns a value (rule 4.10, guess G8).
        dry_run(request.dry_run, read(context, &request).await)
    }
}
