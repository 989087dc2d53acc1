//! The accept loop. `axum::serve` is not used because it sets neither a header timeout nor a deadline for shutdown.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderValue, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::either::Either;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::bodies::{self, TrackedBody};
use super::connections::Slot;
use super::deadline_clock;
use super::dropped::Dropped;
use super::long_line::{self, LongLine};
use super::outliving::{Gone, Outliving};
use super::peer::Peer;
use super::transport::{self, Transport};
use crate::server::admin;
use crate::server::rpc;
use crate::server::shared::Shared;

/// Shortest time between two log lines about the same problem.
const COMPLAINT_EVERY: Duration = Duration::from_mins(1);
/// The paths that are served on spare connections. Everything else gets 503.
const ALWAYS: [&str; 3] = ["/_sesame/health", "/_sesame/ready", "/_sesame/metrics"];

/// Accepts connections until shutdown.
pub(in crate::server) async fn accept(
    listener: TcpListener,
    router: Router,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) {
    let shutdown = &shared.shutdown;
    let (mut refused, mut failed) = (Complaint::default(), Complaint::default());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = async {
                shared.connections.room().await;
                listener.accept().await
            } => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match shared.connections.admit(peer.ip()) {
                Some(slot) => {
                    let (router, shared, of_server) = (router.clone(), Arc::clone(shared), tasks.clone());
                    tasks.spawn(async move {
                        connection(stream, peer.ip(), Arc::new(slot), router, shared, &of_server).await;
                    });
                }
                None => {
                    if let Some(times) = refused.is_due() {
                        let (address, bound) = (peer.ip(), shared.settings.bounds.per_address);
                        tracing::warn!(
                            %address, times,
                            "closed a new connection: its address has {bound} open ([limits] connections_per_address)"
                        );
                    }
                }
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Probably out of file descriptors.
                shared.connections.make_room();
                if let Some(times) = failed.is_due() {
                    tracing::warn!(%error, times, "cannot accept a connection");
                }
                tokio::time::sleep_until(deadline_clock::now() + Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Rate-limits a repeated warning.
#[derive(Debug, Default)]
struct Complaint {
    times: u64,
    last: Option<Instant>,
}

impl Complaint {
    /// Counts one occurrence. Returns the count since the last line when a line is due.
    fn is_due(&mut self) -> Option<u64> {
        self.times += 1;
        if self.last.is_some_and(|last| last.elapsed() < COMPLAINT_EVERY) {
            return None;
        }
        self.last = Some(deadline_clock::now());
        Some(std::mem::take(&mut self.times))
    }
}

/// Serves a connection until it ends or is told to close. `slot` is held by the connection and by requests that outlive it.
async fn connection(
    stream: TcpStream,
    address: IpAddr,
    slot: Arc<Slot>,
    router: Router,
    shared: Arc<Shared>,
    tasks: &TaskTracker,
) {
    let bounds = &shared.settings.bounds;
    let serving = async {
        let accepted = transport::detect_tls(stream, &slot.activity, bounds, &shared.settings.tls);
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = shared.shutdown.cancelled() => return,
        };
        if let Some(stream) = accepted {
            let peer = Peer { address, secure: matches!(stream, Either::Right(_)), spare: slot.spare };
            serve_connection(stream, peer, &slot, &router, &shared, tasks).await;
        }
    };
    tokio::select! {
        () = serving => {}
        () = slot.activity.told_to_close() => {
            tracing::debug!(%address, "closed an idle connection to make room for others");
        }
    }
}

/// Answers the requests of a connection.
async fn serve_connection(
    stream: Transport,
    peer: Peer,
    slot: &Arc<Slot>,
    router: &Router,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) {
    let activity = &slot.activity;
    // Only an error of the service makes hyper close the connection without an answer.
    let service = service_fn(|request: http::Request<_>| {
        let running = activity.begin();
        let mut request = request.map(|body| bodies::arriving(body, activity));
        let path = request.uri().path();
        // The API needs no router: it is one function, and the router boxes every request.
        let to_admin = admin::serves(path) && (!peer.spare || ALWAYS.contains(&path));
        let (shared, router) = (Arc::clone(shared), to_admin.then(|| router.clone()));
        let gone = to_admin.then(Gone::default);
        let told = gone.as_ref().map(|gone| gone.0.clone());
        let answered = async move {
            let running = running.ok_or(Dropped)?;
            let mut response = match router {
                None => rpc::handle(&shared, peer, request).await?,
                Some(router) => {
                    request.extensions_mut().insert(peer);
                    request.extensions_mut().insert(gone.unwrap_or_default());
                    router.oneshot(request).await.map_err(|never| match never {})?
                }
            };
            if peer.spare {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Dropped>(response.map(|body| TrackedBody { body, _request: running }))
        };
        Outliving::new(Box::pin(answered), Arc::clone(slot), tasks).telling(told)
    });
    let bounds = &shared.settings.bounds;
    let io = TokioIo::new(LongLine::new(stream, shared.long_query.clone()));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(long_line::MIN_BUFFER)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shared.shutdown.cancelled() => {
            if !activity.is_answering() {
                return;
            }
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = serving => ended,
                () = activity.unread_for(bounds.unread_at_stop) => {
                    tracing::debug!(address = %peer.address, "closed a connection whose client does not read its answer");
                    return;
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
