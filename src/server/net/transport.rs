//! HTTP and HTTPS on one port. The first byte of a connection tells which it is.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_util::either::Either;

use super::activity::Activity;
use super::bounds::Bounds;
use super::write_timeout::WriteTimeout;
use crate::tls::{self, Tls};

/// A stream that carries HTTP, with or without TLS.
pub(super) type Transport = Either<WriteTimeout<TcpStream>, Box<tls::Stream<WriteTimeout<TcpStream>>>>;

/// Peeks at the first byte, and performs the TLS handshake if the byte begins one. `None` when this fails, takes longer than
/// [`Bounds::head`], or the client goes away.
pub(super) async fn detect_tls(
    stream: TcpStream,
    activity: &Arc<Activity>,
    bounds: &Bounds,
    tls: &Tls,
) -> Option<Transport> {
    match try_accept(stream, activity, bounds, tls).await {
        Ok(transport) => transport,
        Err(error) => {
            tracing::debug!(%error, "a connection ended before its first request");
            None
        }
    }
}

/// As [`detect_tls`], with the error. `None` when the client goes away before its first byte.
async fn try_accept(
    stream: TcpStream,
    activity: &Arc<Activity>,
    bounds: &Bounds,
    tls: &Tls,
) -> io::Result<Option<Transport>> {
    let accepting = async {
        stream.set_nodelay(true)?;
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(None);
        }
        let local = stream.local_addr()?.ip();
        let stream = WriteTimeout::new(stream, Arc::clone(activity), bounds.unread);
        if first != [tls::FIRST_BYTE] {
            return Ok(Some(Either::Left(stream)));
        }
        // Boxed, so that connections without TLS do not reserve memory for it.
        Ok(Some(Either::Right(Box::new(Box::pin(tls.accept(stream, local)).await?))))
    };
    tokio::time::timeout(bounds.head, accepting).await.map_err(|_elapsed| io::ErrorKind::TimedOut)?
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::metrics::counter::Counter;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::ports::ServerClock;
    use crate::server::net::deadline_clock;

    /// The result for a client that sends these bytes, then nothing, and stays connected.
    async fn greeted(sent: &[u8]) -> io::Result<Option<Transport>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = Tls::signed(None, Vec::new(), address.ip(), Arc::new(ServerClock::default())).unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let activity = Arc::new(Activity::new(deadline_clock::now(), Counter::default()));
        let bounds = Bounds { head: Duration::from_millis(200), ..Bounds::default() };
        let greeted = try_accept(stream, &activity, &bounds, &tls).await;
        drop(client);
        greeted
    }

    #[tokio::test]
    async fn a_silent_client_and_half_a_hello_are_given_up() {
        for sent in [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]] {
            assert_eq!(greeted(sent).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "{sent:?}");
        }
    }

    #[tokio::test]
    async fn no_byte_of_plain_http_is_lost() {
        let Some(Either::Left(mut stream)) = greeted(b"GET / HTTP/1.1").await.unwrap() else {
            panic!("no HTTP")
        };
        let mut read = String::new();
        stream.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "GET / HTTP/1.1");
    }

    #[tokio::test]
    async fn what_only_looks_like_tls_fails() {
        let garbage = [&[0x16, 3, 1, 0, 40][..], &[0xff; 40]].concat();
        let error = greeted(&garbage).await.unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::TimedOut, "{error}");
        let http_after = [&[0x16][..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert!(greeted(&http_after).await.is_err());
    }
}
