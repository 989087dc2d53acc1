//! DescribeRegions: lists the regions of the cloud's service and the region of the request. Every region works here.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::wire::{ApiError, Code, Fields};

/// Regions in which the cloud offers the service.
const REGIONS: &[&str] = &[
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-northeast-1",
    "ap-northeast-2",
    "eu-central-1",
    "eu-west-1",
    "us-west-1",
    "us-east-1",
    "me-east-1",
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    regions: Regions,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Regions {
    region: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    region_id: String,
}

pub(in crate::actions) struct DescribeRegions;

impl Action for DescribeRegions {
    const NAME: &'static str = "DescribeRegions";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Unchecked;
    const PARAMETERS: &'static [Parameter] = &[];
    const CODES: &'static [Code] = &[];
    type Request = ();
    type Response = Response;

    fn decode(_fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run(context: &Context, (): ()) -> Result<Response, ApiError> {
        let own = context.scope.region.as_str();
        let known = REGIONS.iter().copied();
        let all = known.chain((!REGIONS.contains(&own)).then_some(own));
        let region = all.map(|id| Row { region_id: id.to_owned() }).collect();
        Ok(Response { regions: Regions { region } })
    }
}
