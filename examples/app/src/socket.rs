use crate::app::App;
use crate::routes::{Content, text};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Accepts a WebSocket (RFC 6455), which counts as in flight until it has been closed.
pub fn upgrade(app: Arc<App>, mut request: Request<Incoming>) -> Response<Content> {
    let headers = request.headers();
    let asks = headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let known = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let accept = headers.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(accept) = accept.filter(|_| asks && known).and_then(|key| HeaderValue::from_str(&key).ok())
    else {
        return text(StatusCode::UPGRADE_REQUIRED, "a WebSocket is spoken here\n");
    };
    let guard = app.in_flight.enter();
    tokio::spawn(async move {
        let _guard = guard;
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await
            && let Err(why) = talk(app, upgraded).await
        {
            eprintln!("websocket: {why}");
        }
    });
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Says the version, then echoes until the client closes or the app stops.
async fn talk(app: Arc<App>, upgraded: Upgraded) -> Result<(), Error> {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    socket.send(Message::text(app.version.clone())).await?;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => socket.send(message).await?,
                Some(Ok(_)) => {}
                Some(Err(Error::ConnectionClosed)) | None => return Ok(()),
                Some(Err(why)) => return Err(why),
            },
            () = app.stopped() => break,
        }
    }
    socket.close(Some(CloseFrame { code: CloseCode::Away, reason: "stopping".into() })).await?;
    // No echo may follow a close frame (RFC 6455, 5.5.1), so what the client sent meanwhile stays unanswered.
    while let Some(message) = socket.next().await {
        message?;
    }
    Ok(())
}
