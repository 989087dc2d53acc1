//! Reading the whole body of a request, with bounds on length and time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Why a body could not be read.
#[derive(Debug)]
pub(in crate::server) enum Unreceived {
    /// The body is too long.
    TooLong,
    /// The body did not arrive in time.
    TooSlow,
    /// The client went away or sent a malformed body.
    Broken(String),
}

/// Reads a body of at most `most` bytes within `time`.
///
/// # Errors
/// [`Unreceived`].
pub(in crate::server) async fn whole(body: Body, most: usize, time: Duration) -> Result<Bytes, Unreceived> {
    match tokio::time::timeout(time, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Unreceived::TooLong),
        Ok(Err(error)) => Err(Unreceived::Broken(error.to_string())),
        Err(_elapsed) => Err(Unreceived::TooSlow),
    }
}

/// As [`whole`], for large bodies: `pause` also bounds the time between two reads.
///
/// # Errors
/// [`Unreceived`].
pub(in crate::server) async fn file(
    mut body: Body,
    most: usize,
    time: Duration,
    pause: Duration,
) -> Result<Bytes, Unreceived> {
    if body.size_hint().lower() > most as u64 {
        return Err(Unreceived::TooLong);
    }
    let reading = async {
        let mut all = Vec::new();
        while let Some(frame) =
            tokio::time::timeout(pause, body.frame()).await.map_err(|_elapsed| Unreceived::TooSlow)?
        {
            let frame = frame.map_err(|error| Unreceived::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > most - all.len() {
                return Err(Unreceived::TooLong);
            }
            all.extend_from_slice(&data);
        }
        Ok(all.into())
    };
    tokio::time::timeout(time, reading).await.map_err(|_elapsed| Unreceived::TooSlow)?
}
