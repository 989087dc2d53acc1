//! Visiting secrets of all accounts and regions, for people and tools.

use super::App;
use super::error::AppError;
use crate::domain::{Scope, Secret, SecretName};

/// How many secrets one page looks at. A page of a rare kind may therefore have fewer rows than asked for.
const MOST_LOADED: usize = 1_000;
/// How many names one statement reads.
const BATCH: u32 = 200;

/// A part of all secrets.
#[derive(Debug)]
pub struct CatalogPage {
    /// The secrets, by account, region and name.
    pub secrets: Vec<Secret>,
    /// Where the next page begins: after this secret. `None` at the end.
    pub next: Option<(Scope, SecretName)>,
}

impl App {
    /// The secrets for whose place `is_place` and for whose state `fits` is true, after the given one, at most `limit`. Secrets
    /// whose recovery window has ended are left out.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer.
    pub async fn catalog(
        &self,
        after: Option<(Scope, SecretName)>,
        limit: usize,
        is_place: impl Fn(&Scope, &SecretName) -> bool + Send + Sync,
        fits: impl Fn(&Secret) -> bool + Send + Sync,
    ) -> Result<CatalogPage, AppError> {
        let now = self.clock.now();
        let (mut secrets, mut last, mut loaded) = (Vec::new(), after, 0);
        loop {
            let from = last.as_ref().map(|(scope, name)| (scope, name));
            let names = self.store.walk_secrets(from, BATCH).await?;
            if names.is_empty() {
                return Ok(CatalogPage { secrets, next: None });
            }
            for (scope, name) in names {
                if is_place(&scope, &name) {
                    if secrets.len() == limit || loaded == MOST_LOADED {
                        return Ok(CatalogPage { secrets, next: last });
                    }
                    loaded += 1;
                    let record = self.store.load_secret(&scope, &name).await?;
                    let live = |secret: &Secret| secret.planned_deletion.is_none_or(|at| at > now);
                    let secret = record.map(|record| record.secret);
                    secrets.extend(secret.filter(|secret| live(secret) && fits(secret)));
                }
                last = Some((scope, name));
            }
        }
    }
}
