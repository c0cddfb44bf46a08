use crate::app::App;
use crate::routes;
use crate::settings::Settings;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

/// Answers until SIGTERM or SIGINT, then finishes what is in flight. A second signal ends the process at once.
pub async fn serve(settings: Settings) -> io::Result<()> {
    // Before anything slow: as process 1 of a container, a signal without a handler would be lost.
    let mut signals = Signals::new()?;
    let (port, delay) = (settings.port, settings.start_delay);
    let app = App::new(settings);
    if !delay.is_zero() {
        eprintln!("waiting for {delay:?} before listening");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = signals.next() => return Ok(()),
        }
    }
    let listener = listen(port).await?;
    eprintln!("version {} listens on {}", app.version, listener.local_addr()?);

    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(app.clone(), stream)); }
                Err(why) => {
                    eprintln!("accept: {why}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = signals.next() => break,
        }
    }
    drop(listener);
    eprintln!("stopping, {} in flight", app.in_flight.count());
    app.stop();
    let finished = async {
        while connections.join_next().await.is_some() {}
        app.in_flight.idle().await;
    };
    tokio::select! {
        () = finished => Ok(()),
        () = signals.next() => {
            eprintln!("second signal: leaving {} in flight", app.in_flight.count());
            std::process::exit(1)
        }
    }
}

async fn connection(app: Arc<App>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| routes::answer(app.clone(), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    // A connection that fails is the client's affair: it has gone away or does not speak HTTP.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// One socket for both families where the host has IPv6, else IPv4 alone.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => Err(why),
        Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
