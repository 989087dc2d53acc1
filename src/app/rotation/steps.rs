//! Rotations whose receiver works through the API, step by step (rules DY14.6 to DY14.8). Which steps are done is stored, so that a
//! rotation continues with the step that failed, also after a crash.

use super::claim::{Claim, Stop};
use super::hooks::question;
use super::job::Job;
use super::targets::failed;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::retry::until_first;
use crate::app::secrets::Decided;
use crate::domain::rotation::decide;
use crate::domain::rotation::rotators::Rotator;
use crate::domain::rotation::rotators::hooks::{Hook, Webhook};
use crate::domain::{Refusal, StageLabel, writes};
use crate::rotators::webhook::{self, Question};

/// The steps, and the names that AWS gives them.
const STEPS: [(&str, &str); 4] =
    [("new", "createSecret"), ("set", "setSecret"), ("test", "testSecret"), ("finish", "finishSecret")];
/// The label for the version before it is current.
pub(super) const PENDING: &str = "SesamePending";

/// The webhook of a rotator of mode steps.
pub(super) fn of(rotator: &Rotator) -> Option<&Webhook> {
    match &rotator.hook {
        Some(Hook::Webhook(webhook)) if webhook.steps => Some(webhook),
        _ => None,
    }
}

impl App {
    /// Has the steps done that are left, and then wants ACSCurrent on the version (rule DY14.7).
    pub(super) async fn step_through(
        &self,
        claim: &Claim,
        webhook: &Webhook,
        job: &Job<'_>,
    ) -> Result<(), Stop> {
        let arn = job.secret.arn();
        let done = usize::try_from(job.running.steps_done).unwrap_or(usize::MAX);
        for (own, aws) in STEPS.iter().skip(done) {
            let step = if webhook.aws_names { aws } else { own };
            let question = Question { pending_label: Some(PENDING), ..question(job, &arn, step) };
            self.inject_fault(claim).await?;
            webhook::step(webhook, &question, self.clock.wall().as_millis() / 1000).await.map_err(
                |failure| {
                    crate::domain::rotation::Failure::new(
                        failure.cause,
                        format!("step {step}: {}", failure.message),
                    )
                },
            )?;
            let lease = self.fresh_lease();
            let noted = self
                .change_managed(&claim.at, |managed| {
                    decide::step_done(managed, &claim.version, lease.clone())
                })
                .await?;
            if !noted {
                return Err(Stop::Dropped);
            }
        }
        let ended: Result<bool, AppError> = until_first!(self, self.finish_steps_once(claim));
        if ended? {
            return Ok(());
        }
        let why = "the receiver answered 200 to every step, and ACSCurrent is not on the new version; the last step moves it \
                   with UpdateSecretVersionStage";
        // The receiver may do better when it is asked for all steps again.
        self.change_managed(&claim.at, |managed| decide::steps_again(managed, &claim.version)).await?;
        Err(failed(why).into())
    }

    async fn finish_steps_once(&self, claim: &Claim) -> Result<bool, AppError> {
        let at = &claim.at;
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        if loaded.secret.stages.version_of(StageLabel::CURRENT) != Some(&claim.version) {
            return Ok(false);
        }
        let managed = loaded.secret.require_managed()?;
        let owner = &self.rotations.owner;
        let next = decide::rotated_elsewhere(managed, &claim.version, owner, self.clock.now());
        let next = next.ok_or(Refusal::BeingRotated)?;
        let ops = decide::without_label(&loaded.secret, PENDING);
        let change = writes::manage(&loaded.secret, next, ops);
        let after = loaded.after(&change, None, None);
        self.commit(guard, Decided::plain(&loaded.secret, change), after).await?;
        Ok(true)
    }

    /// Takes the pending label off, after a rotation that failed.
    pub(super) async fn drop_pending(&self, claim: &Claim) -> Result<(), AppError> {
        until_first!(self, self.drop_pending_once(claim))
    }

    async fn drop_pending_once(&self, claim: &Claim) -> Result<(), AppError> {
        let at = &claim.at;
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let Some(loaded) = loaded else { return Ok(()) };
        let ops = decide::without_label(&loaded.secret, PENDING);
        let Some(managed) = loaded.secret.managed.as_deref().filter(|_| !ops.is_empty()) else {
            return Ok(());
        };
        let change = writes::manage(&loaded.secret, managed.clone(), ops);
        let after = loaded.after(&change, None, None);
        self.commit(guard, Decided::plain(&loaded.secret, change), after).await?;
        Ok(())
    }
}
