//! Bodies that report the progress of a request to its connection: when it has arrived completely, and when its answer ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::activity::{Activity, Running};

/// The body of a request. It notes when it has arrived.
struct Arriving {
    body: Incoming,
    activity: Arc<Activity>,
}

/// Wraps the body of a request, so that `activity` shows whether it has arrived.
pub(super) fn arriving(body: Incoming, activity: &Arc<Activity>) -> Body {
    if body.is_end_stream() {
        activity.received();
        return Body::empty();
    }
    Body::new(Arriving { body, activity: Arc::clone(activity) })
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if frame.is_none() || this.body.is_end_stream() {
            this.activity.received();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// When a request is answered before its body has arrived, the rest of the body is not needed.
impl Drop for Arriving {
    fn drop(&mut self) {
        self.activity.received();
    }
}

/// The body of an answer. The request ends when hyper has taken the whole body.
pub(super) struct TrackedBody {
    pub(super) body: Body,
    pub(super) _request: Running,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
