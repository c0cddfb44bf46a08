//! What can be wrong with an app, what it is called, and what puts it right.

use crate::model::{AppName, ReleaseNumber};
use crate::record::Holder;

/// One thing that is wrong. `bgd status` tells it, `bgd recover` acts on it: both ask [`super::diagnose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another bgd is changing the app.
    Busy(Holder),
    /// A deploy did not end.
    Unfinished { release: ReleaseNumber, has_former: bool },
    /// A file of the records, or the journal, cannot be read; the text has its remedies.
    Unreadable { told: String, recoverable: bool },
    /// No record tells the proxy.
    NoConfiguration,
    /// The file that tells which releases were live is gone.
    StateGone,
    /// What the proxy routes to has no record.
    RecordGone { what: String },
    /// The proxy routes to a release of which the containers that are there are not those of its record.
    AnotherFolders { release: ReleaseNumber },
    /// The records name a live release, and the proxy has no route.
    NoRoute { recorded: ReleaseNumber },
    /// The proxy routes to another release than the records say.
    OtherLive { live: ReleaseNumber, recorded: ReleaseNumber },
    /// A deploy did not end, and its journal is gone.
    LeftOver { release: ReleaseNumber },
    /// The proxy could not be asked; the text has its remedies.
    ProxyUnasked { told: String },
    /// A file of bgd's is not as bgd wrote it.
    Edited { path: String, proxy: String },
    /// Containers of the live release are gone.
    Missing { missing: usize, of: usize },
    /// An adopted container, which is live, is gone or stopped.
    Adopted { name: String, state: String },
    /// A container of the live release is not well.
    Unwell { name: String, state: String },
    /// A container of the live release is not as it was created.
    Changed { what: String },
    /// The proxy is down because it does not take the app's file.
    NotTaken { what: String },
    /// The proxy answers for the app: it did not reach it.
    Unreached { what: String },
    /// The app itself answers with an error.
    Failing { what: String, container: String },
    /// A client gets something worse than the live release answers.
    NotForClients { what: String, remedy: String },
    /// What keeps the proxy from serving the app, found where it did not.
    Refused { what: String, remedy: Option<String> },
}

impl Trouble {
    /// What it is, in a line without a remedy.
    pub fn what(&self) -> String {
        match self {
            Self::Busy(holder) => format!("being changed by process {} since {}", holder.pid, holder.since),
            Self::Unfinished { release, .. } => format!("the deploy of release {release} did not end"),
            Self::Unreadable { told, .. } | Self::ProxyUnasked { told } => told.clone(),
            Self::NoConfiguration => "none of its records can be read, so its proxy is not known".to_owned(),
            Self::StateGone => {
                "the record of which releases were live is gone (state.json in the state folder)".to_owned()
            }
            Self::RecordGone { what } => {
                format!("the proxy routes to {what}, of which there is no record")
            }
            Self::AnotherFolders { release } => format!(
                "the proxy routes to release {release}, and the containers that say they are of release {release} are not those of its record: another user, or another state folder, has deployed them"
            ),
            Self::NoRoute { recorded } => {
                format!("the proxy has no route for it; the records say release {recorded}")
            }
            Self::OtherLive { live, recorded } => {
                format!("the proxy routes to release {live}, the records say {recorded}")
            }
            Self::LeftOver { release } => {
                format!("the deploy of release {release} did not end, and its journal is gone")
            }
            Self::Edited { path, proxy } => format!("{path} in {proxy} was changed or removed by hand"),
            Self::Missing { missing, of } => format!("{missing} of its {of} containers are missing"),
            Self::Adopted { name, state } => format!("{name}, which was adopted and is live, is {state}"),
            Self::Unwell { name, state } => format!("{name} is live and {state}"),
            Self::NotTaken { what }
            | Self::Changed { what }
            | Self::Unreached { what }
            | Self::Failing { what, .. } => what.clone(),
            Self::Refused { what, .. } | Self::NotForClients { what, .. } => what.clone(),
        }
    }

    /// What it is and what to do about it, in a line. Each command in it can be typed as it stands.
    pub fn told(&self, app: &AppName) -> String {
        let what = self.what();
        let recover = format!("bgd recover {app}");
        match self {
            Self::Busy(_) | Self::Unreadable { .. } | Self::ProxyUnasked { .. } => what,
            Self::Unfinished { has_former: true, .. } => format!("{what}: {recover}, or bgd rollback {app}"),
            Self::Unfinished { has_former: false, .. } | Self::LeftOver { .. } => {
                format!("{what}: {recover}")
            }
            Self::NoConfiguration => format!("{what}: where its bgd.yaml is, run {recover}"),
            Self::StateGone | Self::RecordGone { .. } => format!("{what}: {recover} makes it anew"),
            Self::AnotherFolders { .. } => {
                format!("{what}; see them with: docker ps -a --filter label=bgd.app={app}")
            }
            Self::NoRoute { .. } => format!("{what}: {recover} restores it"),
            Self::OtherLive { live, .. } => format!("{what}: {recover} records release {live} as live"),
            Self::NotTaken { .. } => format!("{what}: {recover} writes one that it takes, and starts it"),
            Self::Edited { .. } => format!("{what}: {recover} writes it anew, as the next deploy does"),
            Self::Missing { .. } | Self::Unwell { .. } | Self::Adopted { .. } | Self::Unreached { .. } => {
                format!("{what}: {recover} deploys it anew")
            }
            Self::Changed { .. } => format!("{what}: {recover} deploys it anew, as the next deploy does"),
            Self::Failing { container, .. } => {
                format!("{what}: see why with: docker logs --tail 20 {container}")
            }
            Self::Refused { remedy: Some(remedy), .. } | Self::NotForClients { remedy, .. } => {
                format!("{what}: {remedy}")
            }
            Self::Refused { remedy: None, .. } => what,
        }
    }

    /// Whether records are missing, which `bgd recover` makes anew before it does anything else.
    pub fn is_of_records(&self) -> bool {
        matches!(self, Self::StateGone | Self::RecordGone { .. } | Self::Unreadable { recoverable: true, .. })
    }

    /// Whether the live release has to be deployed anew from its record.
    pub fn wants_deploy(&self) -> bool {
        matches!(
            self,
            Self::NoRoute { .. }
                | Self::NotTaken { .. }
                | Self::Edited { .. }
                | Self::Missing { .. }
                | Self::Adopted { .. }
                | Self::Unwell { .. }
                | Self::Changed { .. }
                | Self::Unreached { .. }
        )
    }

    /// Whether it is about what runs and its records, rather than about another bgd or an open deploy.
    pub fn is_about_what_runs(&self) -> bool {
        !matches!(self, Self::Busy(_) | Self::Unfinished { .. })
    }
}
