//! ListResourceTags: the tags of a key. There are no keys of the user's own yet, so none is found.

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::tag_resource::Nothing;
use crate::wire::{ApiError, Code, Fields};

/// The action.
pub(super) struct ListResourceTags;

impl Action for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = &[Code::KeyNotFound];
    type Request = String;
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<String, ApiError> {
        fields.required("KeyId")
    }

    async fn run(_context: &Context, _key: String) -> Result<Nothing, ApiError> {
        Err(ApiError::new(Code::KeyNotFound))
    }
}
