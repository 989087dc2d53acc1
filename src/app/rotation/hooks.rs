//! Rotators of kinds webhook, command and generator: a program of the user makes the next value, or Sesame does at random (rules
//! DY14). They have done everything when the value is there, so nothing is left to apply.

use async_trait::async_trait;

use super::job::{Effects, Job, Target};
use super::targets::failed;
use crate::app::App;
use crate::domain::rotation::Failure;
use crate::domain::rotation::rotators::Rotator;
use crate::domain::rotation::rotators::hooks::{self, Hook};
use crate::domain::rotation::value::{Hidden, check_next, texts_of};
use crate::rotators::{command, generator, webhook};

/// The step of a rotation in one call.
const NEW: &str = "new";
/// The shortest text of a value that messages are searched for, in bytes.
const LEAST_TEXT: usize = 4;

/// What makes the next value.
#[derive(Debug)]
pub(super) struct Hooks<'a> {
    app: &'a App,
    rotator: &'a Rotator,
}

/// The question for one step of a rotation.
pub(super) fn question<'a>(job: &'a Job<'_>, arn: &'a str, step: &'a str) -> webhook::Question<'a> {
    webhook::Question {
        step,
        secret_name: job.secret.name.as_str(),
        secret_arn: arn,
        secret_type: job.secret.secret_type.as_str(),
        version_id: job.running.version.as_str(),
        current_version_id: job.running.current.as_str(),
        current_secret_data: None,
        pending_label: None,
        attempt: job.running.attempt,
        region: job.secret.scope.region.as_str(),
    }
}

impl<'a> Hooks<'a> {
    /// The hook of this rotator.
    pub(super) fn new(app: &'a App, rotator: &'a Rotator) -> Self {
        Self { app, rotator }
    }

    fn hook(&self) -> Result<&'a Hook, Failure> {
        self.rotator.hook.as_ref().ok_or_else(|| failed("the rotator has no hook"))
    }

    async fn run(&self, job: &Job<'_>, told: &hooks::Command) -> Result<Hidden, Failure> {
        let (arn, attempt) = (job.secret.arn(), job.running.attempt.to_string());
        let texts = [Some(job.current), job.previous].into_iter().flatten().flat_map(texts_of);
        let texts: Vec<Hidden> = texts.filter(|text| text.reveal().len() >= LEAST_TEXT).collect();
        let secrets: Vec<&str> = texts.iter().map(Hidden::reveal).collect();
        let variables = [
            ("SESAME_STEP", NEW),
            ("SESAME_SECRET_NAME", job.secret.name.as_str()),
            ("SESAME_SECRET_ARN", &arn),
            ("SESAME_VERSION_ID", job.running.version.as_str()),
            ("SESAME_ATTEMPT", &attempt),
        ];
        let late = self.app.clock.pause(told.timeout_ms);
        command::run(told, &command::Told { variables, current: job.current, secrets: &secrets }, late).await
    }
}

#[async_trait]
impl Target for Hooks<'_> {
    async fn make(&self, job: &Job<'_>) -> Result<Hidden, Failure> {
        let arn = job.secret.arn();
        let value = match self.hook()? {
            Hook::Generator(told) => generator::next(told, job.current, &mut *self.app.entropy.rng())?,
            Hook::Command(told) => self.run(job, told).await?,
            Hook::Webhook(told) => {
                let current_secret_data = told.send_value.then_some(job.current);
                let question = webhook::Question { current_secret_data, ..question(job, &arn, NEW) };
                webhook::value(told, &question, self.app.clock.wall().as_millis() / 1000).await?
            }
        };
        let most = self.app.limits.secret_data_bytes;
        let length = value.reveal().len();
        if length > most {
            return Err(failed(format!("the new value has {length} bytes; at most {most} are allowed")));
        }
        let previous = job.previous.map(Hidden::reveal);
        check_next(
            job.secret.secret_type,
            &job.managed.config,
            (job.current.reveal(), previous),
            value.reveal(),
        )
        .map_err(failed)?;
        Ok(value)
    }

    async fn apply(&self, _job: &Job<'_>, _value: &Hidden) -> Result<Effects, Failure> {
        Ok(Effects::default())
    }

    async fn check(&self) -> Result<String, Failure> {
        match self.hook()? {
            Hook::Generator(_) => Ok("it generates random texts and contacts nothing".to_owned()),
            Hook::Command(told) => command::check(told),
            Hook::Webhook(told) => webhook::check(told).await,
        }
    }
}
