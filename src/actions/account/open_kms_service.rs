//! OpenKmsService: answers that the service is open already, as the cloud answers a second call.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct OpenKmsService;

impl Action for OpenKmsService {
    const NAME: &'static str = "OpenKmsService";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::All;
    const PARAMETERS: &'static [Parameter] = &[];
    const CODES: &'static [Code] = &[Code::ForbiddenOpened];
    type Request = ();
    type Response = Empty;

    fn decode(_fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run(_context: &Context, (): ()) -> Result<Empty, ApiError> {
        Err(ApiError::new(Code::ForbiddenOpened, "the service is open for every account here"))
    }
}
