//! DescribeEndpoints, of the product Location: tells classic SDKs where a service is.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::Region;
use crate::wire::{ApiError, Code, Fields};

/// The services that this server has, by the code that SDKs send to Location.
const SERVICES: [&str; 2] = ["kms", "sts"];
/// The kind of endpoint that SDKs ask for.
const OPEN_API: &str = "openAPI";

#[derive(Debug)]
pub(in crate::actions) struct Request {
    region: Region,
    service: String,
    kind: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    success: bool,
    endpoints: Endpoints,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoints {
    endpoint: Vec<Row>,
}

/// Where a service is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    protocols: Protocols,
    r#type: String,
    namespace: &'static str,
    id: String,
    /// The service misspells it this way, and SDKs read this member.
    serivce_code: String,
    /// Host and port.
    endpoint: String,
}

/// Protocols in the wrapper that the wire uses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Protocols {
    protocols: [&'static str; 2],
}

/// Returns this server's own address as the endpoint of every service it has, in every region. For other services the
/// list is empty, and SDKs look elsewhere.
pub(in crate::actions) struct DescribeEndpoints;

impl Action for DescribeEndpoints {
    const NAME: &'static str = "DescribeEndpoints";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Unchecked;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("Id"), Parameter::required("ServiceCode"), Parameter::optional("Type")];
    const CODES: &'static [Code] = &[];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            region: fields.required("Id")?,
            service: fields.required("ServiceCode")?,
            kind: fields.optional("Type")?.unwrap_or_else(|| OPEN_API.to_owned()),
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let is_here = SERVICES.iter().any(|service| request.service.eq_ignore_ascii_case(service))
            && request.kind.eq_ignore_ascii_case(OPEN_API)
            && !context.address.is_empty();
        let row = || Row {
            protocols: Protocols { protocols: ["HTTP", "HTTPS"] },
            r#type: request.kind.clone(),
            namespace: "sesame",
            id: request.region.to_string(),
            serivce_code: request.service.clone(),
            endpoint: context.address.clone(),
        };
        Ok(Response {
            success: true,
            endpoints: Endpoints { endpoint: is_here.then(row).into_iter().collect() },
        })
    }
}
