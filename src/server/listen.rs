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

use super::faults::Dropped;
use super::long_line::LongLine;
use super::outliving::Outliving;
use super::{Shared, rpc, transport};

/// How long a client may take to send its headers, and before them for a TLS handshake; also how long an idle connection
/// is kept.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// The largest head that hyper buffers, in bytes: a request line of 256 KiB moved into a header, and the rest.
const HEAD_BYTES: usize = 400 * 1024;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Whether it came by TLS.
    pub(super) secure: bool,
}

/// Accepts connections until shutdown.
///
/// # Errors
/// When the listener itself is broken.
pub(super) async fn accept(
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
                let slot = Arc::new((slot, shared.metrics.connected()));
                let (router, shared, of_server) = (router.clone(), Arc::clone(shared), tasks.clone());
                tasks.spawn(async move {
                    connection(stream, peer.ip(), slot, router, shared, &of_server).await;
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

/// Serves a connection to its end. It keeps `slot`, and so do its requests that outlive it.
async fn connection<H: Send + Sync + 'static>(
    stream: TcpStream,
    address: IpAddr,
    slot: Arc<H>,
    router: Router,
    shared: Arc<Shared>,
    tasks: &TaskTracker,
) {
    let shutdown = &shared.shutdown;
    let greeted = tokio::select! {
        greeted = transport::greet(stream, &shared.settings.tls, HEADER_TIMEOUT) => greeted,
        () = shutdown.cancelled() => return,
    };
    let Some(stream) = greeted else { return };
    let peer = Peer { address, secure: matches!(stream, Either::Right(_)) };
    // An error of the service is the one way to have hyper close a connection without an answer.
    let service = service_fn(|request| {
        let mut request: Request = request.map(Body::new);
        let shared = Arc::clone(&shared);
        // The API needs no router: it has one path, and the router boxes every request.
        let router = (request.uri().path() != rpc::PATH).then(|| router.clone());
        let answered = async move {
            let response = match router {
                None => rpc::handle(&shared, Some(peer), request).await,
                Some(router) => {
                    request.extensions_mut().insert(peer);
                    router.oneshot(request).await.map_err(|never| match never {})?
                }
            };
            Dropped::unless(response)
        };
        Outliving::new(answered, Arc::clone(&slot), tasks)
    });
    let io = TokioIo::new(LongLine::new(stream, shared.long_query.clone()));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
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
