use std::path::PathBuf;

use super::Session;
use crate::error::Result;
use crate::model::{App, AppName, ImageRef};

/// Which image goes to which app.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The image with its tag or digest; the configuration's own when left out
    #[arg(value_parser = ImageRef::parse)]
    pub image: Option<ImageRef>,

    /// The app to deploy to
    #[arg(long, value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl Which {
    /// Finds the app, and the image with its tag.
    pub(super) fn find(&self, session: &Session) -> Result<(App, ImageRef)> {
        let app = session.app_to_deploy(self.file.as_deref(), self.image.as_ref(), self.app.as_ref())?;
        let image = self.image.clone().unwrap_or_else(|| app.image.clone()).or_latest();
        Ok((app, image))
    }
}
