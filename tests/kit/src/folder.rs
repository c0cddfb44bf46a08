use crate::container::Container;
use crate::docker::Docker;
use crate::run::TestRun;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// Where the configuration folder of an [`Edge`](crate::Edge) or a [`Gate`](crate::Gate) lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigDir {
    /// A folder of the host, bind-mounted. What the image has there is hidden.
    HostFolder,
    /// A named volume, which Docker fills with what the image has there.
    Volume,
    /// The container's own layer, lost when it is made anew.
    OwnLayer,
}

impl ConfigDir {
    pub const ALL: [Self; 3] = [Self::HostFolder, Self::Volume, Self::OwnLayer];
}

/// The folder from which a proxy reads its configuration.
pub(crate) struct Folder {
    /// Its path inside the container.
    path: &'static str,
    host: Option<TempDir>,
    volume: Option<String>,
}

impl Folder {
    pub fn new(run: &TestRun, place: ConfigDir, path: &'static str) -> Self {
        let host = (place == ConfigDir::HostFolder).then(folder_for_all);
        let volume = (place == ConfigDir::Volume).then(|| run.volume("conf"));
        Self { path, host, volume }
    }

    /// What `docker create --volume` has to be given, if anything.
    pub fn mount(&self) -> Option<String> {
        let host = self.host().map(|folder| folder.display().to_string());
        let source = host.as_ref().or(self.volume.as_ref())?;
        Some(format!("{source}:{}", self.path))
    }

    pub fn host(&self) -> Option<&Path> {
        self.host.as_ref().map(TempDir::path)
    }

    /// Puts files into the folder of a container that needs not run.
    #[track_caller]
    pub fn fill(&self, docker: &Docker, name: &str, files: &[(String, String)]) {
        let copy = tempfile::tempdir().unwrap();
        let folder = self.host().unwrap_or(copy.path());
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        if self.host.is_some() {
            return;
        }
        // With "/." at the end the files are copied and the folder's own mode is not.
        let from = format!("{}/.", folder.display());
        docker.ok(["cp", &from, &format!("{name}:{}/", self.path)]);
    }

    #[track_caller]
    pub fn put(&self, container: &Container, file: &str, text: &str) {
        match &self.host {
            // Under another name first: a proxy that watches the folder must not read half of it.
            Some(folder) => {
                let half = folder.path().join(format!(".{file}.half"));
                std::fs::write(&half, text).unwrap();
                std::fs::rename(half, folder.path().join(file)).unwrap();
            }
            None => self.fill(container.docker(), container.name(), &[(file.to_string(), text.to_string())]),
        }
    }

    pub fn read(&self, container: &Container, file: &str) -> Option<String> {
        // What is bind-mounted is the same on both sides.
        if let Some(folder) = &self.host {
            return std::fs::read_to_string(folder.path().join(file)).ok();
        }
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("file");
        let from = format!("{}:{}/{file}", container.name(), self.path);
        container.docker().run(["cp", "--follow-link", &from, to.to_str().unwrap()]).ok()?;
        std::fs::read_to_string(to).ok()
    }

    #[track_caller]
    pub fn files(&self, container: &Container) -> Vec<String> {
        let copy = tempfile::tempdir().unwrap();
        let folder = match &self.host {
            Some(folder) => folder.path().to_path_buf(),
            None => {
                let to = copy.path().join("folder");
                let from = format!("{}:{}", container.name(), self.path);
                container.docker().ok(["cp", &from, to.to_str().unwrap()]);
                to
            }
        };
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A folder that everybody may read: nginx's workers have a user of their own.
fn folder_for_all() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Set afterwards, because what is given to mkdir is narrowed by the umask.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
