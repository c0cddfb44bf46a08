use std::fs;
use std::path::{Path, PathBuf};

use super::{AppStore, Holder, Lock, file, lock};
use crate::error::{Context, Error, Kind, Result};
use crate::model::AppName;

/// The state folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a state folder; it is made when something is written.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The user's state folder: `BGD_STATE_DIR`, `/var/lib/bgd` for root, else below the XDG state folder.
    ///
    /// # Errors
    /// When there is no home folder to put it in.
    pub fn of_this_user(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("BGD_STATE_DIR") {
            if !Path::new(&folder).is_absolute() {
                return Err(Error::new(
                    Kind::Config,
                    format!("BGD_STATE_DIR is {folder:?}, which is another folder in each working folder"),
                )
                .hint("set it to an absolute path, such as /var/lib/bgd"));
            }
            return Ok(Self::at(folder));
        }
        if nix::unistd::geteuid().is_root() {
            return Ok(Self::at("/var/lib/bgd"));
        }
        let state = set("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/state")));
        state.map(|folder| Self::at(folder.join("bgd"))).ok_or_else(|| {
            Error::new(Kind::Config, "there is no folder for bgd's records: HOME is not set")
                .hint("set BGD_STATE_DIR")
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of all apps that have records, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn apps(&self) -> Result<Vec<AppName>> {
        let mut apps = self.folders()?;
        // A folder that only a refused deploy made holds a lock and nothing else: not an app yet.
        apps.retain(|name| {
            let app = self.app(name);
            let left = ["releases", "state.json"].map(|name| app.folder.join(name).exists());
            left.contains(&true) || app.journal_path().exists()
        });
        Ok(apps)
    }

    /// Who else is changing an app now, be it the first deploy of one without records.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn others(&self) -> Result<Vec<(AppName, Holder)>> {
        let holder = |name: AppName| Some((self.app(&name).holder()?, name));
        let mine = std::process::id();
        let held = self.folders()?.into_iter().filter_map(holder);
        Ok(held.filter(|(holder, _)| holder.pid != mine).map(|(holder, name)| (name, holder)).collect())
    }

    fn folders(&self) -> Result<Vec<AppName>> {
        let folder = self.root.join("apps");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(file::cannot("read", &folder, error));
            }
        };
        let mut apps = Vec::new();
        for entry in entries {
            let entry = entry.or_error(Kind::Other, || format!("cannot read {}", folder.display()))?;
            apps.extend(entry.file_name().to_str().and_then(|name| AppName::parse(name).ok()));
        }
        apps.sort();
        Ok(apps)
    }

    /// The records of one app, to read.
    pub fn app(&self, name: &AppName) -> AppStore {
        AppStore { folder: self.root.join("apps").join(name.as_str()), name: name.clone() }
    }

    /// Takes the lock of a proxy, waiting for it: other apps write to it for short times only.
    ///
    /// # Errors
    /// Of kind `Locked` when it is not free within a minute.
    pub async fn lock_proxy(&self, proxy: &str) -> Result<Lock> {
        file::check_owner(&self.root, &self.root.join("proxies"))?;
        let limit = std::time::Duration::from_secs(60);
        Lock::wait(&lock::proxy_lock(&self.root, proxy), &format!("the proxy {proxy}"), limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_state_folder_is_refused() {
        let env = |name: &str| (name == "BGD_STATE_DIR").then(|| "state".to_owned());
        let error = Store::of_this_user(&env).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.hints()[0].contains("absolute"), "{error:?}");
    }
}
