//! UpdateRotationPolicy: switches automatic rotation of a key on or off.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::rotation::interval_ms;
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::actions::shared::empty::Empty;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct UpdateRotationPolicy;

impl Action for UpdateRotationPolicy {
    const NAME: &'static str = "UpdateRotationPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Option<i64>);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Option<i64>), ApiError> {
        let key = key_id(fields, "KeyId")?;
        let missing = || fields.missing("EnableAutomaticRotation");
        fields.text("EnableAutomaticRotation")?.ok_or_else(missing)?;
        if !fields.flag("EnableAutomaticRotation", false)? {
            return Ok((key, None));
        }
        let interval = interval_ms(fields)?.ok_or_else(|| fields.missing("RotationInterval"))?;
        Ok((key, Some(interval)))
    }

    async fn run(context: &Context, (key, interval): (KeyRef, Option<i64>)) -> Result<Empty, ApiError> {
        let decide = |key: &_| decisions::set_rotation(key, interval);
        context.app.keys().change(&context.scope, &key, decide).await?;
        Ok(Empty {})
    }
}
