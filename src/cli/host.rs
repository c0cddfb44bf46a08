//! What commands reach of the machine on which they run.

use std::path::Path;
use std::rc::Rc;

use async_trait::async_trait;

use super::exit::code;
use crate::docker::{self, Engine};
use crate::error::{Error, Kind, Result};
use crate::proxy::Proxies;
use crate::record::Store;
use crate::saga::Cancel;

/// A machine. The tests have another one than [`Machine`], in memory, on which the commands run as they are.
#[async_trait(?Send)]
pub trait Host {
    /// Connects to the engine.
    ///
    /// # Errors
    /// Of kind `Docker` when it does not answer.
    async fn engine(&self) -> Result<Rc<dyn Engine>>;

    /// The proxies that run on the engine.
    fn proxies(&self, engine: &Rc<dyn Engine>) -> Proxies {
        Proxies::new(Rc::clone(engine))
    }

    /// The records of this user.
    ///
    /// # Errors
    /// When there is no folder for them.
    fn store(&self) -> Result<Store>;

    /// The folder in which a configuration is looked for.
    fn folder(&self) -> &Path {
        Path::new(".")
    }

    /// Listens for signals from now on.
    ///
    /// # Errors
    /// When the system refuses.
    fn cancel(&self) -> Result<Cancel>;

    /// Prints data to standard output.
    fn print(&self, text: &str) {
        super::table::print(text);
    }
}

/// The machine of this process.
pub struct Machine {
    /// Reads a variable of the environment.
    pub env: fn(&str) -> Option<String>,
}

#[async_trait(?Send)]
impl Host for Machine {
    async fn engine(&self) -> Result<Rc<dyn Engine>> {
        docker::connect((self.env)("DOCKER_HOST").as_deref()).await
    }

    fn store(&self) -> Result<Store> {
        if let Err(std::env::VarError::NotUnicode(value)) = std::env::var("BGD_STATE_DIR") {
            let message = format!("BGD_STATE_DIR is not UTF-8 text: {}", value.to_string_lossy());
            return Err(Error::new(Kind::Config, message).hint("name a folder whose path is UTF-8 text"));
        }
        Store::of_this_user(&self.env)
    }

    fn cancel(&self) -> Result<Cancel> {
        // The second signal leaves at once: the journal is on disk, and `bgd recover` goes on from it.
        Cancel::from_signals(|| std::process::exit(i32::from(code(Kind::Interrupted))))
    }
}
