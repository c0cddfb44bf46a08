use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{AppName, Release, ReleaseNumber, Slot};
use crate::record::Cause;

/// The version of the JSON form, (major).(minor): fields are only added within a major.
const FORMAT: &str = "1.0";

/// What a hook is told of the deploy. It holds no secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Facts<'a> {
    format: &'static str,
    /// The moment, as in the configuration: `before_switch`.
    pub hook: String,
    /// The app.
    pub app: &'a AppName,
    /// Why it is done.
    pub cause: Cause,
    /// The release that is to become live.
    pub release: Told<'a>,
    /// The release that was live when the deploy began.
    pub former: Option<Told<'a>>,
    /// The release that gets the requests at this moment.
    pub live: Option<ReleaseNumber>,
    /// Why it was undone, in a line, when it was.
    pub reason: Option<&'a str>,
}

/// A release, as a hook is told of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told<'a> {
    number: ReleaseNumber,
    image: &'a str,
    image_id: &'a str,
    repo_digest: Option<&'a str>,
    slot: Slot,
    containers: Vec<&'a str>,
}

impl<'a> From<&'a Release> for Told<'a> {
    fn from(release: &'a Release) -> Self {
        Self {
            number: release.number,
            image: &release.image,
            image_id: &release.image_id,
            repo_digest: release.repo_digest.as_deref(),
            slot: release.slot,
            containers: release.containers.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }
}

impl<'a> Facts<'a> {
    /// Puts together what is told.
    pub fn new(
        hook: String,
        cause: Cause,
        (release, former): (&'a Release, Option<&'a Release>),
        live: Option<ReleaseNumber>,
        reason: Option<&'a str>,
    ) -> Self {
        let former = former.map(Told::from);
        Self {
            format: FORMAT,
            hook,
            app: &release.app.name,
            cause,
            release: release.into(),
            former,
            live,
            reason,
        }
    }

    /// The whole as one line of JSON, for standard input.
    pub fn json(&self) -> String {
        // Nothing but texts and numbers under fixed names is in it, which always can be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The most important of it as variables of the environment; what there is none of is empty.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let former = self.former.as_ref();
        let number =
            |number: Option<ReleaseNumber>| number.map(|number| number.to_string()).unwrap_or_default();
        let all = [
            ("BGD_HOOK", self.hook.clone()),
            ("BGD_APP", self.app.to_string()),
            ("BGD_CAUSE", self.cause.as_str().to_owned()),
            ("BGD_RELEASE", self.release.number.to_string()),
            ("BGD_IMAGE", self.release.image.to_owned()),
            ("BGD_IMAGE_ID", self.release.image_id.to_owned()),
            ("BGD_SLOT", self.release.slot.to_string()),
            ("BGD_CONTAINERS", self.release.containers.join(" ")),
            ("BGD_FORMER_RELEASE", number(former.map(|former| former.number))),
            ("BGD_FORMER_IMAGE", former.map(|former| former.image.to_owned()).unwrap_or_default()),
            ("BGD_LIVE_RELEASE", number(self.live)),
            ("BGD_REASON", self.reason.unwrap_or_default().to_owned()),
        ];
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
