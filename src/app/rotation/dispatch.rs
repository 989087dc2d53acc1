//! Which target a rotator has.

use super::databases::Databases;
use super::hooks::Hooks;
use super::job::Target;
use super::targets::{Ram, Simulate};
use crate::app::App;
use crate::domain::rotation::rotators::{Kind, Rotator};

/// The target of a rotator.
pub(super) fn target<'a>(app: &'a App, rotator: &'a Rotator) -> Box<dyn Target + 'a> {
    match rotator.kind {
        Kind::Simulate => Box::new(Simulate { app, rotator }),
        Kind::Ram => Box::new(Ram { app }),
        Kind::Postgres | Kind::Mysql | Kind::Redis => Box::new(Databases::new(app, rotator)),
        Kind::Webhook | Kind::Command | Kind::Generator => Box::new(Hooks::new(app, rotator)),
    }
}
