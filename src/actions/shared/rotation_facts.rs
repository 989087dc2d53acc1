//! What answers tell of the rotation of a managed secret (rules R3.1, R3.3, R3.5).

use serde::Serialize;

use crate::app::App;
use crate::domain::rotation::RotationInterval;
use crate::domain::{Refusal, Secret, SecretType};

/// The members; all absent for Generic secrets (rule 4.7), unless the configuration file lets calls rotate them (rule DY14.2).
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct RotationFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    automatic_rotation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotation_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_config: Option<String>,
}

impl RotationFacts {
    /// Of a secret, with its `ExtendedConfig` if that is wanted.
    pub(in crate::actions) fn of(app: &App, secret: &Secret, with_config: bool) -> Self {
        let Ok(managed) = app.managed_for_call(secret) else { return Self::default() };
        let with_config = with_config && secret.secret_type != SecretType::Generic;
        Self {
            automatic_rotation: Some(managed.plan.as_str()),
            rotation_interval: managed.plan.interval().map(|interval| interval.to_string()),
            last_rotation_date: managed.last_rotation.map(|at| at.to_string()),
            next_rotation_date: managed.next_rotation().map(|at| at.to_string()),
            extended_config: with_config.then(|| managed.config.to_text()),
        }
    }
}

/// The interval of a plan; `None` when it is off.
///
/// # Errors
/// [`Refusal::Parameter`] naming `RotationInterval`.
pub(in crate::actions) fn wanted(
    enable: bool,
    interval: Option<&str>,
    shortest: RotationInterval,
) -> Result<Option<RotationInterval>, Refusal> {
    const NAME: &str = "RotationInterval";
    if !enable {
        return Ok(None);
    }
    let needed = "is missing; EnableAutomaticRotation=true needs it, such as 7d";
    let text = interval.ok_or_else(|| Refusal::parameter(NAME, needed))?;
    let parsed = RotationInterval::parse(text, shortest);
    parsed.map(Some).map_err(|invalid| Refusal::parameter(NAME, invalid.to_string()))
}
