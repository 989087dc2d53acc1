//! GetRandomPassword: a random password, stored nowhere (section 9).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::password::{self, LENGTH, PasswordSpec};
use crate::wire::{ApiError, Code, Disclosed, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    random_password: Disclosed,
}

pub(in crate::actions) struct GetRandomPassword;

impl Action for GetRandomPassword {
    const NAME: &'static str = "GetRandomPassword";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::All;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::optional("PasswordLength"),
        Parameter::optional("ExcludeCharacters"),
        Parameter::optional("ExcludeLowercase"),
        Parameter::optional("ExcludeUppercase"),
        Parameter::optional("ExcludeNumbers"),
        Parameter::optional("ExcludePunctuation"),
        Parameter::optional("RequireEachIncludedType"),
    ];
    const CODES: &'static [Code] = &[];
    type Request = PasswordSpec;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<PasswordSpec, ApiError> {
        let (min, max, default) = LENGTH;
        Ok(PasswordSpec {
            length: fields.number("PasswordLength", min..=max, default)?,
            exclude_characters: fields.text("ExcludeCharacters")?.unwrap_or_default().to_owned(),
            exclude_lowercase: fields.flag("ExcludeLowercase", false)?,
            exclude_uppercase: fields.flag("ExcludeUppercase", false)?,
            exclude_numbers: fields.flag("ExcludeNumbers", false)?,
            exclude_punctuation: fields.flag("ExcludePunctuation", false)?,
            require_each: fields.flag("RequireEachIncludedType", true)?,
        })
    }

    async fn run(context: &Context, request: PasswordSpec) -> Result<Response, ApiError> {
        let password = password::generate(&request, &mut *context.app.entropy().rng())?;
        Ok(Response { random_password: password.into() })
    }
}
