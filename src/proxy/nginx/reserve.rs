use crate::error::Result;
use crate::probe::Vantage;

use super::driver::NginxDriver;
use super::names;
use super::reload::read_text;

/// Space on the disk for the way back: a disk that gets full during a deploy must not keep the former file from being
/// written again. It is held by a copy of that file, so that it is as large as it has to be.
impl NginxDriver {
    /// Sets the space aside before the file is changed for the first time.
    pub(super) async fn set_space_aside(&self, vantage: &dyn Vantage) -> Result<()> {
        match read_text(vantage, &self.file()).await? {
            Some(text) => vantage.write(&self.space_file(), text.as_bytes()).await,
            None => Ok(()),
        }
    }

    /// Frees the space, to be used or because it is not needed any more.
    pub(super) async fn free_space(&self, vantage: &dyn Vantage) -> Result<()> {
        vantage.delete(&self.space_file()).await
    }

    fn space_file(&self) -> String {
        names::space_of(&self.proxy, &self.app.name)
    }
}
