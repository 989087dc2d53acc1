//! The accept loop: our own, because `axum::serve` sets neither a header timeout nor a deadline for shutdown.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::either::Either;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::dropped::Dropped;
use super::long_line::{self, LongLine};
use super::peer::Peer;
use super::transport;
use crate::server::{Shared, rpc};

/// How long a client may take to send its headers, and before them for a TLS handshake; also how long an idle connection
/// is kept.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4096;

/// Accepts connections until shutdown.
///
/// # Errors
/// When the listener itself is broken.
pub(in crate::server) async fn accept(
    listener: TcpListener,
    router: Router,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) -> std::io::Result<()> {
    let shutdown = &shared.shutdown;
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let slot = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, peer.ip(), router.clone(), Arc::clone(shared));
                tasks.spawn(async move {
                    serving.await;
                    drop(slot);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: others may close soon.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, address: IpAddr, router: Router, shared: Arc<Shared>) {
    let shutdown = &shared.shutdown;
    let greeted = tokio::select! {
        greeted = transport::greet(stream, &shared.settings.tls, HEADER_TIMEOUT) => greeted,
        () = shutdown.cancelled() => return,
    };
    let Some(stream) = greeted else { return };
    let peer = Peer { address, secure: matches!(stream, Either::Right(_)) };
    // An error of the service is the one way to have hyper close a connection without an answer.
    let service = service_fn(|request| async {
        let request: Request = request.map(Body::new);
        let response = if request.uri().path() == rpc::PATH {
            // Past the router, which has nothing to choose here and boxes every request.
            rpc::handle(&shared, Some(peer), request).await
        } else {
            router.clone().oneshot(request).await.map_err(|never| match never {})?
        };
        Dropped::unless(response)
    });
    let io = TokioIo::new(LongLine::new(stream, shared.long_query.clone()));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(long_line::MIN_BUFFER)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
