//! Bodies that tell their connection how far a request is: whether it has arrived as a whole, and when its answer ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::line::{Line, Running};

/// The body of a request, which says when it has arrived.
struct Arriving {
    body: Incoming,
    line: Arc<Line>,
}

/// The body of a request. The line shows whether it has arrived.
pub(super) fn arriving(body: Incoming, line: &Arc<Line>) -> Body {
    if body.is_end_stream() {
        line.received();
        return Body::empty();
    }
    Body::new(Arriving { body, line: Arc::clone(line) })
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
            this.line.received();
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

/// A request that is answered before its body has arrived needs no more of it.
impl Drop for Arriving {
    fn drop(&mut self) {
        self.line.received();
    }
}

/// The body of an answer. The request is over when hyper has taken all of it.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) _request: Running,
}

impl HttpBody for Answer {
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
