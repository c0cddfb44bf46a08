use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Context, Kind, Result};

/// What a person, or the system, asked a running deploy to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// To go on.
    Nothing,
    /// Its terminal is gone (SIGHUP): before the switch that undoes, afterwards it goes on.
    Hangup,
    /// To stop (SIGINT, SIGTERM): before the switch that undoes, afterwards the deploy stays where it is.
    Stop,
}

/// Listens for signals. The first one is asked to be graceful; a second SIGINT or SIGTERM leaves at once.
#[derive(Debug, Clone)]
pub struct Cancel {
    wanted: watch::Receiver<Wanted>,
    // Held so that the channel stays open where nobody listens for signals.
    _sender: Option<std::rc::Rc<watch::Sender<Wanted>>>,
}

impl Cancel {
    /// Takes over this process's signals.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn from_signals(leave: impl Fn() + 'static) -> Result<Self> {
        let listen = |kind| signal(kind).or_error(Kind::Other, || "cannot listen for signals".to_owned());
        let mut int = listen(SignalKind::interrupt())?;
        let mut term = listen(SignalKind::terminate())?;
        let mut hup = listen(SignalKind::hangup())?;
        let (sender, wanted) = watch::channel(Wanted::Nothing);
        tokio::task::spawn_local(async move {
            loop {
                let asked = tokio::select! {
                    _ = int.recv() => Wanted::Stop,
                    _ = term.recv() => Wanted::Stop,
                    _ = hup.recv() => Wanted::Hangup,
                };
                if asked == Wanted::Stop && *sender.borrow() == Wanted::Stop {
                    leave();
                }
                sender.send_modify(|wanted| *wanted = asked.max(*wanted));
            }
        });
        Ok(Self { wanted, _sender: None })
    }

    /// One that never asks for anything.
    pub fn never() -> Self {
        let (sender, wanted) = watch::channel(Wanted::Nothing);
        Self { wanted, _sender: Some(std::rc::Rc::new(sender)) }
    }

    /// One that is told by a test.
    pub fn told() -> (watch::Sender<Wanted>, Self) {
        let (sender, wanted) = watch::channel(Wanted::Nothing);
        (sender, Self { wanted, _sender: None })
    }

    /// What is wanted now.
    pub fn wanted(&self) -> Wanted {
        *self.wanted.borrow()
    }

    /// Waits until at least this is wanted.
    pub async fn at_least(&self, least: Wanted) {
        let mut wanted = self.wanted.clone();
        if wanted.wait_for(|wanted| *wanted >= least).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}
