use super::Plan;
use crate::model::{Hook, Release};
use crate::record::Cause;
use crate::step::Step;

impl Plan {
    /// The hook of a step, with the release that it belongs to. A rollback that was asked for runs the one of the release
    /// that is left, whose image alone may know how to take back what it did.
    pub fn hook(&self, step: Step) -> Option<(&Hook, &Release)> {
        let release = match step {
            Step::OnRollback if self.cause == Cause::Rollback => self.former.as_ref()?,
            _ => &self.target,
        };
        let hooks = &release.app.hooks;
        let hook = match step {
            Step::BeforeDeploy => &hooks.before_deploy,
            Step::BeforeStart => &hooks.before_start,
            Step::BeforeSwitch => &hooks.before_switch,
            Step::AfterSwitch => &hooks.after_switch,
            Step::BeforeRetire => &hooks.before_retire,
            Step::AfterDeploy => &hooks.after_deploy,
            Step::OnRollback => &hooks.on_rollback,
            Step::OnFailure => &hooks.on_failure,
            _ => return None,
        };
        Some((hook.as_ref()?, release))
    }
}
