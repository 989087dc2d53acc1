//! Injecting faults into calls.

use tokio_util::sync::CancellationToken;

use crate::actions::{self, Endpoint};
use crate::domain::AccountId;
use crate::domain::faults::{Call, Fault};
use crate::ports::Clock;
use crate::server::shared::Shared;
use crate::wire::Fields;

/// The fault for this call, if a rule fires. Waits for the rule's delay before it returns, or until the server stops.
pub(super) async fn inject(
    shared: &Shared,
    account: &AccountId,
    action: &dyn Endpoint,
    fields: Fields<'_>,
) -> Option<Fault> {
    let app = &shared.settings.app;
    if !app.faults().any() {
        return None;
    }
    let secrets = actions::secrets_named(fields);
    let fault = app.faults().inject(&Call::new(action.name(), account, &secrets), app.entropy())?;
    if let Some(delay_ms) = fault.delay_ms {
        delay(app.clock(), delay_ms, &shared.shutdown).await;
    }
    Some(fault)
}

async fn delay(clock: &dyn Clock, delay_ms: u64, shutdown: &CancellationToken) {
    tokio::select! {
        () = clock.pause(delay_ms) => {}
        () = shutdown.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::Poll;

    use async_trait::async_trait;
    use futures_util::poll;
    use tokio::sync::Notify;

    use super::*;
    use crate::domain::{ClockSetting, Timestamp};

    /// A clock whose pauses end when the test says so.
    #[derive(Debug, Default)]
    struct HeldClock {
        pauses_ms: Mutex<Vec<u64>>,
        over: Notify,
    }

    #[async_trait]
    impl Clock for HeldClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn wall(&self) -> Timestamp {
            self.now()
        }

        fn setting(&self) -> ClockSetting {
            ClockSetting::default()
        }

        fn adopt(&self, _setting: ClockSetting) {}

        async fn pause(&self, ms: u64) {
            self.pauses_ms.lock().unwrap().push(ms);
            self.over.notified().await;
        }

        async fn sleep_until(&self, _at: Timestamp) {
            std::future::pending::<()>().await;
        }
    }

    #[tokio::test]
    async fn a_delay_ends_when_the_clock_has_paused_for_its_milliseconds() {
        let (clock, shutdown) = (HeldClock::default(), CancellationToken::new());
        let mut delayed = std::pin::pin!(delay(&clock, 80, &shutdown));
        assert_eq!(poll!(delayed.as_mut()), Poll::Pending);
        assert_eq!(*clock.pauses_ms.lock().unwrap(), [80]);
        clock.over.notify_one();
        delayed.await;
    }

    #[tokio::test]
    async fn a_stop_ends_a_delay() {
        let (clock, shutdown) = (HeldClock::default(), CancellationToken::new());
        let mut delayed = std::pin::pin!(delay(&clock, 60_000, &shutdown));
        assert_eq!(poll!(delayed.as_mut()), Poll::Pending);
        shutdown.cancel();
        delayed.await;
    }
}
