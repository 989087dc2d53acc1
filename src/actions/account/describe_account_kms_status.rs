//! DescribeAccountKmsStatus: the service is open for every account here.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    account_status: &'static str,
}

pub(in crate::actions) struct DescribeAccountKmsStatus;

impl Action for DescribeAccountKmsStatus {
    const NAME: &'static str = "DescribeAccountKmsStatus";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::All;
    const PARAMETERS: &'static [Parameter] = &[];
    const CODES: &'static [Code] = &[];
    type Request = ();
    type Response = Response;

    fn decode(_fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run(_context: &Context, (): ()) -> Result<Response, ApiError> {
        Ok(Response { account_status: "Enabled" })
    }
}
