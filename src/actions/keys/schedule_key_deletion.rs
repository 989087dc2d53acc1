//! ScheduleKeyDeletion: schedules a key for deletion.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::actions::shared::empty::Empty;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::{self, DELETION_DAYS};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct ScheduleKeyDeletion;

impl Action for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("PendingWindowInDays")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, u32);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, u32), ApiError> {
        let key = key_id(fields, "KeyId")?;
        let days: u32 = fields.required("PendingWindowInDays")?;
        let (min, max) = DELETION_DAYS;
        if (min..=max).contains(&days) {
            Ok((key, days))
        } else {
            Err(ApiError::invalid(
                "PendingWindowInDays",
                format!("is out of range; expected {min} to {max} days"),
            ))
        }
    }

    async fn run(context: &Context, (key, days): (KeyRef, u32)) -> Result<Empty, ApiError> {
        let now = context.app.clock().now();
        let decide = |key: &_| decisions::schedule_deletion(key, days, now);
        context.app.keys().change(&context.scope, &key, decide).await?;
        Ok(Empty {})
    }
}
